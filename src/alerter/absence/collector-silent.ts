import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import { fleetAlert, leastAheadMs, newestFinished } from './fleet-facts.ts';
import type { FinishedRun, FleetFacts } from './fleet-facts.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { worstOfFleet } from '../inhibit/recipients-of.ts';
import { timeInWords } from '../../text/time-words.ts';
import { counted } from '../../text/numbers.ts';
import { durationInWords } from '../../text/durations.ts';
import type { RunFact } from '../../storage/store/run.ts';

/**
 * One alert for each collector without a finished full run for as long as the rule says, by the database's clock: one
 * whose own clock is as far from that is told of too. It ends with its next one, or when another collector on its host
 * finishes one: the state folder was made anew. A collector whose runs are no longer stored is left as it is.
 */
export function evaluateSilence(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, runsOf, aheadOf, nowMs, mayMiss } = facts;
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  return [...new Set([...runsOf.keys(), ...aheadOf.keys()])].flatMap((collectorId): readonly Alert[] => {
    const own = runsOf.get(collectorId) ?? [];
    const ahead = aheadOf.get(collectorId) ?? null;
    const open = facts.open('', rule.name, collectorId);
    const last = newestFinished(own);
    const newest = own.at(-1) ?? ahead;
    if (newest === null) return [];
    const lastMs = last?.finishedAtMs ?? own[0]?.startedAtMs ?? null;
    const successor = successorOf(facts, collectorId, newest.host, lastMs ?? -Infinity);
    const isSilent = lastMs === null || nowMs - lastMs >= allowedMs;
    if (open !== null) {
      if (!isSilent) return [backAgain(facts, open, { host: newest.host, atMs: lastMs, runId: last?.id ?? null })];
      if (successor === null) return [];
      return [closeAlert(open, 'superseded', { atMs: successor.finishedAtMs, runId: successor.id })];
    }
    if (!isSilent || !mayMiss || successor !== null) return [];
    return [
      fleetAlert(
        { ...rule, severity: worstOfFleet(rule, config) },
        {
          subject: collectorId,
          valueText: `${wordsFor(facts, { host: newest.host, last, lastMs, ahead })}${clockHint(facts)}`,
          limitText: `none for ${formatValue('seconds', allowedMs / 1000)}`,
          firstEvidence: (last ?? newest).id,
          pendingSinceMs: lastMs ?? nowMs,
          firingSinceMs: nowMs,
        },
      ),
    ];
  });
}

interface Silent {
  readonly host: string;
  /** The last full run that finished; null: none is stored. */
  readonly last: FinishedRun | null;
  readonly lastMs: number | null;
  readonly ahead: RunFact | null;
}

/** Says since when, not for how long: mails and reminders show these words hours later. */
function wordsFor({ config, nowMs, runsOf }: FleetFacts, { host, last, lastMs, ahead }: Silent): string {
  const reader = { zone: config.alerts.zone, nowMs };
  const since = lastMs === null ? '' : `no full run of ${host} has finished since ${timeInWords(reader, lastMs)}`;
  // Another collector may visit the same clients.
  const clients = runsOf.size > 1 ? null : (last?.clients ?? null);
  const unknown = clients === null ? '' : `nothing is known of ${counted(clients, 'client')} since then; `;
  const silence = since === '' ? '' : `${since}: ${unknown}look at cron on ${host}`;
  if (ahead === null) return silence;
  const clocks = `the newest run of ${host} is of ${timeInWords(reader, ahead.startedAtMs)}, which is still to come by the database's clock`;
  return silence === '' ? clocks : `${silence}; ${clocks}`;
}

/** A database whose clock is ahead makes every collector look silent. */
function clockHint({ databaseAheadMs = 0 }: FleetFacts): string {
  if (databaseAheadMs < leastAheadMs) return '';
  return `; the database's clock is ${formatValue('seconds', databaseAheadMs / 1000)} ahead of this machine's`;
}

/** The end of a silence, in the words of its end. */
function backAgain(
  { config, nowMs }: FleetFacts,
  open: Alert,
  { host, atMs, runId }: { readonly host: string; readonly atMs: number; readonly runId: string | null },
): Alert {
  const reader = { zone: config.alerts.zone, nowMs };
  const lasted = atMs > open.pendingSinceMs ? `; none for ${durationInWords(atMs - open.pendingSinceMs)}` : '';
  const valueText = `a full run of ${host} finished at ${timeInWords(reader, atMs)}${lasted}`;
  return { ...closeAlert(open, 'recovered', { atMs, runId }), valueText };
}

/** Another collector of the host that has finished a full run since. */
function successorOf({ runsOf }: FleetFacts, collectorId: string, host: string, sinceMs: number): FinishedRun | null {
  const others = [...runsOf].flatMap(([id, runs]) =>
    id === collectorId ? [] : runs.filter((run) => run.host === host),
  );
  const newest = newestFinished(others);
  return newest === null || newest.finishedAtMs <= sinceMs ? null : newest;
}
