import type { Config } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { unfinishedRuns } from '../../storage/store/run.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { type Easing, openEasing } from './easing.ts';
import { concernedMembers, needingGroups, openGroupStates, reportTimes } from './group-states.ts';
import { createStandIns } from './stand-ins.ts';

interface ReadEasingOptions {
  readonly config: Config;
  /** null before the first run: nothing is known of any member. */
  readonly storage: {
    readonly evaluation: Storage['evaluation'];
    readonly fleet: Pick<Storage['fleet'], 'runs' | 'seenClients'>;
  } | null;
  readonly nowMs: number;
  /** True to read the members of all groups, and their newest reports; false: of those with alerts alone. */
  readonly all: boolean;
  /** The newest stored reports by client, which no pass may have evaluated yet. Default: they are read if `all`. */
  readonly newest?: ReadonlyMap<string, number | null>;
}

/** Reads who serves in the groups that need some of their members, and which alerts are eased. */
export async function readEasing({ config, storage, nowMs, all, newest }: ReadEasingOptions): Promise<Easing> {
  const none = { alerts: [], unfinishedRuns: new Set<string>(), reports: new Map(), standInFor: () => null };
  if (config.needs.length === 0 || storage === null) {
    return openEasing({ groups: openGroupStates({ config, ...none }), alerts: [], nowMs });
  }
  const { evaluation, fleet } = storage;
  const alerts = [...(await evaluation.openAlerts(null)), ...(await evaluation.endedAlerts())];
  const runs = await fleet.runs('collect', nowMs - dayMs);
  const members = all
    ? needingGroups(config).flatMap((group) => group.members.map(({ name }) => name))
    : concernedMembers(config, alerts);
  const stored = newest ?? new Map(all ? (await fleet.seenClients()).map((one) => [one.name, one.lastReportAtMs]) : []);
  const groups = openGroupStates({
    config,
    alerts,
    unfinishedRuns: unfinishedRuns(runs, { nowMs, ...config.collector }),
    reports: reportTimes(await evaluation.ruleStates(members), stored),
    standInFor: createStandIns({
      alerts,
      collectorOfRun: new Map(runs.map(({ id, collectorId }) => [id, collectorId])),
    }),
  });
  return openEasing({ groups, alerts, nowMs });
}
