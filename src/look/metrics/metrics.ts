/**
 * The fleet's newest figures for Prometheus and OpenMetrics. Values have no times: a client's figures vanish when it no
 * longer reports, so that Prometheus ends their series.
 */
import { writtenFigures } from '../../report/checks/written-perfdata.ts';
import type { FigureRow, NewestSample, SubjectTable } from '../../storage/store/figure-store.ts';
import { type ExpositionFormat, familyHead, openMetricsEnd, seriesText } from './exposition.ts';
import { families, type Family, figureFamilies, type MetricSample } from './families.ts';
import type { FigureFamily } from './figures.ts';
import {
  type ClientFact,
  type FleetFacts,
  type FleetFactsOptions,
  type FreshReport,
  readFleetFacts,
} from './fleet-facts.ts';
import { checkValues, seriesLabels, seriesValues } from './series-families.ts';

export type { MetricsStorage } from './fleet-facts.ts';

/** The most series of one scrape. Above this number, whole families are dropped. */
const defaultMaxSeries = 200_000;
const chunkChars = 65_536;
type FamilyTable = Exclude<SubjectTable, 'samples'>;
const subjectTables: readonly FamilyTable[] = ['check_stats', 'disk_stats', 'network_stats'];
const subjectLabels = { disk_stats: 'mount', network_stats: 'interface', check_stats: 'check' } as const;
const subjectColumns = { ...subjectLabels, check_stats: 'check_name' } as const;

export interface MetricsOptions extends Omit<FleetFactsOptions, 'columns'> {
  readonly format: ExpositionFormat;
  readonly signal: AbortSignal;
  /** For tests; left out: 200,000. */
  readonly maxSeries?: number;
}

/** Rows of mounts, interfaces or checks, each with its client. */
type SubjectRows = readonly { readonly client: string; readonly observedAtMs: number; readonly row: FigureRow }[];

interface Gathered {
  readonly facts: FleetFacts;
  readonly kept: readonly Family[];
  readonly subjects: ReadonlyMap<SubjectTable, SubjectRows>;
  /** The samples of textfiles and programs. */
  readonly own: readonly MetricSample[];
}

/** Yields the text of the families in pieces. Reads only the requested groups, all before the first piece. */
export async function* writeMetrics(options: MetricsOptions): AsyncGenerator<string> {
  const { format, signal } = options;
  const gathered = await gather(options);
  let chunk = '';
  for (const family of gathered.kept) {
    const samples = samplesOf(family, gathered);
    if (samples.length === 0) continue;
    chunk += familyHead(family, format);
    for (const { labels, value } of samples) {
      chunk += `${seriesText(family.name, labels)} ${value}\n`;
      if (chunk.length < chunkChars) continue;
      signal.throwIfAborted();
      yield chunk;
      chunk = '';
    }
  }
  if (format === 'openmetrics') chunk += openMetricsEnd;
  if (chunk !== '') yield chunk;
}

async function gather(options: MetricsOptions): Promise<Gathered> {
  const { storage, groups, signal, maxSeries = defaultMaxSeries } = options;
  const figures = figureFamilies(groups);
  const columns = figures.filter(({ table }) => table === 'stats').map(({ column }) => column);
  const facts = await readFleetFacts({ ...options, columns });
  signal.throwIfAborted();
  // The family that names the dropped families is always included.
  const wanted = families.filter(({ name, group }) => groups.includes(group) || name === 'metrics_dropped');
  const reports = reportsOf(facts.clients);
  const counts = new Map<SubjectTable | 'values', number>();
  for (const table of subjectTables) {
    if (figures.some((family) => family.table === table)) {
      counts.set(table, await storage.figures.countSubjects(table, [...reports.keys()]));
    }
  }
  if (groups.includes('check')) counts.set('values', await storage.figures.countCheckValues([...reports.keys()]));
  if (groups.includes('series')) counts.set('samples', await storage.figures.countOwnSamples([...reports.keys()]));
  const dropped = droppedFamilies(wanted, facts, counts, maxSeries);
  const kept = wanted.filter(({ name }) => !dropped.includes(name));
  const subjects = new Map<SubjectTable, SubjectRows>();
  for (const table of subjectTables) {
    signal.throwIfAborted();
    const columns = kept.flatMap((family) => columnsOf(family, table));
    if (columns.length > 0) subjects.set(table, await readSubjects(options, table, columns, reports));
  }
  const own = kept.includes(seriesValues) ? await storage.figures.ownSamples([...reports.keys()]) : [];
  return { facts: { ...facts, dropped }, kept, subjects, own: own.flatMap((sample) => ownSample(sample, reports)) };
}

