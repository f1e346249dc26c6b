// Second tier: whole runs of the collector, and a process that is killed.
/** Looks at lost clients within whole runs of the collector. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { makeFleet, storageAway, type Fleet, type FleetOptions } from '../../support/fleets/fleet.ts';
import { programArgs } from '../../support/programs/program-args.ts';
import { times } from '../../support/times.ts';
import { clientsBeside, type LookFleet, lookFleet } from './support/look-fleet.ts';
import { neighbour } from './support/lost.ts';

/** Returns the stored looks, oldest first. */
async function looks(fleet: Fleet): Promise<readonly unknown[]> {
  const rows = await fleet.column('SELECT beside FROM visits WHERE beside IS NOT NULL ORDER BY started_at, client');
  return rows.map((text): unknown => JSON.parse(String(text)));
}

async function run(fleet: Fleet, { clients, transportFor }: LookFleet, more: FleetOptions = {}) {
  return await fleet.collect(clients, { transportFor, ...more });
}

test('two clients are asked once, at the failure that begins the alert, and the row has their answers', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(4), ({ client }) =>
    client === 'db-2' ? '@0 reached' : '@0 timed out',
  );
  await run(fleet, beside);
  assert.deepEqual(beside.asked, []);
  await run(fleet, beside);
  await run(fleet, beside);
  assert.deepEqual(beside.asked, [
    { client: 'db-2', places: ['192.0.2.1 22'] },
    { client: 'db-3', places: ['192.0.2.1 22'] },
  ]);
  const seen = [
    ['db-2', 'reached'],
    ['db-3', 'no answer'],
  ];
  assert.deepEqual(await looks(fleet), [{ from: 'here', port: 22, seen, near: 2 }]);
  // A look is no visit: nothing is counted, and nothing failed.
  assert.equal(await fleet.count('visits'), 12);
  assert.deepEqual(await fleet.column('SELECT consecutive_failures FROM clients ORDER BY name'), [3, 0, 0, 0]);
});

test('a client that answers the collector again is no evidence, nor one that refuses its login', async () => {
  for (const fault of [null, 'auth-failed', 'connect-timeout'] as const) {
    const fleet = makeFleet();
    const beside = lookFleet(fleet, clientsBeside(3), () => '@0 reached');
    let dials = 0;
    const transportFor: LookFleet['transportFor'] = (client) => ({
      connect: async (options) => {
        if (client.name !== 'db-1' || ++dials < 3) return await beside.transportFor(client).connect(options);
        if (fault === null) return await fleet.transportFor(client).connect(options);
        const stage = fault === 'auth-failed' ? 'login' : 'connect';
        throw new FleetError({ code: fault, stage, message: 'no' });
      },
    });
    for (let at = 0; at < 2; at++) await run(fleet, { ...beside, transportFor });
    assert.equal(dials, 3);
    const seen = ['db-2', 'db-3'].map((name) => [name, 'reached']);
    const look = { from: 'here', port: 22, seen, near: 2 };
    const expected = fault === 'connect-timeout' ? look : { unasked: 'back' };
    assert.deepEqual(await looks(fleet), [expected]);
    // The visit failed, whatever came after it.
    assert.deepEqual(await fleet.column("SELECT consecutive_failures FROM clients WHERE name = 'db-1'"), [2]);
  }
});

test('a run of some clients in between does not count, as it does not for the alert', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(3), () => '@0 refused');
  await run(fleet, beside);
  for (let at = 0; at < 2; at++) await run(fleet, beside, { only: new Set(['db-1']) });
  assert.deepEqual(beside.asked, []);
  await run(fleet, beside);
  assert.deepEqual(
    beside.asked.map(({ client }) => client),
    ['db-2', 'db-3'],
  );
});

