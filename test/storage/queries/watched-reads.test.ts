/** Long reads for a report: they tell how far they are, and end between two batches at a signal. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { fleetFigures } from '../../../src/storage/queries/grid-figures.ts';
import { seriesFigures } from '../../../src/storage/queries/check-series.ts';
import { visitCounts } from '../../../src/storage/queries/visit-counts.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import type { FiguresQuery, Watch } from '../../../src/storage/store/look-store.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';
import { item, noonMs, visit } from '../support/samples.ts';
import { sqliteConfig } from '../support/sqlite-config.ts';

const hourMs = 3_600_000;
const everybody = times(40, (index) => `web-${index}`);
const few = everybody.slice(0, 4);
const grid = { sinceMs: noonMs, stepMs: hourMs, points: 6, sampleMs: null, untilMs: noonMs + 6 * hourMs };
const query = (clients: readonly string[]): FiguresQuery => ({
  clients,
  table: 'stats',
  columns: ['cpu_percent'],
  ranges: [],
  grid,
});

/** Reads in batches. `batches` is how many there are, `reads` how many reads stand before the first one. */
const longReads = [
  {
    name: 'figures of few clients',
    batches: 1 + few.length,
    reads: 1,
    read: (database: Database, watch: Watch) => fleetFigures(database, query(few), watch),
  },
  {
    name: 'figures of all clients',
    batches: 4 + grid.points,
    reads: 1,
    read: (database: Database, watch: Watch) => fleetFigures(database, query(everybody), watch),
  },
  {
    name: 'series of checks',
    batches: few.length,
    reads: 0,
    read: (database: Database, watch: Watch) =>
      seriesFigures(database, new Map(few.map((client) => [client, [1]])), grid, watch),
  },
  {
    name: 'visits of few clients',
    batches: few.length,
    reads: 1,
    read: (database: Database, watch: Watch) => visitCounts(database, query(few), watch),
  },
  {
    name: 'visits of all clients',
    batches: grid.points,
    reads: 1,
    read: (database: Database, watch: Watch) => visitCounts(database, query(everybody), watch),
  },
];

/** Opens a database with a report and a visit of each client. `reads` counts the reads since then. */
async function openFleet(t: TestContext): Promise<{ readonly database: Database; readonly reads: () => number }> {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  await makeMigrated(storage);
  const database = await openDatabase({ storage, program: 'change' });
  t.after(() => database.close());
  const { reports } = storageOn(database);
  await reports.ingest(everybody.map((client) => item({ client, observedAtMs: noonMs })));
  await reports.saveVisits(everybody.map((client) => visit({ client, startedAtMs: noonMs })));
  let reads = 0;
  const counting: Database = {
    read: (work) => {
      reads += 1;
      return database.read(work);
    },
    write: (work) => database.write(work),
    readOnly: (sql) => database.readOnly(sql),
    space: () => database.space(),
    migrate: (work) => database.migrate(work),
    close: () => database.close(),
  };
  return { database: counting, reads: () => reads };
}

for (const { name, batches, reads: before, read } of longReads) {
  test(`${name}: progress is counted batch by batch to its end`, async (t) => {
    const { database } = await openFleet(t);
    const shares: number[] = [];
    await read(database, { signal: new AbortController().signal, onProgress: (share) => void shares.push(share) });
    assert.deepEqual(
      shares,
      times(batches, (batch) => (batch + 1) / batches),
    );
  });

  test(`${name}: a signal between two batches ends the read before the next one`, async (t) => {
    const { database, reads } = await openFleet(t);
    const ending = new AbortController();
    const ended = new Error('ended');
    let done = 0;
    const onProgress = (): void => {
      done += 1;
      if (done === 2) ending.abort(ended);
    };
    await assert.rejects(read(database, { signal: ending.signal, onProgress }), ended);
    assert.equal(reads(), before + 2);
  });
}
