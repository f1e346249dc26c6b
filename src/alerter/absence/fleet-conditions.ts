import type { AboutKey } from '../../about/about.ts';
import { clientsByName } from '../../config/clients/select-clients.ts';
import type { Config, Rule } from '../../config/config.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { evaluateCollectorFault } from './collector-fault.ts';
import { evaluateIsolation } from './collector-isolated.ts';
import { evaluateForgotten } from './database-forgot.ts';
import { evaluateSilence } from './collector-silent.ts';
import { fleetAlert, fleetFacts, type EvaluateFleetOptions, type FleetFacts } from './fleet-facts.ts';
import { evaluateMailPath } from './mail-path.ts';
import { evaluateGroups } from './evaluate-groups.ts';
import { evaluateNoReport } from './no-report.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import { enoughPercent, lowPercent } from '../../state-folder/state-disk.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { needingGroups } from '../inhibit/group-states.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import type { RunFact } from '../../storage/store/run.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import { counted } from '../../text/numbers.ts';
import { minuteMs } from '../../platform/units.ts';

/** The conditions of the fleet, by the names of their rules in <alerts>. */
export const fleetConditions: Readonly<Record<string, (facts: FleetFacts, rule: Rule) => readonly Alert[]>> = {
  'collector-silent': evaluateSilence,
  'collector-isolated': evaluateIsolation,
  'collector-fault': evaluateCollectorFault,
  'ingest-silent': evaluateIngest,
  'state-disk': evaluateStateDisks,
  'database-forgot': evaluateForgotten,
  'mail-path': evaluateMailPath,
  'replies-unread': evaluateReplies,
};

/**
 * Returns new (id `null`) and changed alerts that follow from runs and from silence, and not from a row: the conditions
 * of the fleet, `no-report`, and the end of alerts whose rule or client is no longer watched. The latter have not
 * recovered.
 *
 * Alerts of the fleet have '' for their client. Their subject is a collector's id, a key, or a file system.
 */
export function evaluateFleet(options: EvaluateFleetOptions): readonly Alert[] {
  const { config, alerts, nowMs } = options;
  const isWatched = isWatchedBy(config);
  const facts = fleetFacts({ ...options, alerts: alerts.filter(isWatched) });
  const unwatched = alerts
    .filter((alert) => alert.state !== 'resolved' && !isWatched(alert))
    .map((alert) => closeAlert(alert, 'unwatched', { atMs: nowMs, runId: null }));
  const ofFleet = Object.entries(fleetConditions).flatMap(([name, evaluate]) => {
    const rule = findRule(config.alerts.rules, name);
    return rule === null ? [] : evaluate(facts, rule);
  });
  const changed = [...unwatched, ...ofFleet, ...evaluateNoReport(facts)];
  if (config.needs.length === 0) return changed;
  const groups = evaluateGroups(facts, withChanged([...alerts, ...(options.ended ?? [])], changed));
  // A member's alert may have changed, and lose its acknowledgement too.
  return withChanged(changed, groups);
}

/** Returns alerts as they are after some of them changed, with the new ones. */
function withChanged(alerts: readonly Alert[], changed: readonly Alert[]): readonly Alert[] {
  const ids = new Set(changed.flatMap(({ id }) => id ?? []));
  return [...alerts.filter(({ id }) => id === null || !ids.has(id)), ...changed];
}

/**
 * Returns a function that is true if an alert's rule is in force for its client, which is not retired. Alerts under a
 * client's former name count as watched until storage has moved its rows.
 */
function isWatchedBy(config: Config): (alert: AboutKey) => boolean {
  const clients = clientsByName(config.clients);
  const formerNames = new Set(config.clients.map(({ was }) => was));
  const needing = config.needs.length === 0 ? [] : needingGroups(config);
  const groups = new Set(needing.map(({ need }) => need.name));
  return (key) => {
    const { carriesOthers, followsRows, ruleOf } = kindOf(key);
    if (carriesOthers) return groups.has(key.subject);
    const client = clients.get(key.client);
    if (followsRows && client === undefined) return formerNames.has(key.client);
    return client?.state !== 'retired' && ruleOf(config, key) !== null;
  };
}

/**
 * Begins an alert for each file system of collectors and alerters that is nearly full: they lose data that they cannot
 * store. The alert ends when clearly more is free. It stays if no program has reported the file system lately.
 */
function evaluateStateDisks(facts: FleetFacts, rule: Rule): readonly Alert[] {
  return (facts.stateDisks ?? []).flatMap((disk): readonly Alert[] => {
    const { host, path, freePercent, availableBytes, observedAtMs } = disk;
    const subject = `${host}:${path}`;
    const open = facts.open('', rule.name, subject);
    if (open !== null) {
      if (freePercent < enoughPercent || observedAtMs <= open.pendingSinceMs) return [];
      return [closeAlert(open, 'recovered', { atMs: observedAtMs, runId: null })];
    }
    if (freePercent >= lowPercent) return [];
    const left = `${freePercent.toFixed(1)} % (${formatValue('bytes', availableBytes)}) is free on ${host} in ${path}`;
    return [
      fleetAlert(rule, {
        subject,
        valueText: left,
        limitText: `less than ${lowPercent} %`,
        firstEvidence: `${subject} ${new Date(observedAtMs).toISOString()}`.slice(-255),
        pendingSinceMs: observedAtMs,
        firingSinceMs: observedAtMs,
      }),
    ];
  });
}

/**
 * Begins an alert if sealed reports have waited in the database for as long as the rule says. Reports that no `ingest`
 * has looked at have one alert; each key that no `ingest` has gets another, with the key's id as its subject. An alert
 * ends once the oldest waiting report is younger, or none waits.
 */
