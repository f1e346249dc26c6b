import { keyOfClient } from '../../about/kinds.ts';
import { pushIntervalMs } from '../../config/clients/arrival.ts';
import type { Client, Rule } from '../../config/config.ts';
import type { SeenClient } from '../../storage/store/fleet-store.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { lostHere } from './collector-fault.ts';
import { roundsFor } from './cycles.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { endWords, fleetAlert, type FinishedRunFact, type FleetFacts } from './fleet-facts.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import { isReturning } from '../inhibit/difference.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { timeInWords } from '../../text/time-words.ts';

const ruleName = 'no-report';

/**
 * Begins an alert for each client of config.xml without a report in as many finished full runs as the rule says, unless
 * an open alert (unreachable, host key) explains the silence. The alert ends with the client's next report. Where
 * collectors share the clients of a site, a run stands for a completed cycle of that site.
 *
 * A run counts if the client was visited during it or later. The alert of a client that was not visited since (the
 * collector reads another config.xml, or the client is new) is pending from the first pass that misses the client, and
 * runs count from there. The same holds for a client that was never seen.
 */
export function evaluateNoReport(facts: FleetFacts): readonly Alert[] {
  const { config } = facts;
  const seen = new Map(facts.seenClients.map((client) => [client.name, client]));
  const collectorsOf = roundsFor(facts);
  const lost = lostHere(facts);
  return config.clients.flatMap((client) => {
    const rule = findRule(client.rules, ruleName);
    if (rule === null || client.state === 'retired') return [];
    const alert = evaluateClient({
      facts,
      client,
      rule,
      seen: seen.get(client.name) ?? null,
      collectors: collectorsOf(client),
      lostBy: lost.get(client.name) ?? null,
    });
    return alert === null ? [] : [alert];
  });
}

/** True if the client does not push, or has not pushed within three times its interval. */
function isLate(client: Client, lastReportMs: number | null, nowMs: number): boolean {
  const pushEveryMs = pushIntervalMs(client);
  return pushEveryMs === null || lastReportMs === null || nowMs - lastReportMs >= 3 * pushEveryMs;
}

interface ClientSilence {
  readonly facts: FleetFacts;
  readonly client: Client;
  readonly rule: Rule;
  readonly seen: SeenClient | null;
  /** The finished runs of each collector, oldest first. */
  readonly collectors: readonly (readonly FinishedRunFact[])[];
  /** The code with which the collector's own machine failed the newest visit; null if it did not. */
  readonly lostBy: string | null;
}

/** Returns the client's alert if it is new or changed, else `null`. */
function evaluateClient({ facts, client, rule, seen, collectors, lostBy }: ClientSilence): Alert | null {
  const open = facts.open(client.name, ruleName);
  const lastReportMs = seen?.lastReportAtMs ?? null;
  if (open !== null && lastReportMs !== null && hasReported(facts, open, lastReportMs)) {
    const valueText = endWords(facts, open, 'a report came', lastReportMs);
    return { ...closeAlert(open, 'recovered', { atMs: lastReportMs, runId: null }), valueText };
  }
  if (open?.state === 'firing' || !facts.mayMiss) return null;
  // Runs bring no report of a client that pushes, so they do not count until the client is late.
  if (!isLate(client, lastReportMs, facts.nowMs)) return null;
  // An alert that flaps stays open while visits succeed.
  const explained = visitConditions
    .map((name) => facts.open(client.name, name))
    .some((one) => one !== null && !isReturning(one));
  if (explained) return open === null ? null : closeAlert(open, 'unconfirmed', { atMs: facts.nowMs, runId: null });
  const begin = (pendingSinceMs: number, evidence: string): Alert =>
    fleetAlert(rule, {
      ...keyOfClient(client.name, rule.name),
      valueText: describe(facts, seen),
      limitText: rule.forCount === null ? '' : `none in ${rule.forCount} runs`,
      firstEvidence: `${evidence}/${client.name}`,
      pendingSinceMs,
      firingSinceMs: null,
    });
  const missed = longest(collectors.map((runs) => missedBy(runs, seen, open)));
  const last = missed.at(-1);
  const first = missed[0];
  if (
    first !== undefined &&
    last !== undefined &&
    isDue(rule, missed.length, last.finishedAtMs - first.startedAtMs, facts.config.collector.everyMs)
  ) {
    const begun = open ?? begin(first.startedAtMs, last.id);
    return {
      ...begun,
      state: 'firing',
      firingSinceMs: last.finishedAtMs,
      changedByRun: last.id,
      sequence: begun.sequence + 1,
      valueText: describe(facts, seen),
      ...(lostBy === null ? {} : { progress: { ...begun.progress, code: lostBy } }),
    };
  }
  if (open !== null || !hasMissed(collectors, lastReportMs)) return null;
  return begin(first?.startedAtMs ?? facts.nowMs, last?.id ?? 'none');
}

/** True if a report came since the alert began, or within `every` of now if a wrong clock dated the alert ahead. */
function hasReported({ nowMs, config }: FleetFacts, open: Alert, lastReportMs: number): boolean {
  if (open.pendingSinceMs <= nowMs) return lastReportMs >= open.pendingSinceMs;
  return Math.abs(nowMs - lastReportMs) <= config.collector.everyMs;
}

/** Returns the runs in which the client should have reported and did not. */
function missedBy(
  runs: readonly FinishedRunFact[],
  seen: SeenClient | null,
  open: Alert | null,
): readonly FinishedRunFact[] {
  const lastReportMs = seen?.lastReportAtMs ?? null;
  const lastVisitMs = seen?.lastVisitAtMs ?? null;
  return runs.filter((run) => {
    if (lastReportMs !== null && run.startedAtMs <= lastReportMs) return false;
    if (seen !== null && run.finishedAtMs < seen.firstSeenMs) return false;
    const wasVisited = lastVisitMs !== null && run.startedAtMs <= lastVisitMs;
    return wasVisited || (open !== null && run.startedAtMs >= open.pendingSinceMs);
  });
}

function hasMissed(collectors: readonly (readonly FinishedRunFact[])[], lastReportMs: number | null): boolean {
  return collectors.some((runs) => runs.some(({ startedAtMs }) => lastReportMs === null || startedAtMs > lastReportMs));
}

function isDue({ forCount, forMs }: Rule, missed: number, spanMs: number, everyMs: number): boolean {
  return forCount === null ? spanMs >= (forMs ?? 0) - everyMs / 2 : missed >= forCount;
}

/** Returns the text of the alert. It names the time, not the runs: reminders show it days later. */
function describe({ config, nowMs }: FleetFacts, seen: SeenClient | null): string {
  const lastMs = seen?.lastReportAtMs ?? null;
  if (lastMs === null) return 'it has never reported';
  return `no report since ${timeInWords({ zone: config.alerts.zone, nowMs }, lastMs)}`;
}

function longest<T>(lists: readonly (readonly T[])[]): readonly T[] {
  return lists.reduce<readonly T[]>((best, list) => (list.length > best.length ? list : best), []);
}
