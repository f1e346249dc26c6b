import { isUtf8 } from 'node:buffer';

import { checkRow } from './check-row.ts';
import {
  amountOf,
  clientOf,
  countOf,
  datetimeOf,
  fault,
  listOf,
  nameOf,
  objectOf,
  optional,
  textOf,
  uuidOf,
} from './check-value.ts';
import {
  maxBootIdChars,
  maxFunctionReports,
  maxReasonChars,
  maxReportBytes,
  maxReportDepth,
  maxRows,
  maxUnknowns,
  maxVersionChars,
  maxWorkerReports,
} from './limits.ts';
import { ReportFault, reportVersion } from './report.ts';
import type { FunctionReport, Report, ReportName, Unknown, WorkerReport } from './report.ts';

/**
 * The report that the bytes hold. Families and fields that are not known here are kept, for newer agents send more;
 * other unknown keys are passed over and not kept. Throws ReportFault with the JSON path of the first thing wrong:
 * `report-too-large` beyond 1 MiB, else `report-invalid`.
 */
export function parseReport(bytes: Uint8Array): Report {
  if (bytes.length > maxReportBytes) {
    throw new ReportFault('report-too-large', '$', `${bytes.length} bytes, allowed are ${maxReportBytes}`);
  }
  if (!isUtf8(bytes)) throw fault('$', 'not UTF-8');
  checkDepth(bytes);
  return reportOf(jsonOf(bytes));
}

/** Before JSON.parse, so that nothing deep is ever built. */
function checkDepth(bytes: Uint8Array): void {
  // What another file exports is read through a getter once it is bundled, 2,000 times a report.
  const most = maxReportDepth;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) inText = !inText;
    else if (inText) at += byte === backslash ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    if (depth > most) throw fault('$', `deeper than ${most}`);
  }
}

const [quote, backslash, openBrace, openBracket, closeBrace, closeBracket] = Buffer.from('"\\{[}]');

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as unknown;
  } catch {
    throw fault('$', 'not JSON');
  }
}

function reportOf(value: unknown): Report {
  const json = objectOf(value, '$');
  if (json['version'] !== reportVersion) {
    throw fault('$.version', `not ${reportVersion}, the version that is read here`);
  }
  const agent = objectOf(json['agent'], '$.agent');
  return {
    name: reportNameOf(json['name']),
    version: reportVersion,
    datetime: datetimeOf(json['datetime'], '$.datetime'),
    report_id: uuidOf(json['report_id'], '$.report_id'),
    run_id: uuidOf(json['run_id'], '$.run_id'),
    client: clientOf(json['client'], '$.client'),
    agent: {
      version: textOf(agent['version'], '$.agent.version', maxVersionChars),
      cpu_ms: amountOf(agent['cpu_ms'], '$.agent.cpu_ms'),
      wall_ms: amountOf(agent['wall_ms'], '$.agent.wall_ms'),
      rss_bytes: amountOf(agent['rss_bytes'], '$.agent.rss_bytes'),
      ...optional('dropped_reports', agent, '$.agent', countOf),
    },
    boot_id: json['boot_id'] === null ? null : textOf(json['boot_id'], '$.boot_id', maxBootIdChars),
    monotonic_ms: countOf(json['monotonic_ms'], '$.monotonic_ms'),
    worker_reports: listOf(json['worker_reports'], '$.worker_reports', maxWorkerReports).map((item, at) =>
      workerReportOf(item, `$.worker_reports[${at}]`),
    ),
  };
}

function reportNameOf(value: unknown): ReportName {
  if (value === 'Daemon report' || value === 'Inventory report') return value;
  throw fault('$.name', 'neither `Daemon report` nor `Inventory report`');
}

function workerReportOf(value: unknown, path: string): WorkerReport {
  const json = objectOf(value, path);
  return {
    name: nameOf(json['name'], `${path}.name`),
    ...optional('datetime', json, path, datetimeOf),
    duration_ms: amountOf(json['duration_ms'], `${path}.duration_ms`),
    error: json['error'] === null ? null : textOf(json['error'], `${path}.error`, maxReasonChars),
    function_reports: listOf(json['function_reports'], `${path}.function_reports`, maxFunctionReports).map((item, at) =>
      functionReportOf(item, `${path}.function_reports[${at}]`),
    ),
  };
}

function functionReportOf(value: unknown, path: string): FunctionReport {
  const json = objectOf(value, path);
  const name = nameOf(json['name'], `${path}.name`);
  const data = listOf(json['data'], `${path}.data`, maxRows).map((item, at) =>
    checkRow(objectOf(item, `${path}.data[${at}]`), name, () => `${path}.data[${at}]`),
  );
  const unknowns = (list: unknown, at: string): readonly Unknown[] =>
    listOf(list, at, maxUnknowns).map((item, index) => unknownOf(item, `${at}[${index}]`, data.length));
  return {
    name,
    ...optional('datetime', json, path, datetimeOf),
    data,
    ...optional('unknown', json, path, unknowns),
    ...optional('omitted', json, path, countOf),
  };
}

function unknownOf(value: unknown, path: string, rows: number): Unknown {
  const json = objectOf(value, path);
  const row = optional('row', json, path, countOf);
  if (row.row !== undefined && row.row >= rows) throw fault(`${path}.row`, 'no such row');
  return {
    ...row,
    field: nameOf(json['field'], `${path}.field`),
    reason: textOf(json['reason'], `${path}.reason`, maxReasonChars),
  };
}
