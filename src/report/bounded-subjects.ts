import { maxSubjects } from './limits.ts';
import type { FunctionReport, Report } from './report.ts';

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
