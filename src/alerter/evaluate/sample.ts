import type { Rule } from '../../config/config.ts';
import type { DiskRow } from '../../report/columns.ts';
import type { Level } from '../../storage/store/alert.ts';

/** What one row says about one subject of one rule. */
export interface Sample {
  readonly rule: Rule;
  readonly subject: string;
  readonly level: Level;
  /** Beyond the limit of the way back: counts towards recovery. */
  readonly clear: boolean;
  /** Beyond critical's own way back, as far as `clear` is from the lowest level: counts towards warning. */
  readonly eased: boolean;
  readonly value: number | null;
  readonly valueText: string;
  /** '' where there is no limit to name. */
  readonly limitText: string;
  /** What may lie between this row and the one before without being a gap, where that is longer than usual; else 0. */
  readonly pauseMs: number;
  /** True if the row is a visit that a fault of the network may have ended. */
  readonly isNetwork?: boolean;
}

/** One row of `stats` or `visits`, read by the rules of its client. */
export interface SampledRow {
  readonly client: string;
  /** observed_at of a report, started_at of a visit. */
  readonly atMs: number;
  readonly kind: 'report' | 'visit';
  readonly runId: string;
  /** Report id, or `run/client`. */
  readonly evidence: string;
  readonly samples: readonly Sample[];
  /** Samples of read-only file systems that count only if those were writable before. */
  readonly ifWritable: readonly Sample[];
  /** How a visit ended, see RuleState.visits; null: it does not count, or a report. */
  readonly visitEnd: string | null;
  /** The mounts of a report; null: not loaded, or a visit. */
  readonly disks: readonly DiskRow[] | null;
  /** Names of rules whose subjects are all listed in `samples`: who is not among them is gone. */
  readonly complete: readonly string[];
  /** Of a report: which boot it speaks of, and how long that has lasted; null: unknown, or a visit. */
  readonly bootId: string | null;
  readonly uptimeSeconds: number | null;
}
