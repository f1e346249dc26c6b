import type { Episode } from '../storage/episode.ts';
import { formatValue } from './describe-value.ts';
import { beginFleetEpisode } from './fleet-episode.ts';
import { newestFinished } from './fleet-facts.ts';
import type { FinishedRun, FleetFacts } from './fleet-facts.ts';
import { closeEpisode } from './episode-bounds.ts';

const ruleName = 'collector-silent';

/**
 * One alert for each collector without a finished full run for as long as the rule says. It ends with its next one, or
 * when another collector on its host finishes one: the state folder was made anew. A collector whose runs are no longer
 * stored is left as it is.
 */
export function judgeSilence(facts: FleetFacts): readonly Episode[] {
  const { config, runsOf, nowMs, mayMiss } = facts;
  const rule = config.alerts.rules.find(({ name }) => name === ruleName);
  if (rule === undefined) return [];
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  return [...runsOf].flatMap(([collectorId, own]): readonly Episode[] => {
    const open = facts.open('', ruleName, collectorId);
    const last = newestFinished(own);
    const [first] = own;
    const newest = own.at(-1);
    if (first === undefined || newest === undefined) return [];
    const lastMs = last?.finishedAtMs ?? first.startedAtMs;
    const successor = successorOf(facts, collectorId, newest.host, lastMs);
    const isSilent = nowMs - lastMs >= allowedMs;
    if (open !== null) {
      if (!isSilent) return [closeEpisode(open, 'recovered', { atMs: lastMs, runId: last?.id ?? null })];
      if (successor === null) return [];
      return [closeEpisode(open, 'superseded', { atMs: successor.finishedAtMs, runId: successor.id })];
    }
    if (!isSilent || !mayMiss || successor !== null) return [];
    return [
      beginFleetEpisode({
        rule,
        client: '',
        subject: collectorId,
        valueText: `no full run of ${newest.host} has finished for ${formatValue('seconds', (nowMs - lastMs) / 1000)}`,
        limitText: `none for ${formatValue('seconds', allowedMs / 1000)}`,
        evidence: (last ?? newest).id,
        runId: null,
        sinceMs: lastMs,
        firingSinceMs: nowMs,
      }),
    ];
  });
}

/** Another collector of the host that has finished a full run since. */
function successorOf({ runsOf }: FleetFacts, collectorId: string, host: string, sinceMs: number): FinishedRun | null {
  const others = [...runsOf].flatMap(([id, runs]) =>
    id === collectorId ? [] : runs.filter((run) => run.host === host),
  );
  const newest = newestFinished(others);
  return newest === null || newest.finishedAtMs <= sinceMs ? null : newest;
}