test('nobody is asked in a dry run, a run of some clients, or while the feature is off', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(3), () => '@0 reached');
  await run(fleet, beside);
  await run(fleet, beside, { dryRun: true });
  const off = { ...beside, clients: clientsBeside(3, { neighbours: false }) };
  await run(fleet, off);
  const other = makeFleet();
  const some = lookFleet(other, clientsBeside(3), () => '@0 reached');
  for (const only of [new Set(['db-1', 'db-2']), new Set(['db-1', 'db-2'])]) await run(other, some, { only });
  await run(other, some, { openStorage: () => storageAway() });
  assert.deepEqual([beside.asked, some.asked], [[], []]);
  assert.deepEqual([await looks(fleet), await looks(other)], [[], []]);
});

test('the reason is stored if nobody can be asked', async () => {
  for (const [count, lost, expected] of [
    [1, ['db-1'], ['nobody']],
    [3, ['db-1', 'db-2', 'db-3'], ['isolated', 'isolated', 'isolated']],
  ] as const) {
    const fleet = makeFleet();
    const beside = lookFleet(fleet, clientsBeside(count), () => '@0 reached', lost);
    for (let at = 0; at < 2; at++) await run(fleet, beside);
    assert.deepEqual(
      await looks(fleet),
      expected.map((unasked) => ({ unasked })),
    );
    assert.deepEqual(beside.asked, []);
  }
});

test('clients that cannot look are named as such, and not as late', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(3), () => 'sh: not found');
  for (let at = 0; at < 2; at++) await run(fleet, beside);
  const seen = ['db-2', 'db-3'].map((name) => [name, 'unable']);
  assert.deepEqual(await looks(fleet), [{ from: 'here', port: 22, seen, near: 2 }]);
});

test('of many lost clients 20 are asked about, and no client about more than 8', async () => {
  const fleet = makeFleet();
  const lost = times(22, (at) => neighbour(`gone-${10 + at}`, { address: `192.0.2.${100 + at}` }));
  const clients = [...clientsBeside(30), ...lost];
  const names = lost.map(({ name }) => name);
  const beside = lookFleet(fleet, clients, ({ places }) => places.map((_, at) => `@${at} reached\n`).join(''), names);
  for (let at = 0; at < 2; at++) await run(fleet, beside);
  const sizes = beside.asked.map(({ client, places }) => `${client}: ${places.length}`).sort();
  assert.deepEqual(sizes, ['db-1: 8', 'db-10: 8', 'db-11: 8', 'db-12: 8', 'db-13: 4', 'db-14: 4'].sort());
  const stored = await looks(fleet);
  assert.equal(stored.length, 22);
  assert.equal(stored.filter((one) => JSON.stringify(one) === '{"unasked":"many"}').length, 2);
});

test('a client that hangs is left at the deadline of the run, which keeps all rows', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(3), () => new Promise<string>(() => undefined));
  await run(fleet, beside);
  const { exitStatus } = await run(fleet, beside, { collector: { runDeadlineMs: 2500, clientDeadlineMs: 2000 } });
  assert.equal(exitStatus, 1);
  assert.equal(beside.asked.length, 2);
  assert.deepEqual(await looks(fleet), [{ unasked: 'time' }]);
  assert.deepEqual([await fleet.count('visits'), await fleet.count('stats')], [6, 4]);
});

test('a run that is killed in the middle of a look loses no report, and the next one looks', async () => {
  const fleet = makeFleet();
  const beside = lookFleet(fleet, clientsBeside(3), () => '@0 refused');
  await run(fleet, beside);
  const script = path.join(import.meta.dirname, 'support/look-killed.ts');
  const child = spawn(process.execPath, [...programArgs(script), fleet.dir, '3'], { stdio: 'inherit' });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
  await run(fleet, beside);
  assert.deepEqual(await fleet.column('SELECT COUNT(*) FROM stats GROUP BY client'), [3, 3]);
  const seen = ['db-2', 'db-3'].map((name) => [name, 'refused']);
  assert.deepEqual(await looks(fleet), [{ from: 'here', port: 22, seen, near: 2 }]);
});
