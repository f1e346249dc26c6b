import type { FunctionReport, Report, Row } from '../report/report.ts';
import { pattooReport } from './pattoo.ts';
import type { TakenReport } from './take-report.ts';

export const reportFormats = ['json', 'daemon-report', 'pattoo'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** Converts a report to the document of a format. */
export function formatReport(format: ReportFormat, taken: TakenReport): object {
  if (format === 'pattoo') return pattooReport(taken);
  return format === 'json' ? taken.report : daemonReport(taken.report);
}

interface DaemonFunction {
  readonly name: string;
  readonly datetime: string;
  readonly data: readonly Row[];
}

/** Returns function, worker and daemon reports with only these keys. Checks become a worker of their own. */
function daemonReport({ name, datetime, worker_reports: workers, checks = [] }: Report): object {
  const functionOf = (report: FunctionReport, inherited: string): DaemonFunction => ({
    name: report.name,
    datetime: report.datetime ?? inherited,
    data: report.data,
  });
  const results = checks.map(({ name: check, exit, output }) => ({ check, state: exit, output }));
  const checked = results.length === 0 ? [] : [{ name: 'check', data: results }];
  const all = checked.length === 0 ? workers : [...workers, { name: 'checks', function_reports: checked }];
  return {
    name,
    datetime,
    worker_reports: all.map((worker) => {
      const own = 'datetime' in worker ? (worker.datetime ?? datetime) : datetime;
      return {
        name: worker.name,
        datetime: own,
        function_reports: worker.function_reports.map((report) => functionOf(report, own)),
      };
    }),
  };
}
