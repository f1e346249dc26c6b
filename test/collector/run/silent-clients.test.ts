import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { keepPushedVisit } from '../../../src/collector/inbox/run-documents.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { visit } from '../../storage/support/samples.ts';
import { makeClient, makeFleet, storageAway, type Fleet } from '../../support/fleets/fleet.ts';

const everyMs = 5 * minuteMs;
const t0 = Math.floor(Date.now() / 1000) * 1000;
const laptop = makeClient('laptop', { arrival: { kind: 'comes', everyMs } });

/** Records a push of the laptop at a minute. */
const pushed = (fleet: Fleet, minute: number, more: Parameters<typeof visit>[0] = {}): Promise<void> =>
  keepPushedVisit(
    documentsOf(statePaths(fleet.stateDir), { kind: 'collector' }),
    visit({
      ...{ runId: `push-${minute}`, client: 'laptop', startedAtMs: t0 + minute * minuteMs, ok: true, reader: 'push' },
      ...more,
    }),
  );

/** Makes a run at a minute. Returns the codes of its failures. */
async function run(fleet: Fleet, minute: number, client: Client = laptop): Promise<readonly (string | null)[]> {
  const { failures } = await fleet.collect([client], { now: () => t0 + minute * minuteMs });
  return failures.map(({ code }) => code);
}

test('a client that pushed is silent after three times its interval, until it pushes again', async () => {
  const fleet = makeFleet();
  await pushed(fleet, 0);
  const seen: (readonly (string | null)[])[] = [];
  for (const minute of [1, 6, 11, 16, 21]) seen.push(await run(fleet, minute));
  assert.deepEqual(seen, [[], [], [], ['push-silent'], ['push-silent']]);
  assert.deepEqual(await fleet.column('SELECT consecutive_failures FROM clients'), [2]);
  assert.match(
    String(await fleet.column('SELECT message FROM visits WHERE ok = 0')),
    /laptop has not pushed since .*5m/,
  );
  await pushed(fleet, 22);
  assert.deepEqual(await run(fleet, 26), []);
  assert.deepEqual(await fleet.column('SELECT consecutive_failures FROM clients'), [0]);
});

test('a client whose last push failed has not answered, and its next good push has', async () => {
  const fleet = makeFleet();
  const failed = { ok: false, stage: 'agent', code: 'agent-output', message: 'cut off' } as const;
  await pushed(fleet, 0, failed);
  const at = (minute: number) => ({ now: () => t0 + minute * minuteMs });
  const first = await fleet.collect([laptop], at(1));
  assert.deepEqual([first.succeeded, first.failed, first.exitStatus], [0, 1, 1]);
  assert.match(first.failures[0]?.message ?? '', /^the last push of laptop, of .*, failed$/);
  await pushed(fleet, 2);
  const second = await fleet.collect([laptop], at(6));
  assert.deepEqual([second.succeeded, second.failed, second.exitStatus], [1, 0, 0]);
  // Only the push has a row: the run adds none.
  assert.deepEqual(await fleet.column('SELECT ok FROM visits ORDER BY started_at'), [0, 1]);
});

test('a client that never pushed is silent, and one that is retired or has a longer interval is not', async () => {
  const fleet = makeFleet();
  assert.deepEqual(await run(fleet, 0), ['push-silent']);
  assert.deepEqual(await run(fleet, 5, { ...laptop, state: 'retired' }), []);
  await pushed(fleet, 6);
  for (const minute of [10, 15, 20]) assert.deepEqual(await run(fleet, minute), []);
  assert.deepEqual(await run(fleet, 25, { ...laptop, arrival: { kind: 'comes', everyMs: 60 * minuteMs } }), []);
});

test('a collector that was off itself tells of no silence', async () => {
  const fleet = makeFleet();
  await pushed(fleet, 0);
  assert.deepEqual(await run(fleet, 1), []);
  assert.deepEqual([await run(fleet, 600), await run(fleet, 605)], [[], []]);
  for (const minute of [610, 615]) await run(fleet, minute);
  assert.deepEqual(await run(fleet, 620), ['push-silent']);
});

test('while the database is away nobody is called silent, and no client that pushes is visited', async () => {
  const fleet = makeFleet();
  const { failures } = await fleet.collect([laptop], { openStorage: () => storageAway() });
  assert.deepEqual(failures, []);
  assert.deepEqual(
    fleet.events.filter(({ kind }) => kind === 'visiting' || kind === 'visited'),
    [],
  );
});
