import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { cyclesOf } from '../../storage/shared-cycles.ts';
import type { FleetStore } from '../../storage/store/fleet-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { finishedRuns, newestFinished, type FinishedRunFact, type FleetFacts } from './fleet-facts.ts';

/** Returns the site of each collector that shares a fleet, by its id; none where one collector visits all clients. */
export async function readSites(
  { collector }: Pick<Config, 'collector'>,
  store: Pick<FleetStore, 'sharingSites'>,
): Promise<ReadonlyMap<string, string>> {
  return collector.sharedSite === null ? new Map() : store.sharingSites();
}

/** Rounds over all clients of a collector or of a site. Each client is due one visit in each round. */
export interface Rounds {
  /** The site whose collectors share the rounds; `null` for a collector that visits all clients by itself. */
  readonly site: string | null;
  /** Oldest first. A cycle is represented by its last run, with the start of its first run. */
  readonly runs: readonly FinishedRunFact[];
}

/**
 * Returns the finished runs of each collector that visits all clients by itself, and the completed cycles of each site.
 * A run that found all clients visited by others is part of their cycle.
 */
export function roundsOf({
  runsOf,
  sites,
  config,
}: Pick<FleetFacts, 'runsOf' | 'sites' | 'config'>): readonly Rounds[] {
  const { everyMs } = config.collector;
  const siteOf = (id: string): string | null => sites?.get(id) ?? null;
  const alone = [...runsOf].filter(([id]) => siteOf(id) === null);
  const shared = groupBy(
    [...runsOf].filter(([id]) => siteOf(id) !== null),
    ([id]) => siteOf(id),
  );
  return [
    ...alone.map(([, runs]): Rounds => ({ site: null, runs: finishedRuns(runs) })),
    ...[...shared].map(([site, of]): Rounds => ({
      site,
      runs: completedCycles(
        of.flatMap(([, runs]) => runs),
        everyMs,
      ),
    })),
  ];
}

/** Returns the completed cycles of a site's runs. */
function completedCycles(runs: readonly RunFact[], everyMs: number): readonly FinishedRunFact[] {
  return cyclesOf(runs, everyMs).flatMap(({ startedAtMs, runs: own, isOver }) => {
    const last = newestFinished(own);
    return last === null || !isOver ? [] : [{ ...last, startedAtMs }];
  });
}
