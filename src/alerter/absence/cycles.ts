import type { Client, Config } from '../../config/config.ts';
import { forwarderIds } from '../../config/clients/arrival.ts';
import { siteId } from '../../state-folder/collector-id.ts';
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

/** Returns a function that finds the finished rounds of each collector that visits a client, oldest first. */
export function roundsFor(
  facts: Pick<FleetFacts, 'runsOf' | 'sites' | 'config'>,
): (client: Client) => readonly (readonly FinishedRunFact[])[] {
  const { config, runsOf } = facts;
  const forwards = forwarderIds(config.clients);
  const here = roundsOf({ ...facts, runsOf: new Map([...runsOf].filter(([id]) => !forwards.has(id))) });
  const known = new Set(facts.sites?.values());
  // A forwarding site visits its own clients alone, and nobody else visits them.
  return ({ arrival, labels }) => {
    if (arrival.kind === 'site') return [finishedRuns(runsOf.get(siteId(arrival.site)) ?? [])];
    const label = labels['site'];
    // No collector visits the clients of a site without collectors: all collectors miss them.
    const isAnybodys = label === undefined || !known.has(label);
    return here.filter(({ site }) => isAnybodys || site === null || site === label).map(({ runs }) => runs);
  };
}

/** Returns the completed cycles of a site's runs. */
function completedCycles(runs: readonly RunFact[], everyMs: number): readonly FinishedRunFact[] {
  return cyclesOf(runs, everyMs).flatMap(({ startedAtMs, runs: own, isOver }) => {
    const last = newestFinished(own);
    return last === null || !isOver ? [] : [{ ...last, startedAtMs }];
  });
}
