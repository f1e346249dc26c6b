import type { StatsColumns } from '../../report/columns.ts';

/** A row of `stats` that no alerter has treated. Times are milliseconds since 1970. */
export interface UnprocessedReport extends StatsColumns {
  readonly id: number;
  readonly client: string;
  readonly reportId: string;
  readonly runId: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clockOffsetMs: number | null;
  readonly bootId: string | null;
}

/** A row of `visits` that no alerter has treated. */
export interface UnprocessedVisit {
  readonly id: number;
  readonly client: string;
  readonly runId: string;
  /** Whether its run was a full one; false too when the run is not known. */
  readonly full: boolean;
  readonly startedAtMs: number;
  readonly ok: boolean;
  readonly stage: string | null;
  readonly code: string | null;
  readonly message: string | null;
}

export interface UnprocessedBatch {
  readonly reports: readonly UnprocessedReport[];
  readonly visits: readonly UnprocessedVisit[];
  /** Whether there was more when it was read. */
  readonly more: boolean;
  /** Where to go on; null: here it ends, in a dry run also where there was more. */
  readonly next: RowPlace | null;
}

export interface NewestRows {
  readonly report: UnprocessedReport | null;
  readonly visit: UnprocessedVisit | null;
}

/** Between two rows, in the order of time, then id. */
export interface RowPlace {
  readonly atMs: number;
  readonly reportId: number;
  readonly visitId: number;
}

export interface ReplayPage {
  readonly reports: readonly UnprocessedReport[];
  readonly visits: readonly UnprocessedVisit[];
  readonly next: RowPlace | null;
}
