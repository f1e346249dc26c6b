import type { ForwardConfig, RetentionConfig } from '../config.ts';
import { parseStorageUrl } from '../storage-config.ts';
import type { MysqlConfig, NoStorageConfig, StorageConfig, StorageUrl } from '../storage-config.ts';
import { isThisMachine } from './is-this-machine.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import { formatDuration, parseDuration } from '../../text/durations.ts';
import { dayMs } from '../../platform/units.ts';
import { noteLiteral, readSecret, type ReadContext } from './read-secret.ts';
import { Secret } from '../secret.ts';

const yearMs = 365 * dayMs;
/** Attributes of `<storage>` that have no meaning for a file. */
const mysqlAttributes = ['password', 'passwordFile', 'passwordEnv', 'socketPath', 'tls', 'ca', 'serverPublicKeyFile'];

/** Reads `<storage>`. Returns the embedded database if the element is missing. */
export function readStorage(element: Element | null, databasePath: string, context: ReadContext): StorageConfig {
  const migrate = element?.attributes['migrate'] !== 'no';
  const embedded: StorageConfig = { kind: 'sqlite', path: databasePath, migrate };
  if (element === null) return embedded;
  const { url } = element.attributes;
  const parsed = url === undefined ? null : parseStorageUrl(url);
  if (element.faulty && parsed === null) return embedded;
  const password = readSecret(element, 'password', context) ?? null;
  if (parsed !== null && typeof parsed !== 'string' && parsed.kind === 'mysql') {
    return { ...readMysql(element, parsed, password, context), migrate };
  }
  const needless = mysqlAttributes.filter((name) => name in element.attributes);
  if (needless.length > 0) {
    const names = needless.join(', ');
    context.findings.fault(element, `<storage> has ${names}, which only a mysql:// url takes; remove them`);
  }
  if (parsed === null || typeof parsed === 'string') return embedded;
  return { ...parsed, path: localPath(parsed.path, element.source), migrate };
}

/** Returns the storage of a site that forwards, which has no database. */
export function noStorage(element: Element | null, { url }: ForwardConfig, { findings }: ReadContext): NoStorageConfig {
  if (element !== null) {
    findings.warn(element, '<storage> does nothing beside <forward>: a site that forwards has no database; remove it');
  }
  return { kind: 'none', path: null, migrate: false, forwardUrl: url };
}

function readMysql(
  element: Element,
  { user, password: literal, hosts, database }: Extract<StorageUrl, { kind: 'mysql' }>,
  password: Secret | null,
  { findings, places }: ReadContext,
): Omit<MysqlConfig, 'migrate'> {
  const { socketPath, tls, ca, serverPublicKeyFile } = element.attributes;
  if (literal !== null) {
    noteLiteral(element, places);
    if (password !== null)
      findings.fault(element, '<storage> has a password in url and as an attribute; keep one of them');
  }
  if (hosts.length === 0 && socketPath === undefined) {
    findings.fault(element, '<storage> url names no host; write mysql://user@host/database, or add socketPath');
  }
  if (hosts.length > 1 && socketPath !== undefined) {
    findings.fault(element, '<storage> has several hosts and a socketPath, which is of one server; keep one of them');
  }
  if (user === null) findings.fault(element, '<storage> url names no user; write mysql://user@host/database');
  if (ca !== undefined && tls === 'no') findings.fault(element, '<storage> has ca but tls="no"; write tls="verify"');
  const crossesNetwork = socketPath === undefined && hosts.some(({ host }) => !isThisMachine(host));
  const usualTls = ca !== undefined || crossesNetwork ? 'verify' : 'no';
  const fileOf = (path: string | undefined): string | null =>
    path === undefined ? null : localPath(path, element.source);
  return {
    kind: 'mysql',
    path: null,
    hosts: hosts.length === 0 ? [{ host: 'localhost', port: 3306 }] : hosts,
    user: user ?? '',
    database,
    password: literal === null ? password : new Secret({ kind: 'literal', value: literal }),
    socketPath: fileOf(socketPath),
    tls: tls === 'yes' || tls === 'verify' || tls === 'no' ? tls : usualTls,
    ca: fileOf(ca),
    serverPublicKeyFile: fileOf(serverPublicKeyFile),
  };
}

/** Returns `<retention>` with its defaults. */
export function readRetention(element: Element | null, { findings }: ReadContext): RetentionConfig {
  const duration = (name: string): number | null => parseDuration(element?.attributes[name] ?? '');
  const rawMs = duration('raw') ?? 30 * dayMs;
  const detailMs = duration('detail') ?? Math.min(2 * dayMs, rawMs);
  const logsMs = duration('logs') ?? rawMs;
  const alertsMs = duration('alerts') ?? Math.max(5 * yearMs, rawMs);
  const visitsMs = duration('visits') ?? Math.max(90 * dayMs, rawMs);
  // By default a rollup is not kept unless it outlasts the finer one.
  const kept = (name: string, usualMs: number, finerMs: number): number | null => {
    if (element !== null && name in element.attributes) return duration(name);
    return usualMs > finerMs ? usualMs : null;
  };
  const hourlyMs = kept('hourly', yearMs, rawMs);
  const dailyMs = kept('daily', 5 * yearMs, hourlyMs ?? rawMs);
  if (element !== null) {
    for (const name of ['raw', 'detail', 'logs', 'alerts', 'visits', 'hourly', 'daily']) {
      if (duration(name) === 0) findings.fault(element, `<retention> ${name} keeps nothing; write at least 1s`);
    }
    const raw = formatDuration(rawMs);
    for (const [name, what, keptMs] of [
      ['detail', 'reports', detailMs],
      ['logs', 'lines', logsMs],
    ] as const) {
      if (keptMs <= rawMs) continue;
      const words = `<retention> ${name} is longer than raw (${raw}), and ${what} go with their rows`;
      findings.fault(element, `${words}; write at most ${raw}`);
    }
    if (hourlyMs !== null && hourlyMs < rawMs)
      findings.warn(element, '<retention> hourly is shorter than raw, so it keeps nothing more');
    if (dailyMs !== null && dailyMs < (hourlyMs ?? rawMs)) {
      findings.warn(
        element,
        `<retention> daily is shorter than ${hourlyMs === null ? 'raw' : 'hourly'}, so it keeps nothing more`,
      );
    }
  }
  return { rawMs, detailMs, logsMs, alertsMs, visitsMs, hourlyMs, dailyMs };
}
