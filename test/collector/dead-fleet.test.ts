// Second tier: two hundred clients that die in many ways.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import type { CollectEvent, CollectResult } from '../../src/collector/collect-options.ts';
import type { Client } from '../../src/config/config.ts';
import type { ErrorCode } from '../../src/platform/errors/errors.ts';
import { startDeafListener } from '../support/servers/deaf-listener.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startHostileServer } from '../support/ssh/hostile-server.ts';
import type { HostileMode } from '../support/ssh/hostile-ssh.ts';
import type { TestServer } from '../support/ssh/login.ts';
import { startReportServer } from '../support/fleets/report-server.ts';
import { account, makeSshFleet } from '../support/fleets/ssh-fleet.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

const deaths: readonly {
  readonly how: HostileMode | 'refused' | 'no-route' | 'off' | 'no-name' | 'wrong-key' | 'wrong-user';
  readonly expected: readonly ErrorCode[];
  readonly count: number;
}[] = [
  { how: 'off', expected: ['connect-timeout'], count: 3 },
  { how: 'refused', expected: ['connect-refused'], count: 1 },
  { how: 'no-route', expected: ['connect-failed'], count: 1 },
  { how: 'no-name', expected: ['dns'], count: 1 },
  { how: 'silent', expected: ['handshake-timeout'], count: 2 },
  { how: 'tarpit', expected: ['handshake-timeout'], count: 1 },
  { how: 'banner-only', expected: ['handshake-timeout'], count: 1 },
  { how: 'kexinit-only', expected: ['handshake-timeout'], count: 1 },
  { how: 'login-silent', expected: ['auth-timeout'], count: 1 },
  { how: 'channel-silent', expected: ['channel-timeout'], count: 1 },
  { how: 'exec-silent', expected: ['channel-timeout'], count: 1 },
  { how: 'agent-silent', expected: ['agent-timeout'], count: 1 },
  { how: 'agent-half', expected: ['agent-failed', 'connect-failed', 'no-shell'], count: 1 },
  { how: 'agent-close', expected: ['agent-failed', 'connect-failed', 'no-shell'], count: 1 },
  { how: 'endless', expected: ['agent-output'], count: 1 },
  { how: 'wrong-key', expected: ['host-key-changed'], count: 1 },
  { how: 'wrong-user', expected: ['auth-failed'], count: 1 },
];

const collector = {
  tcpTimeoutMs: 4000,
  connectTimeoutMs: 10_000,
  agentTimeoutMs: 8000,
  clientDeadlineMs: 15_000,
  runDeadlineMs: 45_000,
  perSubnet: 32,
};

