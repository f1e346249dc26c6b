/** Bounds of a parsed report: the subjects of a family, and the values of a metric. */
import { maxDoubts, maxSubjects } from './limits.ts';
import { metrics, type Metric } from './metrics.ts';
import { ReportFault, type FunctionReport, type Report, type Row, type Unknown } from './report.ts';

/** An implausible value that was replaced by null. */
export interface Doubt {
  /** The JSON path of the value. */
  readonly path: string;
  readonly value: number;
  readonly reason: string;
}

/**
 * Replaces every value outside its metric's minimum and maximum by null, with an `unknown` reason. Leaves fields
 * without a metric unchanged. Throws ReportFault `report-invalid` beyond `maxDoubts` such values.
 */
export function withPlausibleValues(report: Report) {
  // Nearly every report is plausible throughout, and checking costs less than copying its parts.
  const isSound = report.worker_reports.every((worker) => worker.function_reports.every(isPlausible));
  if (isSound) return { report, doubts: [] };
  const doubts: Doubt[] = [];
  const workers = report.worker_reports.map((worker, at) => ({
    ...worker,
    function_reports: worker.function_reports.map((part, index) =>
      plausiblePart(part, `$.worker_reports[${at}].function_reports[${index}]`, doubts),
    ),
  }));
  return { report: { ...report, worker_reports: workers }, doubts };
}

function isPlausible({ name, data }: FunctionReport): boolean {
  const known = metricsByFamily.get(name);
  if (known === undefined) return true;
  for (const row of data) {
    for (const metric of known) {
      if (isImplausible(metric, row)) return false;
    }
  }
  return true;
}

function isImplausible({ field, minimum, maximum }: Metric, row: Row): boolean {
  const value = row[field];
  return typeof value === 'number' && !(value >= minimum && value <= maximum);
}

function plausiblePart(part: FunctionReport, path: string, doubts: Doubt[]): FunctionReport {
  const unknown: Unknown[] = [];
  const data = part.data.map((row, at) => {
    const changes: Record<string, null> = {};
    for (const [field, reason] of implausibleFields(part.name, row)) {
      if (doubts.length === maxDoubts) {
        throw new ReportFault('report-invalid', path, `more than ${maxDoubts} values out of any sense`);
      }
      changes[field] = null;
      unknown.push({ row: at, field, reason });
      doubts.push({ path: `${path}.data[${at}].${field}`, value: Number(row[field]), reason });
    }
    return Object.keys(changes).length === 0 ? row : { ...row, ...changes };
  });
  return unknown.length === 0 ? part : { ...part, data, unknown: [...(part.unknown ?? []), ...unknown] };
}

function implausibleFields(family: string, row: Row): readonly (readonly [field: string, reason: string])[] {
  return (metricsByFamily.get(family) ?? [])
    .filter((metric) => isImplausible(metric, row))
    .map(({ field, minimum, maximum }) => [field, `${row[field] ?? ''} is not within ${minimum} and ${maximum}`]);
}

const metricsByFamily: ReadonlyMap<string, readonly Metric[]> = new Map(
  metrics.map(({ family }) => [family, metrics.filter((metric) => metric.family === family)]),
);

/**
 * Returns the report with the first 200 subjects of each family, and counts the rest in `omitted`. Agents send no more,
 * but a client may. Returns the same object if no family has more.
 */
export function withBoundedSubjects(report: Report): Report {
  const parts = report.worker_reports.flatMap(({ function_reports: own }) => own);
  const rows = parts.reduce((sum, { data }) => sum + data.length, 0);
  if (rows <= maxSubjects) return report;
  const left = new Map<string, number>();
  const bounded = (part: FunctionReport): FunctionReport => {
    const room = left.get(part.name) ?? maxSubjects;
    left.set(part.name, Math.max(0, room - part.data.length));
    return part.data.length <= room ? part : cutTo(part, room);
  };
  const workers = report.worker_reports.map((worker) => {
    const function_reports = worker.function_reports.map(bounded);
    const isSame = function_reports.every((part, index) => part === worker.function_reports[index]);
    return isSame ? worker : { ...worker, function_reports };
  });
  return { ...report, worker_reports: workers };
}

function cutTo(part: FunctionReport, count: number): FunctionReport {
  const { unknown, data, omitted = 0 } = part;
  return {
    ...part,
    data: data.slice(0, count),
    ...(unknown === undefined ? {} : { unknown: unknown.filter(({ row = -1 }) => row < count) }),
    omitted: omitted + data.length - count,
  };
}
