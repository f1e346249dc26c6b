import assert from 'node:assert/strict';

import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, worker } from '../support/samples.ts';

const dayMs = 86_400_000;

onEachDatabase('the migration of levels', ({ it, kind }) => {
  it('takes the last report of each day that is there', async ({ reports, storage, database, rows }) => {
    const todayMs = Math.floor((await storage.nowMs()) / dayMs) * dayMs;
    const at = (atMs: number, used: number, more = {}) =>
      item({
        observedAtMs: atMs,
        workers: [
          worker('disk', {
            ...{ mount: '/', fstype: 'ext4', scope: 'local', mode: 'rw', size_bytes: 9, used_bytes: used },
            ...more,
          }),
        ],
      });
    await reports.ingest([
      at(todayMs, 1),
      at(todayMs - 1, 2),
      at(todayMs - 60_000, 3),
      at(todayMs - 40 * dayMs, 4),
      at(todayMs - 41 * dayMs, 5),
      at(todayMs - 3 * dayMs, 6, { scope: 'network' }),
    ]);
    const file = readMigrations(kind).find(({ name }) => name.endsWith('-levels'));
    const steps = file?.steps.filter((step) => step.startsWith('INSERT')) ?? [];
    assert.equal(steps.length, 1);
    await database.write(async (session) => {
      await session.run('DELETE FROM disk_levels');
      // Each step runs twice, as after a crash.
      for (const step of [...steps, ...steps]) await session.run(step);
    });
    assert.deepEqual(await rows('SELECT mount, used_bytes FROM disk_levels ORDER BY day'), [
      ['/', 4],
      ['/', 2],
      ['/', 1],
    ]);
  });
});
