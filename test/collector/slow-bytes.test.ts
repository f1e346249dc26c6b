import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Secret } from '../../src/config/secret.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { createTransportShared } from '../../src/transport/transport-shared.ts';
import { startDrippingProxy } from '../support/dripping-proxy.ts';
import { makeClient, makeConfig, makeFleet, sshSettings } from '../support/fleet.ts';
import { startReportServer } from '../support/report-server.ts';

const account = { username: 'u', password: 'a secret word' };

/** The bytes that come at once before the rest drips, from the version line to the report. */
const stages = [0, 10, 40, 500, 1200, 1400, 1500, 1650, 1800, 2200];

test('a client that sends single bytes, at whatever stage, ends by its deadline and holds up nobody', async (t) => {
  const fleet = makeFleet();
  const server = await startReportServer(account);
  t.after(() => server.close());
  const knownHosts = path.join(fleet.dir, 'known_hosts');
  const password = new Secret({ kind: 'literal', value: account.password });
  const ssh = { ...sshSettings, username: account.username, password, knownHosts };
  const clients = [makeClient('good', { address: '127.4.0.1', port: server.port, ssh })];
  const lines = [server.hostKeyLine('127.4.0.1')];
  for (const freeBytes of stages) {
    const proxy = await startDrippingProxy(server.port, freeBytes, 200);
    t.after(() => proxy.close());
    const address = `127.4.1.${clients.length}`;
    clients.push(makeClient(`after-${freeBytes}`, { address, port: proxy.port, ssh }));
    lines.push(server.hostKeyLine(address).replace(`:${server.port} `, `:${proxy.port} `));
  }
  writeFileSync(knownHosts, `${lines.join('\n')}\n`);
  const shared = createTransportShared({ config: makeConfig('/nowhere', []) });
  const began = performance.now();
  const result = await fleet.collect(clients, {
    concurrency: clients.length,
    collector: { connectTimeoutMs: 4000, agentTimeoutMs: 4000, clientDeadlineMs: 10_000 },
    transportFor: (client) => transportFor(client, shared),
  });
  const tookMs = performance.now() - began;
  const codes = result.failures.map(({ client, code, durationMs }) => `${client} ${code ?? ''} ${durationMs}`);
  t.diagnostic(codes.join(', '));
  assert.equal(result.succeeded, 1, codes.join());
  assert.equal(result.failed, stages.length);
  for (const { code, client } of result.failures) {
    assert.match(code ?? '', /^(handshake-timeout|auth-timeout|channel-timeout|agent-timeout|visit-deadline)$/, client);
  }
  const kinds = new Set(result.failures.map(({ code }) => code));
  assert.ok(kinds.size >= 3, `only ${[...kinds].join()}: the stages are not reached`);
  assert.ok(tookMs < 12_000, `it took ${tookMs} ms`);
});
