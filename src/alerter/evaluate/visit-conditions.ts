import type { Rule } from '../../config/config.ts';
import { connectFaultWords } from '../../platform/errors/connect-fault-words.ts';
import { errorTable, isOwnFault, type ErrorCode } from '../../platform/errors/errors.ts';
import { groupBy } from '../../platform/group-by.ts';
import { minuteMs } from '../../platform/units.ts';
import type { Alert, RuleState } from '../../storage/store/alert.ts';
import type { UnprocessedVisit } from '../../storage/store/evaluation-store.ts';
import { oneLine } from '../../text/plain-text.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { visitConditions } from './rule-metric.ts';
import { clearSample, faultSample, unknownSample, type Sample } from './sample.ts';

/** The cause of a failed visit, in words for people. */
export type VisitClass = 'network' | 'login refused' | 'agent failed' | 'host key changed' | 'not trusted';

const networkStages: readonly string[] = ['resolve', 'connect', 'handshake'];
const loginCodes: readonly string[] = ['auth-failed', 'auth-timeout', 'credentials-unusable', 'secret-missing'];
/** Faults of the collector, and visits that the collector never tried. */
const notTheClient: readonly string[] = ['run-deadline', 'interrupted', 'internal'];
const notTheClientsStage: readonly string[] = ['spool', 'storage', 'config', 'lock', 'keys', 'run'];
/**
 * Errors of class network: true if the network between collector and client may be their cause, false if the other side
 * answered. Errors that belong to the class only by their stage count as true.
 */
const networkCodes: ReadonlyMap<string, boolean> = new Map([
  ['dns', true],
  ['connect-timeout', true],
  ['connect-failed', true],
  ['handshake-timeout', true],
  ['connect-refused', false],
  ['handshake-failed', false],
  ['handshake-closed', false],
  ['no-common-algorithm', false],
  ['sshd-rejection', false],
]);

/** Returns the class of a failed visit; `null` if the collector was at fault, or never tried the visit. */
export function classOfVisit({ stage, code }: Pick<UnprocessedVisit, 'stage' | 'code'>): VisitClass | null {
  if (code === 'host-key-changed' || code === 'host-key-revoked') return 'host key changed';
  if (code === 'host-key-unknown') return 'not trusted';
  if (code !== null && (isOwnFault(code) || notTheClient.includes(code))) return null;
  if (stage !== null && notTheClientsStage.includes(stage)) return null;
  if (stage === 'login' || (code !== null && loginCodes.includes(code))) return 'login refused';
  if (code !== null && networkCodes.has(code)) return 'network';
  return stage !== null && networkStages.includes(stage) ? 'network' : 'agent failed';
}

/** True if a fault of the network may have kept a visit from its client. */
export function isNetworkFault(visit: Pick<UnprocessedVisit, 'stage' | 'code'>): boolean {
  return classOfVisit(visit) === 'network' && networkCodes.get(visit.code ?? '') !== false;
}

/** The collector's longest pause after a refused login: two visits that far apart still count as consecutive. */
const refusedPauseMs = 90 * minuteMs;

/** The class of visits that a condition about host keys reports as faults. */
const keyFaults: Readonly<Record<string, VisitClass>> = {
  'host-key-changed': 'host key changed',
  'not-trusted': 'not trusted',
};

/**
 * Returns a function that samples visits by the conditions that follow from them. A failed visit of a filtered run does
 * not count for `unreachable`, which counts full runs; a good one does. A host key counts if the visit passed its
 * check.
 */
export function createVisitSampler(rules: readonly Rule[]): (visit: UnprocessedVisit) => readonly Sample[] {
  const own = visitConditions.flatMap((name) => findRule(rules, name) ?? []);
  // Nearly all visits succeed, and all that succeed have the same samples.
  const good = Object.freeze(own.map(goodSample));
  return (visit) => {
    if (visit.ok) return good;
    const kind = classOfVisit(visit);
    return own.map((rule) =>
      rule.name === 'unreachable' ? unreachableSample(rule, visit, kind) : hostKeySample(rule, visit, kind),
    );
  };
}

/** Returns the sample of `unreachable` for a report that arrived, which counts as a good visit. */
export function arrivalSample(rules: readonly Rule[]): Sample | null {
  const rule = findRule(rules, 'unreachable');
  return rule === null ? null : Object.freeze(goodSample(rule));
}

function goodSample(rule: Rule): Sample {
  return clearSample(rule, '', rule.name === 'unreachable' ? 'reached' : 'the host key is the known one');
}

