/** src/config/settings: mail, webhooks, collector, storage, server, metrics, ssh, digests, secrets. */
import type { CollectorConfig, ForwardConfig, StorageConfig } from '../config.ts';
import type { StateParts } from '../../report/state/state-due.ts';
import type { Element } from '../xml/parse-elements.ts';
import { formatDuration, parseDuration } from '../../text/durations.ts';
import { dayMs, minuteMs, secondMs } from '../../platform/units.ts';
import { formatSize, parseSize } from '../../text/numbers.ts';
import { localPath } from '../xml/local-path.ts';
import { noteFile, type ReadContext } from './read-secret.ts';
import { databaseKinds, kindOf } from '../databases/kinds.ts';

const defaultSpoolBytes = 10 * 2 ** 30;
const defaultKeepStoredMs = 15 * minuteMs;
const mostKeepStoredMs = 7 * dayMs;
/** The size of the reports of some hundred clients. */
const minSpoolBytes = 2 ** 20;

/**
 * Returns `<collector>` with its defaults. Defaults adapt to written values: connectTimeout="60s" alone lengthens
 * clientDeadline, clientDeadline="8s" alone shortens the timeouts within it.
 */
export function readCollector(element: Element | null, storage: StorageConfig, context: ReadContext): CollectorConfig {
  const { findings } = context;
  const attributes = element?.attributes ?? {};
  const count = (name: string, byDefault: number): number => Number(attributes[name] ?? byDefault);
  const times = readTimes(attributes);
  const { everyMs, ...timeouts } = times;
  const spoolBytes = parseSize(attributes['spool'] ?? '') ?? defaultSpoolBytes;
  if (element !== null && !element.faulty) {
    if (spoolBytes < minSpoolBytes) {
      const least = formatSize(minSpoolBytes);
      const spool = `<collector> spool is ${formatSize(spoolBytes)}`;
      findings.fault(element, `${spool}, too little to be of use; write at least ${least}`);
    }
    checkShare(element, storage, findings);
    checkForward(element, findings);
    checkTimes(element, times, findings);
    checkKeepStored(element, findings);
  }
  return {
    everyMs,
    concurrency: count('concurrency', 128),
    ...timeouts,
    perBastion: count('perBastion', 10),
    perSubnet: count('perSubnet', 32),
    pipelining: attributes['pipelining'] !== 'no',
    changes: statePartsOf(attributes) ?? 'yes',
    neighbours: attributes['neighbours'] === 'yes',
    spoolBytes,
    keepStoredMs: parseDuration(attributes['keepStored'] ?? '') ?? defaultKeepStoredMs,
    open: attributes['open'] !== 'no',
    sharedSite: attributes['share'] === 'yes' ? (attributes['site'] ?? null) : null,
    forward: readForward(element, context),
  };
}

/** Returns the attribute `changes`; undefined if it is not written. */
export function statePartsOf({ changes }: Element['attributes']): StateParts | undefined {
  return changes as StateParts | undefined;
}

type TimeNames =
  'everyMs' | 'tcpTimeoutMs' | 'connectTimeoutMs' | 'agentTimeoutMs' | 'clientDeadlineMs' | 'runDeadlineMs';
type CollectorTimes = Pick<CollectorConfig, TimeNames>;

function readTimes(attributes: Element['attributes']): CollectorTimes {
  const duration = (name: string): number | null => parseDuration(attributes[name] ?? '');
  const everyMs = duration('every') ?? 300 * secondMs;
  const explicitDeadlineMs = duration('clientDeadline');
  const explicitRunMs = duration('runDeadline') ?? Infinity;
  const upToMs = explicitDeadlineMs ?? explicitRunMs;
  const connectTimeoutMs = duration('connectTimeout') ?? Math.min(10 * secondMs, upToMs);
  const agentTimeoutMs = duration('agentTimeout') ?? Math.min(15 * secondMs, upToMs);
  const tcpTimeoutMs = duration('tcpTimeout') ?? Math.min(5 * secondMs, connectTimeoutMs);
  const clientDeadlineMs =
    explicitDeadlineMs ?? Math.min(Math.max(30 * secondMs, connectTimeoutMs + agentTimeoutMs), explicitRunMs);
  const runDeadlineMs = duration('runDeadline') ?? Math.max(Math.round(everyMs * 0.8), clientDeadlineMs);
  return { everyMs, tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs, runDeadlineMs };
}

