// Second tier: fills a database with 400 reports of nearly 1 MiB
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Report } from '../../src/report/report.ts';
import { reportWith, worker } from '../report/support/sample-report.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import type { AlertOrder } from '../support/programs/alert-process.ts';
import { storageArgument } from '../support/databases/storage-argument.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { at } from './support/rows.ts';
import { stationFor, type Station } from './support/station.ts';
import { everyMs } from './support/time-line.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../support/programs/alert-process.ts', import.meta.url));

/** Returns a report of nearly 1 MiB in which a unit is not active. */
function largeReport(): Report {
  const unit = worker('services', [{ name: 'unit', data: [{ unit: 'nginx.service', active: 0, state: 'inactive' }] }]);
  const data = Array.from({ length: 1000 }, (_, index) => ({ a: index, b: 'x'.repeat(240), c: 1, d: null, e: 2 }));
  const filler = Array.from({ length: 3 }, (_, index) => worker(`filler-${index}`, [{ name: 'filler', data }]));
  return reportWith(unit, ...filler);
}

/** Adds mounts with long names to each report, up to 200, the most that a client may send. */
async function fillWithMounts({ database }: Station): Promise<void> {
  const [long, names] = ['x'.repeat(255), Array.from({ length: 199 }, (_, index) => index + 1)];
  await database.write(async (session) => {
    for (const ordinal of names) {
      await session.run(
        `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, fstype, source, scope, mode, used_percent)
         SELECT id, ?, client, observed_at, ?, ?, ?, ?, ?, 5 FROM stats`,
        [ordinal, `/${ordinal}`.padEnd(255, 'x'), long, long, long, long],
      );
    }
  });
}

onEachDatabase('a backlog of large reports', ({ migrated }) => {
  // The texts of the reports alone are larger than the heap.
  const [visits, heapMb] = [80, 256];
  test(`${visits * 5} reports of nearly 1 MiB with 200 mounts each are evaluated with a heap of ${heapMb} MB`, async (t) => {
    const elements = `<alerts><mail to="ops@example.org"/><alert type="service" unit="nginx.service" state="active"/>
      </alerts><client name="app-[1-5]" ip="192.0.2.[1-5]" username="u"/>`;
    const storage = await migrated();
    const station = await stationFor(t, { storage, elements });
    for (let visit = 0; visit < visits; visit++) {
      station.at(at('08:00') + visit * everyMs);
      await station.collect();
    }
    const text = JSON.stringify(largeReport());
    assert.ok(text.length > 700_000 && text.length < 2 ** 20, `${text.length} characters`);
    await station.database.write((session) => session.run('UPDATE reports SET report = ?', [text]));
    await fillWithMounts(station);
    const configFile = station.configFile('mon-1');
    const order: AlertOrder = { configFile, ...storageArgument(storage), host: 'mon-1', cut: null };
    const args = [`--max-old-space-size=${heapMb}`, ...programArgs(program), JSON.stringify(order)];
    await run(process.execPath, args, { timeout: 150_000 });
    const one = async (sql: string): Promise<unknown> =>
      (await station.database.read((session) => session.all(sql)))[0]?.['n'];
    assert.equal(await one('SELECT COUNT(*) AS n FROM stats WHERE processed_at IS NULL'), 0);
    const firing = "SELECT COUNT(*) AS n FROM alerts WHERE subject = 'nginx.service' AND state = 'firing'";
    assert.equal(await one(firing), 5);
  });
});
