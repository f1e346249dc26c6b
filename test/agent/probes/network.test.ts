import assert from 'node:assert/strict';
import { test } from 'node:test';

import { network } from '../../../agent/probes/network.ts';
import { contextOf, familyOf, onlyRow, reasonOf, valuesOf } from './fixture-context.ts';

// eth0 now: received 2000000 bytes, 4000 packets, 10 errors, 20 drops; sent 1000000, 3000, 0, 1.
const before = { eth0: [1_000_000, 900_000, 3000, 2900, 0, 0, 10, 1] };

test('rates of physical interfaces since the previous visit', async () => {
  const { functions } = await network.run(contextOf('vm', { counters: before, elapsedMs: 10_000 }));
  assert.deepEqual(onlyRow(functions, 'network'), {
    interface: 'eth0',
    rx_bytes_per_s: 100_000,
    tx_bytes_per_s: 10_000,
    rx_packets_per_s: 100,
    tx_packets_per_s: 10,
    rx_errors_per_s: 1,
    tx_errors_per_s: 0,
    rx_drops_per_s: 1,
    tx_drops_per_s: 0,
    link_up: 1,
    speed_bits_per_s: null,
  });
  assert.equal(reasonOf(functions, 'network', 'speed_bits_per_s'), 'the driver does not tell');
});

for (const { what, counters, reason } of [
  { what: 'no counters', counters: undefined, reason: 'first visit' },
  { what: 'an interface that is new', counters: { eth9: [1] }, reason: 'new since the previous visit' },
  {
    what: 'a counter that went backwards',
    counters: { eth0: [9e9, 0, 0, 0, 0, 0, 0, 0] },
    reason: 'the counters were reset',
  },
  {
    what: 'another counter that went backwards',
    counters: { eth0: [0, 0, 0, 0, 0, 0, 0, 5] },
    reason: 'the counters were reset',
  },
] as const) {
  test(`${what}: unknown, with the reason`, async () => {
    const { functions } = await network.run(contextOf('vm', counters === undefined ? {} : { counters }));
    const row = onlyRow(functions, 'network');
    assert.equal(row['rx_bytes_per_s'], null);
    assert.equal(row['tx_drops_per_s'], null);
    assert.equal(reasonOf(functions, 'network', 'rx_bytes_per_s'), reason);
  });
}

test('in a container the end of a virtual pair counts, for nothing has a device', async () => {
  const row = onlyRow((await network.run(contextOf('container'))).functions, 'network');
  assert.equal(row['interface'], 'eth0');
  assert.equal(row['link_up'], 1);
  assert.equal(row['speed_bits_per_s'], 1e10);
});

test('bonds and their members, no bridges; a cable that is out', async () => {
  const { data } = familyOf((await network.run(contextOf('metal'))).functions, 'network');
  assert.deepEqual(valuesOf(data, 'interface', 'link_up', 'speed_bits_per_s'), [
    ['bond0', 1, 5e10],
    ['eno1', 1, 2.5e10],
    ['eno2', 0, null],
  ]);
});
