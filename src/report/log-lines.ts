/** Reads the lines of logs in a report. Log lines are no metrics: no rule evaluates them by number. */
import type { Report } from './report.ts';

/** The priorities of syslog, indexed by number. */
export const logPriorities: readonly string[] = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];

/** A row of `log_lines`. `priority` is 0 (emerg) to 7 (debug), `logged_at` milliseconds since 1970; null if unknown. */
export interface LogLine {
  readonly logged_at: number | null;
  readonly priority: number | null;
  readonly unit: string | null;
  readonly text: string;
  /** The number of consecutive times that the line occurred. */
  readonly times: number;
}

const maxLines = 20;
/** The most counts of a report: errors, and 100 rules. */
const maxCounts = 101;
const maxTimes = 2 ** 31 - 1;

/** Returns the newest lines of logs in a report, the newest last. */
export function logLinesOf({ worker_reports: workers }: Pick<Report, 'worker_reports'>): readonly LogLine[] {
  const families = workers.flatMap(({ function_reports: functions }) => functions);
  const rows = families.flatMap(({ name, data }) => (name === 'log_line' ? data : []));
  return rows.slice(-maxLines).flatMap(({ time, priority, unit, text, times }) => {
    if (typeof text !== 'string') return [];
    const at = logPriorities.indexOf(String(priority));
    return {
      logged_at: typeof time === 'string' ? timeOf(time) : null,
      priority: at === -1 ? null : at,
      unit: typeof unit === 'string' ? unit : null,
      text,
      times: typeof times === 'number' && times >= 1 ? Math.min(Math.round(times), maxTimes) : 1,
    };
  });
}

/** The number of new lines of logs since the previous visit: lines of err and worse, or lines that a rule matches. */
export interface LogCount {
  /** The name of the count's series. */
  readonly metric: 'log_errors' | 'log_matches';
  /** The `source`; for a rule `match` ('' without an expression) and `priority`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

/** Returns the counts in a report, at most 101. */
export function logCountsOf({ worker_reports: workers }: Pick<Report, 'worker_reports'>): readonly LogCount[] {
  return workers
    .flatMap(({ function_reports: functions }) => functions)
    .flatMap(({ name, data }) => (name === 'log' || name === 'log_match' ? data.map((row) => ({ name, row })) : []))
    .slice(0, maxCounts)
    .flatMap(({ name, row }): LogCount[] => {
      const count = name === 'log' ? row['errors'] : row['count'];
      if (typeof count !== 'number' || count < 0) return [];
      const text = (key: string): string => (typeof row[key] === 'string' ? row[key] : '');
      return name === 'log'
        ? [{ metric: 'log_errors', labels: { source: text('source') }, count }]
        : [{ metric: 'log_matches', labels: { match: text('match'), priority: text('priority') }, count }];
    });
}

/** Parses seconds since 1970 or ISO 8601 with a zone, in the years from 1970 to 9999; null for other texts. */
function timeOf(text: string): number | null {
  const isIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const timeMs = isIso ? Date.parse(text) : /^\d{1,12}$/.test(text) ? Number(text) * 1000 : Number.NaN;
  return timeMs >= 0 && timeMs < Date.UTC(9999, 11) ? timeMs : null;
}
