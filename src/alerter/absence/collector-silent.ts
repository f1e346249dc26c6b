import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import {
  endWords,
  fleetAlert,
  minAheadMs,
  newestFinished,
  runsReadFor,
  type FinishedRunFact,
  type FleetFacts,
} from './fleet-facts.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { forwarderIds } from '../../config/clients/arrival.ts';
import { timeInWords } from '../../text/time-words.ts';
import { counted } from '../../text/numbers.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { worstOfFleet } from '../inhibit/stand-ins.ts';

/**
 * Begins an alert for each collector that has not finished a full run for as long as the rule says, by the database's
 * clock. A collector whose clock differs that much gets an alert too. The alert ends with the collector's next full
 * run, or with a run of another collector that began on the same host later: the state folder was created anew. The
 * alert stays if no run of the collector is stored any more.
 */
export function evaluateSilence(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, runsOf, aheadOf, nowMs, mayMiss } = facts;
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  const forwarders = forwarderIds(config.clients);
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
      if (!isSilent) {
        const valueText = endWords(facts, open, `a full run of ${newest.host} finished`, lastMs);
        return [{ ...closeAlert(open, 'recovered', { atMs: lastMs, runId: last?.id ?? null }), valueText }];
      }
      if (successor === null) return [];
      return [closeAlert(open, 'superseded', { atMs: successor.finishedAtMs, runId: successor.id })];
    }
    if (!isSilent || !mayMiss || successor !== null) return [];
    return [
      fleetAlert(
        { ...rule, severity: worstOfFleet(rule, config) },
        {
          subject: collectorId,
          valueText: `${wordsFor(facts, { host: newest.host, last, lastMs, ahead, forwards: forwarders.has(collectorId) })}${clockHint(facts)}`,
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
  /** The last full run that finished; `null` if none is stored. */
  readonly last: FinishedRunFact | null;
  readonly lastMs: number | null;
  readonly ahead: RunFact | null;
  /** True if a site forwards its runs. */
  readonly forwards: boolean;
}

/** Returns the text of the alert. It names the time, not the duration: reminders show it hours later. */
function wordsFor({ config, nowMs, runsOf }: FleetFacts, { host, last, lastMs, ahead, forwards }: Silent): string {
  const reader = { zone: config.alerts.zone, nowMs };
  const since = lastMs === null ? '' : `no full run of ${host} has finished since ${timeInWords(reader, lastMs)}`;
  // Another collector may visit the same clients.
  const clients = runsOf.size > 1 ? null : (last?.clients ?? null);
  const unknown = clients === null ? '' : `nothing is known of ${counted(clients, 'client')} since then; `;
  const link = forwards ? ', and at its link to here, by fleet-health check --connect there' : '';
  const silence = since === '' ? '' : `${since}: ${unknown}look at cron on ${host}${link}`;
  if (ahead === null) return silence;
  const clocks =
    `the newest run of ${host} is of ${timeInWords(reader, ahead.startedAtMs)}, ` +
    `which is still to come by the database's clock`;
  return silence === '' ? clocks : `${silence}; ${clocks}`;
}

/** Returns a hint if the database's clock is ahead, which makes every collector look silent. */
function clockHint({ databaseAheadMs = 0 }: FleetFacts): string {
  if (databaseAheadMs < minAheadMs) return '';
  return `; the database's clock is ${formatValue('seconds', databaseAheadMs / 1000)} ahead of this machine's`;
}

/**
 * Returns the newest full run of another collector on the host that first ran later; `null` if there is none. A
 * collector that ran beside the silent one before is no successor: two machines may have the same name.
 */
function successorOf(facts: FleetFacts, collectorId: string, host: string, sinceMs: number): FinishedRunFact | null {
  const others = [...facts.runsOf].filter(
    ([id, [first]]) => id !== collectorId && first?.host === host && beganAfter(facts, first.startedAtMs, sinceMs),
  );
  return newestFinished(others.flatMap(([, runs]) => runs));
}

/** True if a collector first ran after a time. False if its first known run is at the edge of the runs read. */
function beganAfter({ config, nowMs }: FleetFacts, firstMs: number, sinceMs: number): boolean {
  const { everyMs } = config.collector;
  const readMs = nowMs - runsReadFor(everyMs);
  const isAtEdge = firstMs >= readMs && firstMs < readMs + 2 * everyMs;
  return firstMs > sinceMs && !(sinceMs < readMs && isAtEdge);
}
