import type { Config } from '../../config/config.ts';
import type { ReportTimes } from './group-states.ts';
import type { ToldAhead } from '../../storage/store/alert.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';

/** Everything that `planNotifications` depends on. */
export interface DispatchInput extends AlerterState {
  readonly config: Config;
  readonly nowMs: number;
  /** Runs of the collector that have not ended and whose deadline has not passed. */
  readonly unfinishedRuns: ReadonlySet<string>;
  /** The time of the newest processed report by client (`RuleState.newestReportMs`). */
  readonly newestRowMs: ReadonlyMap<string, number>;
  /** The time of the newest processed report or visit by client. Default: newestRowMs. */
  readonly newestVisitMs?: ReadonlyMap<string, number>;
  /** When clients with alerts, and the members of their groups that need some of them, reported. Default: unknown. */
  readonly reports?: ReadonlyMap<string, ReportTimes>;
  /** Collector ids by run, for recent runs. A run that is missing may be any collector's. */
  readonly collectorOfRun?: ReadonlyMap<string, string>;
  /** Hosts of collectors by collector id, for recent runs. */
  readonly collectorHosts?: ReadonlyMap<string, string>;
  /** Remote exports (`nas:/srv`) by `client U+0000 mount`, for subjects that are mounts of an export. */
  readonly exportOf?: ReadonlyMap<string, string>;
  /** True if no pass of an alerter has ended before this one. */
  readonly firstPass?: boolean;
  /** Names of rules that no earlier pass has evaluated. */
  readonly newRules?: ReadonlySet<string>;
  /** The time since notifications, if the clock was set back. Default: it was not. */
  readonly toldAhead?: ToldAhead | null;
}