function evaluateIngest(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, nowMs, mayMiss, alerts } = facts;
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  const waiting = bySubject(facts.sealed ?? []);
  const open = alerts.filter((alert) => !kindOf(alert).followsRows && alert.rule === rule.name);
  const subjects = new Set([...open.map(({ subject }) => subject), ...waiting.keys()]);
  return [...subjects].flatMap((subject): readonly Alert[] => {
    const known = facts.open('', rule.name, subject);
    const found = waiting.get(subject) ?? null;
    if (found === null || nowMs - found.sinceMs < allowedMs) {
      return known === null ? [] : [closeAlert(known, 'recovered', { atMs: nowMs, runId: null })];
    }
    if (known !== null || !mayMiss) return [];
    return [
      fleetAlert(rule, {
        subject,
        valueText: describeWaiting(subject, found, nowMs),
        limitText: `none for ${formatValue('seconds', allowedMs / 1000)}`,
        firstEvidence: `${subject}@${found.sinceMs}`,
        pendingSinceMs: found.sinceMs,
        firingSinceMs: nowMs,
      }),
    ];
  });
}

type Waiting = Pick<SealedSummary, 'reports' | 'clients' | 'sinceMs'>;

/** Returns waiting reports by key; those that no `ingest` has seen are under ''. */
function bySubject(sealed: readonly SealedSummary[]): ReadonlyMap<string, Waiting> {
  const found = new Map<string, Waiting>();
  for (const { keyId, code, reports, clients, sinceMs } of sealed) {
    const subject = code === null ? '' : keyId;
    const before = found.get(subject);
    found.set(subject, {
      reports: reports + (before?.reports ?? 0),
      // The same clients may wait for two keys.
      clients: Math.max(clients, before?.clients ?? 0),
      sinceMs: Math.min(sinceMs, before?.sinceMs ?? Infinity),
    });
  }
  return found;
}

function describeWaiting(subject: string, { reports, clients, sinceMs }: Waiting, nowMs: number): string {
  const what = `${counted(reports, 'report')} of ${counted(clients, 'client')}`;
  const age = formatValue('seconds', (nowMs - sinceMs) / 1000);
  return subject === ''
    ? `not opened by any ingest: ${what}, the oldest for ${age}`
    : `sealed to key ${subject}, which no ingest has: ${what}, the oldest for ${age}`;
}

/**
 * Begins an alert once the mailbox of `<replies>` could not be read for as long as the rule says. It ends with the
 * next reading that succeeds.
 */
function evaluateReplies(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, nowMs, mayMiss, repliesUnread: unread = null } = facts;
  const open = facts.open('', rule.name);
  if (unread === null) {
    const reason = config.replies === null ? 'unwatched' : 'recovered';
    return open === null ? [] : [closeAlert(open, reason, { atMs: nowMs, runId: null })];
  }
  const { sinceMs, why: valueText } = unread;
  if (open !== null) return open.valueText === valueText ? [] : [{ ...open, valueText }];
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  // After a pause of the alerter the mailbox was not tried lately.
  if (!mayMiss || nowMs - sinceMs < allowedMs) return [];
  return [
    fleetAlert(rule, {
      subject: '',
      valueText,
      limitText: `read within ${formatValue('seconds', allowedMs / 1000)}`,
      firstEvidence: `replies unread ${new Date(sinceMs).toISOString()}`,
      pendingSinceMs: sinceMs,
      firingSinceMs: nowMs,
    }),
  ];
}

/** A break in the alerter's runs may be an outage of the database if it is this many times longer than their rhythm. */
const longestBreak = 1.5;
/** An alerter that cron starts less often than this has no rhythm in which a break would show. */
const slowestRhythmMs = 20 * minuteMs;

/** Returns the length above which no rhythm of runs explains a break. */
export function longestBreakMs(everyMs: number): number {
  return longestBreak * Math.max(everyMs, slowestRhythmMs);
}

/**
 * True if the database has answered long enough for a missing event to mean silence, or if no alerter has run before.
 * Runs of collectors count as well as the alerter's own: if their rows were stored while no alerter ran, it was the
 * alerter that paused.
 */
export function mayMissRows(runs: readonly RunFact[], nowMs: number, everyMs: number): boolean {
  if (!runs.some(({ program, outcome }) => program === 'alert' && outcome === 'finished')) return true;
  const upSinceMs = databaseUpSince(runs, nowMs, everyMs, () => true);
  return upSinceMs !== null && nowMs - upSinceMs >= 2 * everyMs;
}

/**
 * Returns the time since which the database has answered, derived from the alerter's own runs: each leaves a row unless
 * the database is unreachable. The rhythm of runs is `every`, or the pause before a run if cron starts the alerter less
 * often. `runs` are in any order and include the run under way. `isSign` selects the runs that count: the rows of
 * collectors may have been stored later, from the inbox. Returns `null` if there is no recent run.
 */
export function databaseUpSince(
  runs: readonly RunFact[],
  nowMs: number,
  everyMs: number,
  isSign = ({ program }: RunFact): boolean => program === 'alert',
): number | null {
  const times = runs
    .filter((run) => isSign(run) && run.startedAtMs <= nowMs)
    .map(({ startedAtMs }) => startedAtMs)
    .sort((one, other) => other - one);
  let since: number | null = null;
  for (const [index, time] of times.entries()) {
    const pauseBeforeMs = time - (times[index + 1] ?? time);
    const rhythmMs = Math.max(everyMs, Math.min(pauseBeforeMs, slowestRhythmMs));
    if ((since ?? nowMs) - time > longestBreak * rhythmMs) break;
    since = time;
  }
  return since;
}
