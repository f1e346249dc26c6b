import type { FamilyGroup } from '../config/config.ts';
import type { ExportedTable, FigureSpan, FigureSubject, Resolution } from '../storage/store/figure-store.ts';
import { familyHead, openMetricsEnd, seriesText } from './exposition.ts';
import { figureFamilies, type Labels } from './families.ts';
import type { FigureFamily } from './figures.ts';
import { type HistoryOptions, pagesOf, timeOf, timeSpans } from './history.ts';

/**
 * Yields the history as OpenMetrics with times: a family after the other, in it a series after the other, oldest sample
 * first, as `promtool tsdb create-blocks-from openmetrics` wants it. Means of hours and days (of checks the worst state) are series of their own,
 * with the label `resolution`.
 */
export async function* openMetricsHistory(
  options: HistoryOptions,
  groups: readonly FamilyGroup[],
): AsyncGenerator<string> {
  let done = 0;
  for (const family of figureFamilies(groups)) {
    let head = familyHead(family, 'openmetrics');
    for (const client of options.clients) {
      for await (const text of clientHistory(options, family, client)) {
        yield head + text;
        head = '';
      }
      options.onProgress((done += 1));
    }
  }
  yield openMetricsEnd;
}

async function* clientHistory(options: HistoryOptions, family: FigureFamily, client: string): AsyncGenerator<string> {
  const { store } = options;
  const { table } = family;
  for (const span of await timeSpans(options, client, table)) {
    if (span.resolution !== 'row' && family.rollup === null) continue;
    const subjects = table === 'stats' ? [null] : await store.subjectsBetween({ client, table, ...span });
    for (const subject of subjects) {
      const column = span.resolution === 'row' ? family.column : `${family.column}_${family.rollup ?? ''}`;
      yield* seriesHistory(options, family, { client, table, subject, columns: [column], ...span });
    }
  }
}

async function* seriesHistory(
  { store, signal }: HistoryOptions,
  { name, convert }: FigureFamily,
  span: FigureSpan,
): AsyncGenerator<string> {
  const { client, table, subject, resolution, columns } = span;
  const [column = ''] = columns;
  const series = seriesText(name, seriesLabels(client, table, subject, resolution));
  let lastMs = -Infinity;
  for await (const rows of pagesOf(store, span, signal)) {
    let text = '';
    for (const row of rows) {
      const stored = row[column];
      const atMs = timeOf(row, resolution);
      // The first of two reports of one millisecond counts.
      if (typeof stored !== 'number' || atMs <= lastMs) continue;
      lastMs = atMs;
      text += `${series} ${convert(stored, atMs)} ${atMs / 1000}\n`;
    }
    if (text !== '') yield text;
  }
}

function seriesLabels(
  client: string,
  table: ExportedTable,
  subject: FigureSubject | null,
  resolution: Resolution,
): Labels {
  return {
    client,
    ...(table === 'disk_stats' ? { mount: subject?.name ?? '', fstype: subject?.fstype ?? '' } : {}),
    ...(table === 'network_stats' ? { interface: subject?.name ?? '' } : {}),
    ...(table === 'check_stats' ? { check: subject?.name ?? '' } : {}),
    ...(resolution === 'row' ? {} : { resolution }),
  };
}