function checkTimes(element: Element, times: CollectorTimes, findings: ReadContext['findings']): void {
  const { everyMs, tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs, runDeadlineMs } = times;
  const tooLong = (name: string, ms: number, limit: string, limitMs: number): void => {
    if (ms <= limitMs) return;
    const most = formatDuration(limitMs);
    const long = `<collector> ${name} is ${formatDuration(ms)}`;
    findings.fault(element, `${long}, longer than ${limit} (${most}); write at most ${most}`);
  };
  const timeouts = ['every', 'tcpTimeout', 'connectTimeout', 'agentTimeout', 'clientDeadline', 'runDeadline'];
  for (const name of timeouts) {
    if (parseDuration(element.attributes[name] ?? '') !== 0) continue;
    findings.fault(element, `<collector> ${name} is no time at all; write at least 1s`);
  }
  tooLong('every', everyMs, 'a week', 7 * dayMs);
  tooLong('tcpTimeout', tcpTimeoutMs, 'connectTimeout', connectTimeoutMs);
  tooLong('connectTimeout', connectTimeoutMs, 'clientDeadline', clientDeadlineMs);
  tooLong('agentTimeout', agentTimeoutMs, 'clientDeadline', clientDeadlineMs);
  tooLong('clientDeadline', clientDeadlineMs, 'runDeadline', runDeadlineMs);
  if (runDeadlineMs > everyMs) {
    const [run, every] = [formatDuration(runDeadlineMs), formatDuration(everyMs)];
    const long = `<collector> runDeadline (${run}) is longer than every (${every})`;
    findings.warn(element, `${long}, so a run may overlap the next; write at most ${every}`);
  }
}

function checkKeepStored(element: Element, findings: ReadContext['findings']): void {
  const keepStoredMs = parseDuration(element.attributes['keepStored'] ?? '') ?? defaultKeepStoredMs;
  if (keepStoredMs <= mostKeepStoredMs) return;
  const long = `<collector> keepStored is ${formatDuration(keepStoredMs)}`;
  findings.fault(element, `${long}; write at most ${formatDuration(mostKeepStoredMs)}`);
}

/** Returns `<forward>`; null if there is none. */
export function readForward(collector: Element | null, { places }: ReadContext): ForwardConfig | null {
  const forward = collector?.children.find(({ name }) => name === 'forward');
  const { url = null, key } = forward?.attributes ?? {};
  if (forward === undefined || key === undefined) return null;
  const keyFile = localPath(key, forward.source);
  noteFile(keyFile, forward, places);
  return { url, keyFile };
}

function checkForward(element: Element, findings: ReadContext['findings']): void {
  const forward = element.children.find(({ name }) => name === 'forward');
  if (forward === undefined) return;
  const { open, share } = element.attributes;
  if (open !== 'no') {
    const why = 'a site has the public key alone, so it opens nothing';
    findings.fault(element, `<collector> has <forward> and opens reports; write open="no": ${why}`);
  }
  if (share === 'yes') {
    findings.fault(element, '<collector share="yes"> needs a database, and <forward> is for sites without one');
  }
}

function checkShare(element: Element, storage: StorageConfig, findings: ReadContext['findings']): void {
  const { share, site } = element.attributes;
  if (share === 'yes' && site === undefined) {
    findings.fault(
      element,
      '<collector share="yes"> has no site; write the name of the site that they share: site="..."',
    );
  } else if (share === 'yes' && storage.path !== null) {
    const servers = databaseKinds.filter(({ isFile }) => !isFile).map(({ beginning }) => `url="${beginning}..."`);
    const advice = `write <storage ${servers.join(' or ')}/> with a database that all of them reach`;
    findings.fault(
      element,
      `<collector share="yes"> needs a server, and the database is a file of ${kindOf(storage).title}; ${advice}`,
    );
  } else if (share !== 'yes' && site !== undefined) {
    findings.warn(element, '<collector site="..."> does nothing without share="yes"');
  }
}
