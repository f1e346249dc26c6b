import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { Client } from '../../src/config/config.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { createTransportShared } from '../../src/transport/transport-shared.ts';
import { makeClient, makeConfig, makeFleet, sshSettings, type Fleet } from '../support/fleet.ts';
import { startHostileServer, type HostileServer } from '../support/hostile-server.ts';
import { makeInventoriedIn } from '../support/inventoried.ts';
import { sshKeygen, sshdMissing, startSshd, type Sshd, type SshdAccount } from '../support/sshd.ts';

const skip = sshdMissing() ?? false;
const clientDeadlineMs = 15_000;
const hangs = ['silent', 'kexinit-only', 'agent-silent'] as const;

describe('fifty clients on one real sshd, three of them hanging', { skip }, () => {
  let sshd: Sshd;
  let account: SshdAccount;
  const fleet = makeFleet();
  const hostile: HostileServer[] = [];
  const clients: Client[] = [];

  before(async () => {
    sshd = await startSshd();
    const key = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
    account = await sshd.addAccount({ publicKey: key.publicKey });
    for (const mode of hangs) hostile.push(await startHostileServer(mode));
    const knownHosts = path.join(fleet.dir, 'known_hosts');
    const ssh = { ...sshSettings, username: account.name, privateKey: key.privateKey, knownHosts };
    const lines: string[] = [];
    for (let number = 1; number <= 50; number++) {
      const address = `127.0.0.${number}`;
      // 127.0.0.10, .20 and .30 hang.
      const server = number % 10 === 0 ? (hostile[number / 10 - 1] ?? sshd) : sshd;
      lines.push(server.hostKeyLine(address));
      clients.push(makeClient(`web-${number}`, { address, port: server.port, groups: [`rack-${number % 5}`], ssh }));
    }
    writeFileSync(knownHosts, `${lines.join('\n')}\n`);
  });
  after(async () => {
    for (const server of hostile) await server.close();
    await sshd.stop();
  });

  const collect = (concurrency: number, more: Parameters<Fleet['collect']>[1] = {}) => {
    const shared = createTransportShared({ config: makeConfig('/nowhere', []) });
    return fleet.collect(clients, {
      concurrency,
      collector: { clientDeadlineMs, connectTimeoutMs: clientDeadlineMs, agentTimeoutMs: clientDeadlineMs },
      transportFor: (client) => transportFor(client, shared),
      ...more,
    });
  };

  it('ends within the client deadline and two seconds, with 47 reports and 3 visits that say why', async () => {
    // A first pass brings the agent and takes a few inventories, on as many CPUs as there are: the deadline is not its
    // subject.
    await makeInventoriedIn(fleet.stateDir, ...clients.slice(4).map(({ name }) => name));
    const first = await collect(8, {
      only: new Set(clients.filter(({ port }) => port === sshd.port).map(({ name }) => name)),
    });
    assert.deepEqual(first.failures, []);
    assert.equal(first.succeeded, 47);

    const logins = sshd.count(/Accepted publickey/g);
    const sessions = sshd.count(/Starting session: command/g);
    const started = performance.now();
    const result = await collect(50);
    const tookMs = performance.now() - started;
    assert.ok(tookMs < clientDeadlineMs + 2000, `it took ${tookMs} ms`);
    assert.deepEqual([result.succeeded, result.failed, result.exitStatus], [47, 3, 1], JSON.stringify(result));
    assert.deepEqual(result.failures.map(({ client }) => client).toSorted(), ['web-10', 'web-20', 'web-30']);
    const rows = await fleet.query(
      `SELECT client, ok, code, stage, message FROM visits WHERE run_id = '${result.runId}'`,
    );
    assert.equal(rows.filter((row) => row['ok'] === 1).length, 47);
    for (const row of rows.filter((row) => row['ok'] === 0)) {
      assert.match(String(row['code']), /^(handshake-timeout|agent-timeout|visit-deadline)$/);
      assert.ok(String(row['message']).length > 10);
    }
    const stats = await fleet.query(`SELECT COUNT(DISTINCT client) AS n FROM stats WHERE run_id = '${result.runId}'`);
    assert.equal(stats[0]?.['n'], 47);
    assert.equal(sshd.count(/Accepted publickey/g) - logins, 47, 'one connection a visit');
    assert.equal(sshd.count(/Starting session: command/g) - sessions, 47, 'one exec a visit');
    for (const server of hostile) await server.allClosed();
  });

  it('leaves on the clients nothing but agent, counters and what was not acknowledged, 0600 in 0700', () => {
    const state = path.join(account.home, '.local/state/fleet-health');
    assert.equal(statSync(state).mode & 0o777, 0o700);
    const names = readdirSync(state, { recursive: true }).map(String);
    for (const name of names) {
      const facts = statSync(path.join(state, name), { throwIfNoEntry: false });
      if (facts === undefined) continue;
      assert.equal(facts.mode & 0o777, facts.isDirectory() ? 0o700 : 0o600, name);
    }
    assert.ok(!names.some((name) => name.includes('.part') || name.includes('.tmp')), names.join(' '));
  });
});
