/**
 * A process that writes to an SQLite file. `hold FILE` takes the write lock, reports that, and keeps the lock until its
 * input ends. `store FILE` stores batches until it is killed, and reports the number of stored reports after each.
 */
import { once } from 'node:events';

import { openSqlite } from '../../../src/platform/sqlite.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { sqliteConfig } from './sqlite-config.ts';
import { item } from './samples.ts';

const [, , what, file = ''] = process.argv;

if (what === 'hold') {
  const database = openSqlite(file);
  database.exec('BEGIN IMMEDIATE');
  process.stdout.write('held\n');
  process.stdin.resume();
  await once(process.stdin, 'end');
  database.exec('COMMIT');
  database.close();
} else {
  const storage = await openStorage({ storage: sqliteConfig(file), migrate: true });
  for (let stored = 20; ; stored += 20) {
    await storage.reports.ingest(Array.from({ length: 20 }, (_, index) => item({ client: `web-${index}` })));
    process.stdout.write(`${stored}\n`);
  }
}
