import { type CheckStat, type EarlierOf, measuredChecks, nothingEarlier } from '../../report/checks/checks.ts';
import { checkReadings, logReadings, type Reading } from '../../report/checks/readings.ts';
import { type DiskRow, type NetworkRow, columnsOf } from '../../report/columns.ts';
import { type LogLine, logLinesOf } from '../../report/log-lines.ts';
import { diskFigures, networkFigures, statsFigureNames } from '../../report/metrics.ts';
import { integerFor, integersAmong, withIntegers } from '../sql/column-types.ts';
import type { Values } from '../sql/insert-rows.ts';
import { sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import type { IngestItem } from '../store/storage.ts';

const statsIntegers = integersAmong(statsFigureNames);
const diskIntegers = integersAmong(diskFigures);
const networkIntegers = integersAmong(networkFigures);

/** A report as rows, without the id of its row of `stats`, which is assigned on storing. */
export interface ReportRows {
  readonly item: IngestItem;
  readonly observedAt: string;
  readonly stats: Values;
  readonly report: string;
  readonly disks: readonly DiskRow[];
  readonly networks: readonly NetworkRow[];
  readonly checks: readonly CheckStat[];
  /** The names of the checks that depend on their earlier results. */
  readonly asked: readonly string[];
  readonly logLines: readonly LogLine[];
  /** The readings, which become rows of `samples`. */
  readonly readings: readonly Reading[];
}

/**
 * Converts a report to rows. Throws RangeError for a time that no column can hold. Without `earlierOf` the report
 * counts as the client's first one.
 */
export function reportRows(item: IngestItem, earlierOf: EarlierOf = () => nothingEarlier): ReportRows {
  const observedAt = sqlTime(item.observedAtMs);
  const { stats, disks, networks } = columnsOf(item.report);
  const asked: string[] = [];
  const measured = measuredChecks(item.report, (check) => {
    asked.push(check);
    return earlierOf(check);
  });
  return {
    item,
    observedAt,
    stats: {
      client: item.client,
      report_id: item.report.report_id,
      run_id: item.report.run_id,
      observed_at: observedAt,
      collected_at: sqlTime(item.collectedAtMs),
      received_at: sqlTime(item.receivedAtMs),
      clock_offset_ms: integerFor('clock_offset_ms', item.clockOffsetMs),
      boot_id: item.report.boot_id,
      ...withIntegers(stats, statsIntegers),
    },
    report: JSON.stringify(item.report),
    disks,
    networks,
    checks: measured.map(({ stat }) => stat),
    asked,
    logLines: logLinesOf(item.report),
    // Logs come first, because the number of a client's series is limited.
    readings: [...logReadings(item.report), ...checkReadings(measured)],
  };
}

/** Returns the row of `reports`. */
export function reportRow(rows: ReportRows, statId: number): Values {
  return { stat_id: statId, observed_at: rows.observedAt, report: rows.report };
}

/** Returns the rows of `disk_stats`. */
export function diskStatsRows(rows: ReportRows, statId: number): readonly Values[] {
  return rows.disks.map((disk, ordinal) => ({
    stat_id: statId,
    ordinal,
    client: rows.item.client,
    observed_at: rows.observedAt,
    ...withIntegers(disk, diskIntegers),
  }));
}

/** Returns the rows of `network_stats`. */
export function networkStatsRows(rows: ReportRows, statId: number): readonly Values[] {
  return rows.networks.map((network, ordinal) => ({
    stat_id: statId,
    ordinal,
    client: rows.item.client,
    observed_at: rows.observedAt,
    ...withIntegers(network, networkIntegers),
  }));
}

/** Returns the rows of `check_stats`. */
export function checkStatsRows(rows: ReportRows, statId: number): readonly Values[] {
  return rows.checks.map((check, ordinal) => ({
    stat_id: statId,
    ordinal,
    client: rows.item.client,
    observed_at: rows.observedAt,
    ...check,
  }));
}

/** Returns the rows of `log_lines`. */
export function logLineRows(rows: ReportRows, statId: number): readonly Values[] {
  return rows.logLines.map((line, ordinal) => ({
    stat_id: statId,
    ordinal,
    client: rows.item.client,
    observed_at: rows.observedAt,
    ...line,
    logged_at: sqlTimeOrNull(line.logged_at),
  }));
}
