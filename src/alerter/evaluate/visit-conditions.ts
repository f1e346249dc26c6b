import type { Rule } from '../../config/config.ts';
import { errorTable } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { UnprocessedVisit } from '../../storage/store/alert-store.ts';
import type { Sample } from './sample.ts';
import { faultSample, unknownSample, clearSample } from './make-sample.ts';
import { minuteMs } from '../../platform/units.ts';

/** What kept a visit from succeeding, as people think of it. */
export type VisitClass = 'network' | 'login refused' | 'agent failed' | 'host key changed' | 'not trusted';

const networkStages: readonly string[] = ['resolve', 'connect', 'handshake'];
const loginCodes: readonly string[] = ['auth-failed', 'auth-timeout', 'credentials-unusable', 'secret-missing'];
/** What the collector itself is at fault for, or never tried. */
const notTheClient: readonly string[] = ['run-deadline', 'interrupted', 'spool-full', 'state-unusable', 'internal'];
const notTheClientsStage: readonly string[] = ['spool', 'storage', 'config', 'lock', 'keys', 'run'];
/**
 * Errors of class network, and whether the network between collector and client may be their cause: not where the other
 * side answered. Other errors of the class are told apart by the stage alone, and count.
 */
const networkCodes: ReadonlyMap<string, boolean> = new Map([
  ['dns', true],
  ['connect-timeout', true],
  ['connect-failed', true],
  ['handshake-timeout', true],
  ['connect-refused', false],
  ['handshake-failed', false],
  ['sshd-rejection', false],
]);

/** What a failed visit says of its client; null: nothing, for the collector was at fault or never tried. */
export function classOfVisit({ stage, code }: Pick<UnprocessedVisit, 'stage' | 'code'>): VisitClass | null {
  if (code === 'host-key-changed' || code === 'host-key-revoked') return 'host key changed';
  if (code === 'host-key-unknown') return 'not trusted';
  if (code !== null && notTheClient.includes(code)) return null;
  if (stage !== null && notTheClientsStage.includes(stage)) return null;
  if (stage === 'login' || (code !== null && loginCodes.includes(code))) return 'login refused';
  if (code !== null && networkCodes.has(code)) return 'network';
  return stage !== null && networkStages.includes(stage) ? 'network' : 'agent failed';
}

/** True if a fault of the network may have kept a visit from its client. */
export function isNetworkFault(visit: Pick<UnprocessedVisit, 'stage' | 'code'>): boolean {
  return classOfVisit(visit) === 'network' && networkCodes.get(visit.code ?? '') !== false;
}

/** What may lie between two visits after a refused login, beyond the usual: the collector's longest pause. */
const refusedPauseMs = 90 * minuteMs;

interface VisitRules {
  readonly unreachable: Rule | null;
  readonly hostKeyChanged: Rule | null;
  readonly notTrusted: Rule | null;
}

/**
 * Reads visits by the conditions that follow from them. A visit of a filtered run that failed says nothing of
 * `unreachable`, which counts full runs; one that succeeded does. A host key is judged where a visit came past it.
 */
export function createVisitSampler(rules: readonly Rule[]): (visit: UnprocessedVisit) => readonly Sample[] {
  const condition = (name: string): Rule | null =>
    rules.find((rule) => rule.origin === 'condition' && rule.name === name) ?? null;
  const own: VisitRules = {
    unreachable: condition('unreachable'),
    hostKeyChanged: condition('host-key-changed'),
    notTrusted: condition('not-trusted'),
  };
  const present = [own.unreachable, own.hostKeyChanged, own.notTrusted].filter((rule) => rule !== null);
  // Nearly all visits succeed, and all that succeed say the same.
  const well = Object.freeze(present.map((rule) => clearSample({ rule, subject: '', valueText: wellText(rule) })));
  return (visit) => (visit.ok ? well : failureSamples(own, visit));
}

/** A report that came is as good as a visit that succeeded, for `unreachable`. */
export function arrivalSample(rules: readonly Rule[]): Sample | null {
  const rule = rules.find(({ origin, name }) => origin === 'condition' && name === 'unreachable');
  return rule === undefined ? null : Object.freeze(clearSample({ rule, subject: '', valueText: wellText(rule) }));
}

function failureSamples({ unreachable, hostKeyChanged, notTrusted }: VisitRules, visit: UnprocessedVisit): Sample[] {
  const samples: Sample[] = [];
  const kind = classOfVisit(visit);
  const message = visit.message ?? meaningOf(visit.code);
  const keyFault = kind === 'host key changed' || kind === 'not trusted';
  if (unreachable !== null) {
    const says = kind !== null && !keyFault && visit.full;
    const pauseMs = visit.code === 'auth-failed' ? refusedPauseMs : 0;
    const valueText = `${kind ?? ''}: ${message}`;
    samples.push(
      says
        ? { ...faultSample({ rule: unreachable, subject: '', valueText, pauseMs }), isNetwork: isNetworkFault(visit) }
        : unknownSample(unreachable, ''),
    );
  }
  const pastKey = keyFault || cameToLogin(visit, kind);
  for (const [rule, fault] of [
    [hostKeyChanged, 'host key changed'],
    [notTrusted, 'not trusted'],
  ] as const) {
    if (rule === null) continue;
    if (kind === fault) samples.push(faultSample({ rule, subject: '', valueText: message }));
    else if (pastKey) samples.push(clearSample({ rule, subject: '', valueText: wellText(rule) }));
    else samples.push(unknownSample(rule, ''));
  }
  return samples;
}

const stagesPastKey: readonly string[] = ['login', 'channel', 'upload', 'agent', 'report', 'seal'];
/** Found out before a connection is made, although they belong to the login. */
const beforeConnecting: readonly string[] = ['credentials-unusable', 'secret-missing'];

function cameToLogin({ stage, code }: UnprocessedVisit, kind: VisitClass | null): boolean {
  if (kind === null || stage === null || (code !== null && beforeConnecting.includes(code))) return false;
  return stagesPastKey.includes(stage);
}

function wellText(rule: Rule): string {
  return rule.name === 'unreachable' ? 'reached' : 'the host key is the known one';
}

function meaningOf(code: string | null): string {
  return code !== null && Object.hasOwn(errorTable, code) ? errorTable[code as ErrorCode].meaning : 'the visit failed';
}