function unreachableSample(rule: Rule, visit: UnprocessedVisit, kind: VisitClass | null): Sample {
  if (kind === null || isKeyFault(kind) || !visit.full) return unknownSample(rule, '');
  const pauseMs = visit.code === 'auth-failed' ? refusedPauseMs : 0;
  const fault = faultSample(rule, '', `${kind}: ${messageOf(visit)}`);
  return { ...fault, pauseMs, isNetwork: isNetworkFault(visit), ...(visit.code === null ? {} : { code: visit.code }) };
}

function hostKeySample(rule: Rule, visit: UnprocessedVisit, kind: VisitClass | null): Sample {
  if (kind === keyFaults[rule.name]) return faultSample(rule, '', messageOf(visit));
  return isKeyFault(kind) || cameToLogin(visit, kind) ? goodSample(rule) : unknownSample(rule, '');
}

/** True if the visit ended because of the client's host key. */
function isKeyFault(kind: VisitClass | null): boolean {
  return kind !== null && Object.values(keyFaults).includes(kind);
}

const stagesPastKey: readonly string[] = ['login', 'channel', 'upload', 'agent', 'report', 'seal'];
/** Errors of the login that are found before a connection is made. */
const beforeConnecting: readonly string[] = ['credentials-unusable', 'secret-missing'];

function cameToLogin({ stage, code }: UnprocessedVisit, kind: VisitClass | null): boolean {
  if (kind === null || stage === null || (code !== null && beforeConnecting.includes(code))) return false;
  return stagesPastKey.includes(stage);
}

function messageOf({ message, code }: UnprocessedVisit): string {
  if (message !== null) return message;
  return code !== null && Object.hasOwn(errorTable, code) ? errorTable[code as ErrorCode].meaning : 'the visit failed';
}

/** An address that a client's name was resolved to, with or without a port. */
const resolvedAddress = /^(?:(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|\[?[\da-f]*:[\da-f]*:[\da-f:.]*(?:%\w+)?\]?(?::\d+)?)$/i;

/**
 * Returns the cause of an unreachable client in words that many clients may share: by the error code of the newest
 * visit, else the message without the client's own name and address.
 */
export function visitCause(
  { client, valueText, progress }: Pick<Alert, 'client' | 'valueText' | 'progress'>,
  address: string | null | undefined,
): string {
  const words = oneLine(valueText).replace(/^network: /, '');
  const cause = connectFaultWords(progress.code ?? null, words);
  if (cause !== null) return cause;
  const own = [client, address ?? client].flatMap((name) => [name, `[${name}]`]);
  const isOwn = (word: string): boolean =>
    own.includes(word) || own.includes(word.replace(/:\d*$/, '')) || resolvedAddress.test(word);
  return words
    .replace(/\b(\d+)000 ms\b/g, '$1 s')
    .split(' ')
    .filter((word) => !isOwn(word))
    .join(' ');
}

/** The ends of a client's last visits, see RuleState.visits. */
export type VisitEnds = NonNullable<RuleState['visits']>;

const visitsKept = 12;
const failuresToFire = 6;
const failuresToRecover = 3;

/** Returns '' for a good visit, the error code of a failed visit, `null` for a visit that does not count. */
export function endOfVisit(visit: UnprocessedVisit): string | null {
  if (visit.ok) return '';
  const kind = classOfVisit(visit);
  return kind === null || isKeyFault(kind) || !visit.full ? null : (visit.code ?? kind);
}

/** Returns the ends after one more visit; none while `unreachable` fires, because that alert covers the failures. */
export function endsAfter(before: VisitEnds, end: string, isUnreachable: boolean): VisitEnds {
  return isUnreachable ? [] : [...before.slice(1 - visitsKept), end];
}

/** Samples the last visits: a fault if half of them failed, clear if at most a quarter did. */
export function unreliableSample(rule: Rule, ends: VisitEnds): Sample {
  const failures = ends.filter((end) => end !== '');
  const most = mostFrequent(failures);
  const often = most === null ? '' : `, most often: ${most}`;
  const valueText = `${failures.length} of the last ${visitsKept} visits failed${often}`;
  if (failures.length >= failuresToFire) return faultSample(rule, '', valueText);
  const clear = ends.length === visitsKept && failures.length <= failuresToRecover;
  return { ...clearSample(rule, '', valueText), clear };
}

/** Returns the most frequent text; null for an empty list. */
function mostFrequent(texts: readonly string[]): string | null {
  const counts = [...groupBy(texts, (text) => text)].map(([text, same]) => ({ text, count: same.length }));
  return counts.sort((one, other) => other.count - one.count)[0]?.text ?? null;
}
