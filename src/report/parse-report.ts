import { isUtf8 } from 'node:buffer';
import { metricOf, metrics } from './metrics.ts';
import { checkResultsOf, refusedChecksOf } from './parse-checks.ts';
import {
  type Json,
  type Place,
  amountOf,
  clientOf,
  countOf,
  datetimeOf,
  fault,
  faultAt,
  isName,
  listOf,
  nameOf,
  objectOf,
  reportPlace,
  checkedText,
  uuidOf,
  isDeeper,
} from './check-value.ts';
import {
  maxBootIdChars,
  maxFieldsPerRow,
  maxFunctionReports,
  maxLabelChars,
  maxReasonChars,
  maxReportBytes,
  maxReportDepth,
  maxRows,
  maxUnknowns,
  maxVersionChars,
  maxWorkerReports,
} from './limits.ts';
import { stateSectionsOf } from './state/parse-state.ts';
import {
  type FunctionReport,
  type Report,
  ReportFault,
  type ReportName,
  reportNames,
  type Row,
  type Unknown,
  type WorkerReport,
  reportVersion,
} from './report.ts';

/**
 * Parses a report. Keeps unknown families and fields, because newer agents send more; ignores other unknown keys.
 * Throws ReportFault with the JSON path of the first fault: `report-too-large` beyond 1 MiB, otherwise
 * `report-invalid`.
 */
export function parseReport(bytes: Uint8Array): Report {
  if (bytes.length > maxReportBytes) {
    throw new ReportFault('report-too-large', '$', `${bytes.length} bytes, allowed are ${maxReportBytes}`);
  }
  if (!isUtf8(bytes)) throw faultAt(reportPlace, 'not UTF-8');
  if (isDeeper(bytes, maxReportDepth)) throw faultAt(reportPlace, `deeper than ${maxReportDepth}`);
  return reportOf(jsonOf(bytes));
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as unknown;
  } catch {
    throw faultAt(reportPlace, 'not JSON');
  }
}

function reportOf(value: unknown): Report {
  const here = reportPlace;
  const json = objectOf(value, here);
  const name = reportNameOf(json['name']);
  if (json['version'] !== reportVersion) {
    throw fault(here, 'version', `not ${reportVersion}, the version that is read here`);
  }
  const agentPlace = { within: here, key: 'agent' };
  const agent = objectOf(json['agent'], agentPlace);
  const workersPlace = { within: here, key: 'worker_reports' };
  return {
    name,
    version: reportVersion,
    datetime: datetimeOf(json['datetime'], here, 'datetime'),
    report_id: uuidOf(json['report_id'], here, 'report_id'),
    run_id: uuidOf(json['run_id'], here, 'run_id'),
    client: clientOf(json['client'], here, 'client'),
    agent: {
      version: checkedText(agent['version'], agentPlace, 'version', maxVersionChars),
      cpu_ms: amountOf(agent['cpu_ms'], agentPlace, 'cpu_ms'),
      wall_ms: amountOf(agent['wall_ms'], agentPlace, 'wall_ms'),
      rss_bytes: amountOf(agent['rss_bytes'], agentPlace, 'rss_bytes'),
      ...(Object.hasOwn(agent, 'dropped_reports')
        ? { dropped_reports: countOf(agent['dropped_reports'], agentPlace, 'dropped_reports') }
        : {}),
    },
    boot_id: json['boot_id'] === null ? null : checkedText(json['boot_id'], here, 'boot_id', maxBootIdChars),
    monotonic_ms: countOf(json['monotonic_ms'], here, 'monotonic_ms'),
    worker_reports: listOf(json['worker_reports'], workersPlace, maxWorkerReports).map((item, at) =>
      workerReportOf(item, { within: workersPlace, key: at }),
    ),
    ...(Object.hasOwn(json, 'checks')
      ? { checks: checkResultsOf(json['checks'], { within: here, key: 'checks' }) }
      : {}),
    ...(Object.hasOwn(json, 'checks_refused')
      ? { checks_refused: refusedChecksOf(json['checks_refused'], { within: here, key: 'checks_refused' }) }
      : {}),
    ...(name === 'State report'
      ? { sections: stateSectionsOf(json['sections'], { within: here, key: 'sections' }) }
      : {}),
  };
}

function reportNameOf(value: unknown): ReportName {
  const name = reportNames.find((known) => known === value);
  if (name !== undefined) return name;
  throw fault(reportPlace, 'name', `not one of ${reportNames.join(', ')}`);
}

