import type { FunctionReport, Report, WorkerReport } from './report.ts';

export interface DatedFunctionReport extends FunctionReport {
  readonly datetime: string;
}

export interface DatedWorkerReport extends WorkerReport {
  readonly datetime: string;
  readonly function_reports: readonly DatedFunctionReport[];
}

/** A report with a `datetime` at every level. */
export interface DatedReport extends Report {
  readonly worker_reports: readonly DatedWorkerReport[];
}

/** Puts back the datetimes that levels leave out because they equal their parent's. */
export function withDatetimes(report: Report): DatedReport {
  return {
    ...report,
    worker_reports: report.worker_reports.map((worker) => {
      const datetime = worker.datetime ?? report.datetime;
      const function_reports = worker.function_reports.map((part) => ({
        ...part,
        datetime: part.datetime ?? datetime,
      }));
      return { ...worker, datetime, function_reports };
    }),
  };
}

/** Leaves out the datetimes that equal their parent's: the form in which reports travel. */
export function withoutRepeatedDatetimes(report: Report): Report {
  return {
    ...report,
    worker_reports: report.worker_reports.map(({ datetime: own, ...worker }) => {
      const datetime = own ?? report.datetime;
      return {
        ...worker,
        ...(datetime === report.datetime ? {} : { datetime }),
        function_reports: worker.function_reports.map(({ datetime: inner, ...part }) =>
          inner === undefined || inner === datetime ? part : { ...part, datetime: inner },
        ),
      };
    }),
  };
}
