// Second tier: starts the program for each dear number.
/** Peers with the most expensive key exchange, beside as many good clients, in one run of the built program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { groupExchange } from '../../src/config/values/key-exchanges.ts';
import { collectAmong, startPeers } from '../support/fleets/collect-among.ts';
import { dearExchanges } from '../support/ssh/dear-exchanges.ts';
import { times } from '../support/times.ts';

const count = 100;

test(`${count} peers with dear key exchanges beside ${count} good clients: every good one is visited`, async (t) => {
  const started = await startPeers(t, 'dear-peers.ts', Object.keys(dearExchanges));
  // Starts from the end of the list: the most expensive exchanges are the last.
  const peers = times(count, (number) => started.at(-1 - (number % started.length)) ?? assert.fail());
  // On a busy machine a hundred expensive exchanges take more than the six seconds of other tests.
  const patient = { good: count, ssh: `kex="+${groupExchange}"`, connectTimeout: '30s' };
  const usual = await collectAmong(t, { peers: [], ...patient });
  const result = await collectAmong(t, { peers, ...patient });
  const slowest = Math.max(...result.good.map(({ duration_ms: ms }) => ms));
  t.diagnostic(`${result.tookMs} ms, ${usual.tookMs} ms without them; the slowest good visit ${slowest} ms`);
  for (const { good } of [usual, result]) {
    assert.equal(good.length, count);
    const failed = good.filter(({ ok }) => !ok);
    assert.deepEqual(failed, []);
  }
  assert.equal(result.hostile.length, count);
  for (const { code, client } of result.hostile) assert.equal(code, 'handshake-failed', client);
});
