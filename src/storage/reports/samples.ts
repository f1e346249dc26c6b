import { createHash } from 'node:crypto';

import type { SeriesUnit } from '../../report/checks/readings.ts';
import { groupBy } from '../../platform/group-by.ts';
import { numberOrNull } from '../store/record-shape.ts';
import type { Session, SqlRow } from '../sql/database.ts';
import { forChunks, insertRows, replaceRows, type Values } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import { planSamples, seriesName, type PlannedSample, type ReadReport, type Series } from './plan-samples.ts';

/** The readings of a client for which no series was free. */
export interface DroppedReadings {
  readonly client: string;
  readonly dropped: number;
}

/**
 * Stores the readings of reports in `samples`, and their series. Queries the series of all clients once, and nothing if
 * no report has readings. Returns the clients that have as many series as a client may have.
 */
export async function storeSamples(
  session: Session,
  reports: readonly ReadReport[],
): Promise<readonly DroppedReadings[]> {
  const byClient = groupBy(
    reports.filter(({ readings }) => readings.length > 0),
    ({ client }) => client,
  );
  if (byClient.size === 0) return [];
  // All writers lock series in the order of their clients.
  const clients = [...byClient.keys()].sort();
  const known = await seriesOf(session, clients);
  const plans = clients.map((client) => ({
    client,
    ...planSamples(known.get(client) ?? [], byClient.get(client) ?? []),
  }));
  await replaceRows(
    session,
    'series',
    ['client', 'series_key'],
    plans.flatMap(({ client, changed }) => changed.map((series) => seriesRow(client, series))),
    ['last_on', 'counter_at', 'counter_value'],
  );
  const isNew = ({ id }: Series): boolean => id === null;
  const grown = plans.flatMap(({ client, changed }) => (changed.some(isNew) ? [client] : []));
  const ids = new Map([...(await seriesOf(session, grown))].map(([client, stored]) => [client, idsOf(stored)]));
  const rows = plans.flatMap(({ client, samples }) => sampleRows(samples, ids.get(client)));
  await insertRows(session, 'samples', rows);
  return plans.filter(({ full }) => full).map(({ client, dropped }) => ({ client, dropped }));
}

const columns = ['id', 'client', 'metric', 'labels', 'unit', 'last_on', 'counter_at', 'counter_value'].join(', ');

async function seriesOf(session: Session, clients: readonly string[]): Promise<ReadonlyMap<string, readonly Series[]>> {
  const rows = await forChunks(clients, (chunk, marks) =>
    session.all(`SELECT ${columns} FROM series WHERE client IN (${marks})`, chunk),
  );
  const byClient = groupBy(rows, (row) => String(row['client']));
  return new Map([...byClient].map(([client, own]) => [client, own.map(storedSeries)]));
}

function storedSeries(row: SqlRow): Series {
  const [atMs, value] = [fromSqlTime(row['counter_at']), numberOrNull(row['counter_value'])];
  return {
    id: Number(row['id']),
    metric: String(row['metric']),
    labels: String(row['labels']),
    // Only values of this type are written to the column.
    unit: row['unit'] as SeriesUnit,
    lastOn: String(row['last_on']),
    counter: atMs === null || value === null ? null : { atMs, value },
  };
}

function seriesRow(client: string, series: Series): Values {
  const { metric, labels, unit, lastOn, counter } = series;
  return {
    client,
    series_key: createHash('sha256').update(seriesName(series)).digest('hex'),
    metric,
    labels,
    unit,
    last_on: lastOn,
    counter_at: sqlTimeOrNull(counter?.atMs ?? null),
    counter_value: counter?.value ?? null,
  };
}

function idsOf(stored: readonly Series[]): ReadonlyMap<string, number | null> {
  return new Map(stored.map((series) => [seriesName(series), series.id]));
}

/** Returns the rows of `samples`. `ids` holds the series ids of a client with new series. */
function sampleRows(samples: readonly PlannedSample[], ids?: ReturnType<typeof idsOf>): readonly Values[] {
  return samples.map(({ report, series, value }) => ({
    stat_id: report.statId,
    series_id: series.id ?? ids?.get(seriesName(series)) ?? null,
    observed_at: report.observedAt,
    value,
  }));
}

/**
 * Stores in `clients` how many readings of their newest reports found no series. Returns the clients that drop readings
 * now and dropped none before.
 */
export async function noteDropped(
  session: Session,
  counts: readonly DroppedReadings[],
): Promise<readonly DroppedReadings[]> {
  const rows = await forChunks(
    counts.map(({ client }) => client),
    (chunk, marks) => session.all(`SELECT name, series_dropped FROM clients WHERE name IN (${marks})`, chunk),
  );
  const before = new Map(rows.map((row) => [String(row['name']), Number(row['series_dropped'] ?? 0)]));
  const changed = counts.filter(({ client, dropped }) => before.get(client) !== dropped);
  for (const { client, dropped } of changed) {
    await session.run('UPDATE clients SET series_dropped = ? WHERE name = ?', [dropped, client]);
  }
  return changed.filter(({ client }) => before.get(client) === 0);
}
