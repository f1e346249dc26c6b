import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Database } from '../../src/storage/sql/database.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { fillLevels } from './support/fill-levels.ts';
import { bound, stationFor, type Station } from './support/station.ts';

const alerts = '<alerts><mail to="ops@example.org"/></alerts>';
const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const elements = `<collector every="15m"/>${alerts}${two}`;
/** Returns a course that grows one percent a day and reaches 100 percent in `daysLeft` days. */
const growing =
  (daysLeft: number) =>
  (day: number): number =>
    100 - daysLeft + day;

async function foreseen({ storage }: Pick<Station, 'storage'>): Promise<readonly string[]> {
  const rows = await storage.levels.forecasts(null);
  return rows.map(({ client, mount, kind, daysLeft }) => `${client} ${mount} ${kind} ${Math.round(daysLeft)}`);
}

onEachDatabase('forecasts that a pass stores', (kit) => {
  const station = async (t: Parameters<typeof stationFor>[0], own = elements): Promise<Station> => {
    const made = await stationFor(t, { storage: await kit.migrated(), elements: own });
    made.at('+1 08:00');
    return made;
  };

  test('have all columns, are of space and inodes, and are the nearest first', async (t) => {
    const made = await station(t);
    await fillLevels(made, [
      { used: growing(20) },
      { client: 'web-2', mount: '/srv', used: () => 40, inodes: growing(10) },
      { client: 'web-2', mount: '/', used: () => 80 },
      { client: 'gone-1', mount: '/', used: growing(5) },
    ]);
    await made.pass();
    assert.deepEqual(await made.storage.levels.forecasts(['web-1', 'nobody']), [
      {
        ...{ client: 'web-1', mount: '/data', kind: 'space', daysLeft: 20, daysLow: 20, daysHigh: 20 },
        ...{ shortDays: 20, growthPerDay: 1e10, asOfMs: made.nowMs() },
        sinceMs: Date.parse(new Date(made.nowMs()).toISOString().slice(0, 10)) - 34 * 86_400_000,
      },
    ]);
    assert.deepEqual(await foreseen(made), ['web-2 /srv inodes 10', 'web-1 /data space 20']);
  });

  test('are made anew after an hour and on a new day, and go when nothing is foreseen any more', async (t) => {
    const made = await station(t);
    await fillLevels(made, [{ used: growing(20) }]);
    await made.pass();
    await fillLevels(made, [{ used: growing(10) }, { client: 'web-2', used: growing(7) }]);
    made.at('+1 08:59');
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-1 /data space 20']);
    made.at('+1 09:00');
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-2 /data space 7', 'web-1 /data space 10']);
    await fillLevels(made, [{ used: () => 40 }]);
    made.at('+1 23:30');
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-2 /data space 7']);
    // The pass of the next day still uses yesterday's levels; on the day after it no level is recent enough.
    made.at('+2 00:01');
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-2 /data space 7']);
    made.at('+3 00:01');
    await made.pass();
    assert.deepEqual(await foreseen(made), []);
  });

  test('are made anew under a clock that was wrong', async (t) => {
    const made = await station(t);
    made.at('+9 08:00');
    await made.pass();
    made.at('+1 08:00');
    await fillLevels(made, [{ used: growing(20) }]);
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-1 /data space 20']);
  });

  test('go with a client that is retired or forgotten, and follow one that is renamed', async (t) => {
    const made = await station(t);
    const clients = ['web-1', 'web-2'].map((client) => ({ client, used: growing(20) }));
    await made.collect();
    await fillLevels(made, clients);
    await made.pass();
    await made.storage.retention.renameClient('web-2', 'web-3');
    assert.deepEqual(await foreseen(made), ['web-1 /data space 20', 'web-3 /data space 20']);
    // Both names have forecasts before the client is renamed.
    await made.storage.retention.renameClient('web-3', 'web-1');
    assert.deepEqual(await foreseen(made), ['web-1 /data space 20']);
    await made.storage.retention.forgetClient('web-1', new AbortController().signal);
    assert.deepEqual(await foreseen(made), []);
    await fillLevels(made, clients);
    made.configure(elements.replace('username="u"', 'username="u" state="retired"'));
    made.at('+1 10:00');
    await made.pass();
    assert.deepEqual(await foreseen(made), []);
  });

  test('are not stored in a dry run, or by a pass that is ended or loses its lease, and by the next one', async (t) => {
    const made = await station(t);
    await fillLevels(made, [{ used: growing(20) }]);
    const before = await made.dump();
    await made.pass({ dryRun: true });
    assert.equal(await made.dump(), before);
    const ending = new AbortController();
    const atLevels = (then: () => Promise<void>): ((database: Database) => Database) => {
      let reads = 0;
      return (database) => ({
        ...bound(database),
        read: (work) =>
          database.read(async (session) =>
            work({
              ...session,
              all: async (sql, values) => {
                if (sql.includes('FROM disk_levels') && (reads += 1) === 10) await then();
                return session.all(sql, values);
              },
            }),
          ),
      });
    };
    const end = (): Promise<void> => {
      ending.abort();
      return Promise.resolve();
    };
    const ended = await made.pass({ signal: ending.signal, wrap: atLevels(end) });
    assert.equal(ended.result.outcome, 'interrupted');
    assert.deepEqual(await foreseen(made), []);
    const taken = atLevels(async () => {
      made.at(made.nowMs() + 61_000);
      assert.notEqual(await made.storage.leases.takeLease('alerter', 'another'), null);
    });
    assert.equal((await made.pass({ wrap: taken })).result.outcome, 'overlapped');
    assert.deepEqual(await foreseen(made), []);
    made.at(made.nowMs() + 61_000);
    await made.pass();
    assert.deepEqual(await foreseen(made), ['web-1 /data space 20']);
  });
});