function workerReportOf(value: unknown, here: Place): WorkerReport {
  const json = objectOf(value, here);
  const name = nameOf(json['name'], here, 'name');
  const datetime = ownDatetimeOf(json, here);
  const duration_ms = amountOf(json['duration_ms'], here, 'duration_ms');
  const error = json['error'] === null ? null : checkedText(json['error'], here, 'error', maxReasonChars);
  const within = { within: here, key: 'function_reports' };
  const function_reports = listOf(json['function_reports'], within, maxFunctionReports).map((item, at) =>
    functionReportOf(item, { within, key: at }),
  );
  return { name, ...(datetime === undefined ? {} : { datetime }), duration_ms, error, function_reports };
}

function functionReportOf(value: unknown, here: Place): FunctionReport {
  const json = objectOf(value, here);
  const name = nameOf(json['name'], here, 'name');
  const data = checkRows(json['data'], name, { within: here, key: 'data' });
  const datetime = ownDatetimeOf(json, here);
  const report: Mutable<FunctionReport> = datetime === undefined ? { name, data } : { name, datetime, data };
  if (Object.hasOwn(json, 'unknown')) {
    const within = { within: here, key: 'unknown' };
    report.unknown = listOf(json['unknown'], within, maxUnknowns).map((item, at) =>
      unknownOf(item, { within, key: at }, data.length),
    );
  }
  if (Object.hasOwn(json, 'omitted')) report.omitted = countOf(json['omitted'], here, 'omitted');
  return report;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function ownDatetimeOf(json: Json, here: Place): string | undefined {
  return Object.hasOwn(json, 'datetime') ? datetimeOf(json['datetime'], here, 'datetime') : undefined;
}

function unknownOf(value: unknown, here: Place, rows: number): Unknown {
  const json = objectOf(value, here);
  const row = Object.hasOwn(json, 'row') ? countOf(json['row'], here, 'row') : undefined;
  if (row !== undefined && row >= rows) throw fault(here, 'row', 'no such row');
  const field = nameOf(json['field'], here, 'field');
  const reason = checkedText(json['reason'], here, 'reason', maxReasonChars);
  return row === undefined ? { field, reason } : { row, field, reason };
}

/** The types of the fields in metrics.ts, by family and field. Built once, for lookups of each field of each row. */
const knownFields: ReadonlyMap<string, ReadonlyMap<string, 'number' | 'text'>> = new Map(
  [...new Set(metrics.map(({ family }) => family))].map((family) => {
    const own = metrics.filter((metric) => metric.family === family);
    const labels = own.flatMap((metric) => metric.labels);
    return [
      family,
      new Map([
        ...own.map(({ field }) => [field, 'number'] as const),
        ...labels.map((label) => [label, 'text'] as const),
      ]),
    ];
  }),
);
const nothingKnown: ReadonlyMap<string, 'number' | 'text'> = new Map();

/**
 * Checks the rows of a function report: labels are texts, and values finite numbers or null. Accepts either for
 * families and fields that metrics.ts does not have. Field names are lower-case, so that `__proto__` and the like never
 * become keys.
 */
function checkRows(value: unknown, family: string, here: Place): readonly Row[] {
  const rows = listOf(value, here, maxRows);
  const known = knownFields.get(family) ?? nothingKnown;
  return rows.map((item, at) => checkRow(item, family, known, { within: here, key: at }));
}

function checkRow(item: unknown, family: string, known: typeof nothingKnown, here: Place): Row {
  const row = objectOf(item, here);
  const fields = Object.keys(row);
  if (fields.length > maxFieldsPerRow) {
    throw faultAt(here, `${fields.length} fields, allowed are ${maxFieldsPerRow}`);
  }
  for (const field of fields) {
    const value = row[field];
    const kind = known.get(field);
    if (kind === 'number' && Number.isFinite(value)) continue;
    if (kind === undefined && !isName(field)) {
      throw faultAt(here, 'a field that is no name of lower-case letters, digits and _');
    }
    if (value === null) continue;
    if (typeof value === 'string') {
      // By its full name: a field of an unknown family may have the full name of a metric.
      if (kind !== 'text' && metricOf(family, field) !== null) throw fault(here, field, 'not a number');
      checkedText(value, here, field, maxLabelChars);
    } else if (typeof value !== 'number' || kind === 'text') {
      throw fault(here, field, kind === 'text' ? 'not a text' : 'neither text nor number');
    } else if (!Number.isFinite(value)) {
      throw fault(here, field, 'not finite');
    }
  }
  return row as Row;
}
