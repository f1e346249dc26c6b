import type { Episode } from '../storage/episode.ts';
import { beginFleetEpisode } from './fleet-episode.ts';
import { newestFinished } from './fleet-facts.ts';
import type { FinishedRun, FleetFacts } from './fleet-facts.ts';
import { closeEpisode } from './episode-bounds.ts';

const ruleName = 'collector-isolated';
/** Of fewer clients nothing can be concluded. */
const leastClients = 3;
const nearlyAll = 0.9;

/**
 * One alert for each collector whose newest finished full run reached nearly none of its clients: then its own network is
 * the likely fault. It ends with the next full run that reaches more.
 *
 * Who was unreachable is known from the alerts, pending ones included, that its visits have begun or kept up: a client
 * whose host key is not trusted failed too, but not for the network's sake.
 */
export function judgeIsolation(facts: FleetFacts): readonly Episode[] {
  const { config, runsOf, episodes, nowMs } = facts;
  const rule = config.alerts.rules.find(({ name }) => name === ruleName);
  if (rule === undefined) return [];
  const unreachable = episodes.filter((episode) => episode.rule === 'unreachable');
  return [...runsOf].flatMap(([collectorId, own]): readonly Episode[] => {
    const open = facts.open('', ruleName, collectorId);
    const run = newestFinished(own);
    if (run === null) return [];
    const attempts = (run.succeeded ?? 0) + (run.failed ?? 0);
    const lost = unreachable.filter((episode) => wasLostIn(episode, run)).length;
    const isIsolated =
      attempts >= leastClients && (run.failed ?? 0) >= nearlyAll * attempts && lost >= nearlyAll * attempts;
    if (open !== null) {
      // One that began in the future, under a clock that was wrong, would outlast every run.
      const isLater = run.startedAtMs > open.pendingSinceMs || open.pendingSinceMs > nowMs;
      if (isIsolated || !isLater) return [];
      return [closeEpisode(open, 'recovered', { atMs: run.finishedAtMs, runId: run.id })];
    }
    if (!isIsolated) return [];
    return [
      beginFleetEpisode({
        rule,
        client: '',
        subject: collectorId,
        valueText: `${run.host} could not reach ${lost} of ${attempts} clients in one run`,
        limitText: '',
        evidence: run.id,
        runId: run.id,
        sinceMs: run.startedAtMs,
        firingSinceMs: run.finishedAtMs,
      }),
    ];
  });
}

/** Its newest visit was of that run. */
function wasLostIn({ progress }: Episode, run: FinishedRun): boolean {
  return progress.lastAtMs >= run.startedAtMs && progress.lastAtMs <= run.finishedAtMs;
}
