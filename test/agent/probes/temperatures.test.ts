import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temperatures } from '../../../agent/probes/temperatures.ts';
import { contextOf, familyOf, reasonOf } from './fixture-context.ts';

test('sensors by chip and label, by device where two have the same name; unconnected ones are unknown', async () => {
  const { functions } = await temperatures.run(contextOf('metal'));
  const { data, unknown } = familyOf(functions, 'temperature');
  assert.deepEqual(data, [
    { sensor: 'coretemp/Core 0', celsius: 51.5 },
    { sensor: 'coretemp/Package id 0', celsius: 54 },
    { sensor: 'nct6775/temp1', celsius: null },
    { sensor: 'nvme/nvme0/Composite', celsius: 38.9 },
    { sensor: 'nvme/nvme1/Composite', celsius: 71.9 },
  ]);
  assert.deepEqual(unknown, [{ row: 2, field: 'celsius', reason: 'not connected: -128000' }]);
});

test('no sensors at all', async () => {
  const { functions } = await temperatures.run(contextOf('vm'));
  assert.deepEqual(familyOf(functions, 'temperature').data, []);
  assert.equal(reasonOf(functions, 'temperature', 'celsius'), 'no sensors');
});

test('sensors that are not reached in time are unknown', async () => {
  const { functions } = await temperatures.run(contextOf('metal', { leftMs: () => 0 }));
  assert.equal(reasonOf(functions, 'temperature', 'celsius'), 'no time left');
});
