import type { Config } from '../../config/config.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';

/** Everything `tell` looks at. */
export interface DispatchInput extends AlerterState {
  readonly config: Config;
  readonly nowMs: number;
  /** Runs of the collector that have not ended and whose deadline has not passed. */
  readonly runsUnderWay: ReadonlySet<string>;
  /** Of each client: when its newest judged report was observed (`RuleState.newestReportMs`). */
  readonly newestRowMs: ReadonlyMap<string, number>;
  /** Collector ids by run, of the runs of late; a run that is missing could be anybody's. */
  readonly collectorOfRun?: ReadonlyMap<string, string>;
  /** Hosts of collectors by collector id, of the runs of late. */
  readonly collectorHosts?: ReadonlyMap<string, string>;
  /** Remote exports (`nas:/srv`) by `client U+0000 mount`, where a subject is a mount of one. */
  readonly exportOf?: ReadonlyMap<string, string>;
  /** No pass of an alerter has ended before this one. */
  readonly firstPass?: boolean;
  /** Names of rules that no earlier pass has judged. */
  readonly newRules?: ReadonlySet<string>;
}
