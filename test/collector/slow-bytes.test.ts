import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Listener } from '../support/servers/free-port.ts';
import { startTcpProxy } from '../support/servers/tcp-proxy.ts';
import { startReportServer } from '../support/fleets/report-server.ts';
import { account, makeSshFleet } from '../support/fleets/ssh-fleet.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

/** The number of bytes that are sent at once before the rest drips, from the version line to the report. */
const stages = [0, 10, 40, 500, 1200, 1400, 1500, 1650, 1800, 2200];

test('a client that sends single bytes, at whatever stage, ends by its deadline and holds up nobody', async () => {
  const { add, collect } = makeSshFleet();
  const server = await stoppedAfter(startReportServer(account));
  add('good', '127.4.0.1', server);
  for (const [index, freeBytes] of stages.entries()) {
    const { port } = await stoppedAfter(startDrippingProxy(server.port, freeBytes, 200));
    add(`after-${freeBytes}`, `127.4.1.${index + 1}`, { ...server, port }, {}, server);
  }
  const collector = { connectTimeoutMs: 4000, agentTimeoutMs: 4000, clientDeadlineMs: 10_000 };
  const result = await collect({ collector });
  const codes = result.failures.map(({ client, code, message }) => `${client} ${code ?? ''} ${message ?? ''}`);
  assert.equal(result.succeeded, 1, codes.join());
  assert.equal(result.failed, stages.length);
  for (const { code, client, message } of result.failures) {
    assert.match(message ?? '', /\b(?:4000 ms|4 s|10 s)$/, 'the limit that ended the visit');
    assert.match(code ?? '', /^(handshake-timeout|auth-timeout|channel-timeout|agent-timeout|visit-deadline)$/, client);
  }
  const kinds = new Set(result.failures.map(({ code }) => code));
  assert.ok(kinds.size >= 3, `only ${[...kinds].join()}: the stages are not reached`);
});

/**
 * Starts a proxy that passes the first bytes of a server on at once, and then one byte at intervals. A client behind it
 * is never silent and never finished.
 */
function startDrippingProxy(to: number, freeBytes: number, everyMs: number): Promise<Listener> {
  return startTcpProxy(to, (near, far) => {
    let left = freeBytes;
    let held = Buffer.alloc(0);
    far.on('data', (data: Buffer) => {
      near.write(data.subarray(0, left));
      held = Buffer.concat([held, data.subarray(left)]);
      left = Math.max(0, left - data.length);
    });
    const timer = setInterval(() => {
      near.write(held.subarray(0, 1));
      held = held.subarray(1);
    }, everyMs);
    near.pipe(far).once('close', () => clearInterval(timer));
  });
}
