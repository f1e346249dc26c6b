import type { FamilyGroup } from '../../config/config.ts';
import type { FigureSpan, FigureSubject } from '../../storage/store/figure-store.ts';
import { familyHead, openMetricsEnd, seriesText } from './exposition.ts';
import { figureFamilies } from './families.ts';
import type { FigureFamily, Labels } from './figures.ts';
import { type HistoryOptions, pagesOf, timeOf, timeSpans } from './history.ts';
import { isExported, seriesFamilies, seriesLabels, type ValueFamily } from './series-families.ts';

/**
 * Yields the history as OpenMetrics with times, as `promtool tsdb create-blocks-from openmetrics` expects it: family by
 * family, within a family series by series, oldest sample first. Means of hours and days (worst states for checks) are
 * separate series with the label `resolution`.
 */
export async function* openMetricsHistory(
  options: HistoryOptions,
  groups: readonly FamilyGroup[],
): AsyncGenerator<string> {
  let done = 0;
  for (const family of [...figureFamilies(groups), ...seriesFamilies(groups)]) {
    let head = familyHead(family, 'openmetrics');
    for (const client of options.clients) {
      const texts =
        family.kind === 'value' ? ownHistory(options, family, client) : clientHistory(options, family, client);
      for await (const text of texts) {
        yield head + text;
        head = '';
      }
      options.onProgress((done += 1));
    }
  }
  yield openMetricsEnd;
}

async function* clientHistory(options: HistoryOptions, family: FigureFamily, client: string): AsyncGenerator<string> {
  const { table, name, column, rollup, convert } = family;
  for (const span of await timeSpans(options, client, table)) {
    if (span.resolution !== 'row' && rollup === null) continue;
    const subjects =
      table === 'stats' ? [null] : await options.storage.exports.subjectsBetween({ client, table, ...span });
    for (const subject of subjects) {
      const columns = [span.resolution === 'row' ? column : `${column}_${rollup ?? ''}`];
      const labels = { client, ...subjectLabels(table, subject) };
      yield* seriesHistory(options, { name, labels, convert }, { client, table, subject, columns, ...span });
    }
  }
}

/**
 * Yields figures of checks, or samples of textfiles and programs. Of two series with the same name, the newer one is
 * used.
 */
async function* ownHistory(options: HistoryOptions, family: ValueFamily, client: string): AsyncGenerator<string> {
  const { name } = family;
  const spans = await timeSpans(options, client, 'samples');
  const seen = new Set<string>();
  for (const series of await options.storage.exports.series(client)) {
    const labels = isExported(series) ? seriesLabels(family, client, series) : null;
    if (labels === null || seen.has(seriesText(name, labels))) continue;
    seen.add(seriesText(name, labels));
    const subject = { name: String(series.id), fstype: '' };
    for (const span of spans) {
      const columns = [span.resolution === 'row' ? 'value' : 'value_mean'];
      const all = { client, table: 'samples', subject, columns, ...span } as const;
      yield* seriesHistory(options, { name, labels, convert: (value) => value }, all);
    }
  }
}

async function* seriesHistory(
  { storage, signal }: HistoryOptions,
  { name, labels, convert }: Pick<FigureFamily, 'name' | 'convert'> & { readonly labels: Labels },
  span: FigureSpan,
): AsyncGenerator<string> {
  const { resolution, columns } = span;
  const [column = ''] = columns;
  const series = seriesText(name, { ...labels, ...(resolution === 'row' ? {} : { resolution }) });
  let lastMs = -Infinity;
  for await (const rows of pagesOf(storage.exports, span, signal)) {
    let text = '';
    for (const row of rows) {
      const stored = row[column];
      const atMs = timeOf(row, resolution);
      // The first of two reports of one millisecond is used.
      if (typeof stored !== 'number' || atMs <= lastMs) continue;
      lastMs = atMs;
      text += `${series} ${convert(stored, atMs)} ${atMs / 1000}\n`;
    }
    if (text !== '') yield text;
  }
}

function subjectLabels(table: FigureFamily['table'], subject: FigureSubject | null): Labels {
  const { name, fstype } = subject ?? { name: '', fstype: '' };
  if (table === 'disk_stats') return { mount: name, fstype };
  if (table === 'network_stats') return { interface: name };
  return table === 'check_stats' ? { check: name } : {};
}