describe('two hundred clients, a tenth of them dead in every way', async () => {
  const { fleet, ssh, add, clients, collect } = makeSshFleet();
  const codes = new Map<string, readonly ErrorCode[]>();
  const living = await stoppedAfter(startReportServer(account));
  const off = await stoppedAfter(startDeafListener());
  const nowhere = (port: number): TestServer => ({ ...living, port });
  for (const { how, expected, count } of deaths) {
    for (let number = 1; number <= count; number++) {
      const name = `dead-${how}-${number}`;
      // Dead clients have addresses of their own, in the same networks as the living clients.
      const address = `127.1.${codes.size % 4}.${200 + codes.size}`;
      const more = { groups: [`rack-${clients.length % 8}`] };
      codes.set(name, expected);
      if (how === 'off') add(name, '127.0.0.1', nowhere(off.port), more);
      else if (how === 'refused') add(name, address, nowhere(await freePort()), more);
      else if (how === 'no-route') add(name, '255.255.255.255', nowhere(22), more);
      else if (how === 'no-name') add(name, 'no-such-host.invalid', nowhere(22), more);
      else if (how === 'wrong-user') add(name, address, living, { ...more, ssh: { ...ssh, username: 'somebody' } });
      else {
        const server = await stoppedAfter(startHostileServer(how === 'wrong-key' ? 'silent' : how));
        add(name, address, how === 'wrong-key' ? living : server, more, server);
      }
    }
  }
  assert.equal(clients.length, 20);
  for (let number = 0; number < 180; number++) {
    const groups = [`rack-${clients.length % 8}`];
    add(`web-${number}`, `127.1.${number % 4}.${1 + Math.floor(number / 4)}`, living, { groups });
  }

  interface Run {
    readonly result: CollectResult;
    readonly tookMs: number;
    /** The total time spent on dead clients. */
    readonly deadMs: number;
    /** The most simultaneous visits to dead clients before every living client had begun. */
    readonly maxDead: number;
  }

  /** Makes a run of the whole fleet, `number` intervals of five minutes after the first. */
  const run = async (number: number, visited: readonly Client[] = clients): Promise<Run> => {
    const active = new Set<string>();
    let toBegin = 180;
    let maxDead = 0;
    const observe = (event: CollectEvent): void => {
      if (event.kind === 'visiting' && !codes.has(event.client)) toBegin--;
      else if (event.kind === 'visiting') active.add(event.client);
      else if (event.kind === 'visited') active.delete(event.visit.client);
      if (toBegin > 0) maxDead = Math.max(maxDead, active.size);
    };
    const began = performance.now();
    const now = (): number => Date.now() + number * 300_000;
    const result = await collect({ concurrency: 32, collector, now, observe }, visited);
    const tookMs = performance.now() - began;
    const deadMs = result.failures.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return { result, tookMs, deadMs, maxDead };
  };

  const assertAllNotified = async ({ result, tookMs }: Run): Promise<void> => {
    assert.ok(tookMs < collector.runDeadlineMs, `the run took ${tookMs} ms`);
    assert.equal(result.outcome, 'finished');
    assert.equal(result.unreached, 0);
    assert.deepEqual(result.faults, []);
    const rows = await fleet.query(`SELECT DISTINCT client FROM stats WHERE run_id = '${result.runId}'`);
    const reported = new Set(rows.map((row) => row['client']));
    const names = clients.filter(({ name }) => !codes.has(name) && !reported.has(name)).map(({ name }) => name);
    assert.deepEqual(names, [], 'every living client has its row');
    const visits = await fleet.query(
      `SELECT client, code, message FROM visits WHERE run_id = '${result.runId}' AND ok = 0`,
    );
    for (const { client, code, message } of visits) {
      const expected = codes.get(String(client)) ?? [];
      assert.ok(expected.includes(code as ErrorCode), `${String(client)}: ${String(code)}: ${String(message)}`);
      assert.ok(String(message).length > 10);
    }
    // Some runs skip a refused login. A skipped client has no visit.
    assert.equal(visits.length + result.skipped, codes.size);
  };

  it('the run ends in time, the living have their rows, and each next run spends less on the dead', async (t) => {
    const runs: Run[] = [];
    for (const number of [0, 1, 2]) {
      const done = await run(number);
      t.diagnostic(`run ${number + 1}: ${Math.round(done.tookMs)} ms, of the dead ${done.deadMs} ms`);
      await assertAllNotified(done);
      runs.push(done);
    }
    const [first, second, third] = runs.map(({ deadMs }) => deadMs);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.ok(second < first * 0.75, `${first} ms, then ${second} ms`);
    assert.ok(third < second * 0.85, `${second} ms, then ${third} ms`);
    // A quarter of the slots, and the clients that fail at once.
    assert.ok((runs[1]?.maxDead ?? 99) <= 8 + 6, `${runs[1]?.maxDead} dead in the way of the living`);
  });

  it('whoever returns is visited in the same run, however long it was away', async () => {
    const knownHosts = path.join(fleet.dir, 'known_hosts.2');
    const healthy = (client: Client, number: number): Client => ({
      ...client,
      address: `127.1.9.${number + 1}`,
      port: living.port,
      ssh: { ...ssh, knownHosts },
    });
    const returned = clients.map((client, number) => (codes.has(client.name) ? healthy(client, number) : client));
    const keys = clients.map((_, number) => `${living.hostKeyLine(`127.1.9.${number + 1}`)}\n`);
    writeFileSync(knownHosts, keys.join(''));
    const { result, tookMs } = await run(9, returned);
    assert.deepEqual(result.failures, []);
    assert.equal(result.succeeded, 200);
    assert.ok(tookMs < collector.runDeadlineMs);
  });
});
