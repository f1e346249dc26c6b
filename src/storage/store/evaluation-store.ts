import type { CheckStat } from '../../report/checks/checks.ts';
import type { DiskRow, NetworkRow, StatsColumns } from '../../report/columns.ts';
import type { StatsFigure } from '../../report/metrics.ts';
import type { Report } from '../../report/report.ts';
import type { Alert, RuleState } from './alert.ts';
import type { Lease } from './lease-store.ts';
import type { NewForecast } from './level-store.ts';
import type { VisitRecord } from './run.ts';

/** A row of `stats` that no alerter has processed. Times are milliseconds since 1970. */
export interface UnprocessedReport extends Pick<StatsColumns, StatsFigure> {
  readonly id: number;
  readonly client: string;
  readonly reportId: string;
  readonly runId: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clockOffsetMs: number | null;
  readonly bootId: string | null;
}

/** A row of `visits` that no alerter has processed. */
export interface UnprocessedVisit extends Pick<VisitRecord, 'client' | 'runId' | 'startedAtMs' | 'ok' | VisitFault> {
  readonly id: number;
  /** True if the visit's run was a full one; false also if the run is unknown. */
  readonly full: boolean;
}

type VisitFault = 'stage' | 'code' | 'message';

/** A place between two rows, ordered by time, then id. */
export interface RowPlace {
  readonly atMs: number;
  readonly reportId: number;
  readonly visitId: number;
}

export interface UnprocessedBatch {
  readonly reports: readonly UnprocessedReport[];
  readonly visits: readonly UnprocessedVisit[];
  /** True if there were more rows when the batch was read. */
  readonly more: boolean;
  /** The place to continue from; `null` at the end, in a dry run also if there were more rows. */
  readonly next: RowPlace | null;
}

/** Whole reports by the id of their row. Only a few are in memory at a time. */
export interface StoredReports {
  get(id: number): Promise<Report | undefined> | Report | undefined;
}

/** All forecasts of one time. */
export interface NewForecasts {
  readonly asOfMs: number;
  readonly forecasts: readonly NewForecast[];
}

/** The evaluated rows, with the changes that follow from them. */
export interface ProcessedRows {
  readonly statIds: readonly number[];
  readonly visitIds: readonly number[];
  readonly alerts: readonly Alert[];
  readonly ruleStates: ReadonlyMap<string, RuleState>;
  /** Stored alerts whose acknowledgement ended because they got worse, whatever their state now. Default: none. */
  readonly noLongerAcknowledged?: readonly number[];
  /** Forecasts that replace all stored ones. Default: the stored ones stay. */
  readonly forecasts?: NewForecasts;
}

/** The rows and the state of rules, for alerter/evaluate and alerter/transition. */
export interface EvaluationStore {
  /**
   * Returns unprocessed rows, at most `limit` of each kind, oldest first by time then id. Cuts both kinds off at the
   * same time, so that the order holds over both kinds and all batches. `after` selects only rows behind the end of
   * another batch, whether that batch is already marked as processed or not. `figures` selects the figures of reports
   * to read; the others are null. Default: all figures.
   */
  unprocessed(limit: number, after?: RowPlace | null, figures?: readonly StatsFigure[]): Promise<UnprocessedBatch>;
  disksOf(statIds: readonly number[]): Promise<ReadonlyMap<number, readonly DiskRow[]>>;
  networksOf(statIds: readonly number[]): Promise<ReadonlyMap<number, readonly NetworkRow[]>>;
  checksOf(statIds: readonly number[]): Promise<ReadonlyMap<number, readonly CheckStat[]>>;
  /** Returns for each row the checks of the client's newest report that is at least a day older, if there is one. */
  checksDayBefore(
    rows: readonly Pick<UnprocessedReport, 'id' | 'client' | 'observedAtMs'>[],
  ): Promise<ReadonlyMap<number, readonly CheckStat[]>>;
  /** Returns whole reports that are still kept. The caller requests them in the order of the ids. */
  reportsOf(statIds: readonly number[]): Promise<StoredReports>;
  /** Returns the pending and firing alerts of these clients; `null`: of all clients. */
  openAlerts(clients: readonly string[] | null): Promise<readonly Alert[]>;
  /** Returns the ended alerts that are not closed out, in the order of their ids. */
  endedAlerts(): Promise<readonly Alert[]>;
  ruleStates(clients: readonly string[]): Promise<ReadonlyMap<string, RuleState>>;
  /**
   * Marks exactly these rows as processed, and stores alerts (new where id is null) and rule states, in one fenced
   * transaction of few statements. Does not change the name or the acknowledgement of a stored alert, except that the
   * acknowledgement ends when the alert gets worse. Throws FleetError `locked`, or `storage-failed` if another alerter
   * has processed a row; then changes nothing.
   */
  saveProcessed(lease: Lease, processed: ProcessedRows): Promise<void>;
}