/** Returns the columns that a family needs from a table of subjects. */
function columnsOf(family: Family, table: SubjectTable): readonly string[] {
  if (family.kind === 'figure') return family.table === table ? [family.column] : [];
  return family === checkValues && table === 'check_stats' ? ['perfdata'] : [];
}

/** Returns the fresh reports with their clients, by id. */
function reportsOf(clients: readonly ClientFact[]): ReadonlyMap<number, { client: string; report: FreshReport }> {
  return new Map(
    clients.flatMap(({ client, report }) => (report === null ? [] : [[report.statId, { client, report }] as const])),
  );
}

/** Returns the names of the families to drop, so that the rest has at most `maxSeries` series. */
function droppedFamilies(
  wanted: readonly Family[],
  facts: FleetFacts,
  counts: ReadonlyMap<SubjectTable | 'values', number>,
  maxSeries: number,
): readonly string[] {
  const sizes = wanted.map((family) => {
    if (family.kind === 'fact') return family.samples(facts).length;
    if (family.kind === 'value') return counts.get(family === seriesValues ? 'samples' : 'values') ?? 0;
    return family.table === 'stats' ? clientSamples(family, facts).length : (counts.get(family.table) ?? 0);
  });
  let series = sizes.reduce((sum, size) => sum + size, 0);
  const dropped: string[] = [];
  for (const [index, family] of [...wanted.entries()].reverse()) {
    if (series <= maxSeries) break;
    if (family.kind === 'fact') continue;
    // Each dropped family adds one series to `metrics_dropped`.
    series -= (sizes[index] ?? 0) - 1;
    dropped.push(family.name);
  }
  return dropped;
}

async function readSubjects(
  { storage }: MetricsOptions,
  table: SubjectTable,
  ofTable: readonly string[],
  reports: ReadonlyMap<number, { client: string; report: FreshReport }>,
): Promise<SubjectRows> {
  const columns = [...ofTable, ...(table === 'disk_stats' ? ['fstype'] : [])];
  const rows = await storage.figures.subjects(table, [...reports.keys()], columns);
  return rows.flatMap((row) => {
    const of = reports.get(Number(row['stat_id']));
    return of === undefined ? [] : [{ client: of.client, observedAtMs: of.report.observedAtMs, row }];
  });
}

function samplesOf(family: Family, { facts, subjects, own }: Gathered): readonly MetricSample[] {
  if (family.kind === 'fact') return family.samples(facts);
  if (family === seriesValues) return own;
  if (family.kind === 'value') return (subjects.get('check_stats') ?? []).flatMap(figuresOfCheck);
  if (family.table === 'stats') return clientSamples(family, facts);
  const { table, column, convert } = family;
  const [label, subject] = [subjectLabels[table], subjectColumns[table]];
  return (subjects.get(table) ?? []).flatMap(({ client, observedAtMs, row }) => {
    const stored = row[column];
    if (typeof stored !== 'number') return [];
    const fstype = table === 'disk_stats' ? { fstype: String(row['fstype'] ?? '') } : {};
    const labels = { client, [label]: String(row[subject]), ...fstype };
    return [{ labels, value: convert(stored, observedAtMs) }];
  });
}

/** Returns the known figures of a check. */
function figuresOfCheck({ client, row }: SubjectRows[number]): readonly MetricSample[] {
  const check = String(row['check_name']);
  return writtenFigures(String(row['perfdata'])).flatMap(({ label, value }) =>
    value === null ? [] : [{ labels: { client, check, label }, value }],
  );
}

function ownSample(
  series: NewestSample,
  reports: ReadonlyMap<number, { readonly client: string }>,
): readonly MetricSample[] {
  const of = reports.get(series.statId);
  const labels = of === undefined ? null : seriesLabels(seriesValues, of.client, series);
  return labels === null ? [] : [{ labels, value: series.value }];
}

function clientSamples({ column, convert }: FigureFamily, { clients }: FleetFacts): readonly MetricSample[] {
  return clients.flatMap(({ client, report }) => {
    const stored = report?.row[column];
    if (report === null || typeof stored !== 'number') return [];
    return [{ labels: { client }, value: convert(stored, report.observedAtMs) }];
  });
}
