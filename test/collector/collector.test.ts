import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { makeClient, makeFleet } from '../support/fleet.ts';

const fleet = makeFleet();
after(() => fleet.remove());

test('a pass over three clients stores their reports, visits and the run', async () => {
  const clients = ['web-1', 'web-2', 'ümläut & co'].map((name) => makeClient(name));
  const result = await fleet.collect(clients);
  assert.deepEqual(result.failures, []);
  assert.deepEqual(result.faults, []);
  assert.equal(result.exitStatus, 0);
  assert.deepEqual(
    [result.clients, result.succeeded, result.failed, result.skipped, result.reports.waiting],
    [3, 3, 0, 0, 0],
  );
  const rows = await fleet.query('SELECT client, boot_id, clock_offset_ms FROM stats ORDER BY client');
  assert.deepEqual(
    rows.map((row) => row['client']),
    clients.map(({ name }) => name).toSorted(),
  );
  console.log(
    result,
    rows,
    await fleet.query('SELECT * FROM visits'),
    await fleet.query('SELECT * FROM runs'),
    await fleet.query('SELECT * FROM clients'),
  );
  assert.deepEqual(fleet.sealedFiles(), []);
});
