import type { ClientDetail } from '../../look/client-detail.ts';
import { logPriorities } from '../../report/log-lines.ts';
import { renderTable } from '../terminal/table.ts';
import type { DetailWords } from './report-lines.ts';

/**
 * Returns the counts of new lines in the newest report, and the newest lines of the client's logs, newest first. A line
 * without a time of its own has the time of its report.
 */
export function logLines({ logs, logCounts }: ClientDetail, { output, time }: DetailWords): readonly string[] {
  const counts = renderTable(
    output,
    [
      { title: 'new lines', cell: ({ count }) => String(count) },
      { title: 'priority', cell: ({ labels: { priority = 'err' } }) => priority },
      { title: 'of', shrinks: true, cell: ({ labels: { source, match = '' } }) => source ?? (match || 'any text') },
    ],
    logCounts,
  );
  const counted = logCounts.length === 0 ? [] : [counts];
  if (logs.length === 0) return counted;
  const table = renderTable(
    output,
    [
      { title: 'logged', cell: ({ loggedAtMs, observedAtMs }) => time.moment(loggedAtMs ?? observedAtMs) },
      { title: 'priority', drops: 1, cell: ({ priority }) => logPriorities[priority ?? -1] ?? '-' },
      { title: 'by', shrinks: true, cell: ({ unit }) => unit ?? '-' },
      { title: 'text', shrinks: true, cell: ({ text, times }) => (times > 1 ? `${text} (${times} times)` : text) },
    ],
    logs,
  );
  return [...counted, table];
}
