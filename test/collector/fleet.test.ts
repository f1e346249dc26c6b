// Second tier: fifty clients at once.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { startHostileServer } from '../support/ssh/hostile-server.ts';
import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { makeSshFleet } from '../support/fleets/ssh-fleet.ts';
import { sshKeygen, sshdMissing, sshdOfSuite } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

const skip = sshdMissing() ?? false;
const clientDeadlineMs = 15_000;
const hangs = ['silent', 'kexinit-only', 'agent-silent'] as const;

describe('fifty clients on one real sshd, three of them hanging', { skip }, async () => {
  const sshd = await sshdOfSuite();
  const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const account = await sshd.addAccount({ publicKey });
  const hostile = await Promise.all(hangs.map((mode) => stoppedAfter(startHostileServer(mode))));
  const { fleet, add, clients, collect } = makeSshFleet({ username: account.name, privateKey, password: null });
  for (let number = 1; number <= 50; number++) {
    // The servers of 127.0.0.10, .20 and .30 hang.
    const server = number % 10 === 0 ? (hostile[number / 10 - 1] ?? sshd) : sshd;
    // Other tests make accounts, and a state report of a changed machine needs a login of its own.
    add(`web-${number}`, `127.0.0.${number}`, server, { groups: [`rack-${number % 5}`], changes: 'no' });
  }
  const deadlines = { clientDeadlineMs, connectTimeoutMs: clientDeadlineMs, agentTimeoutMs: clientDeadlineMs };

  it('ends before a second client deadline would, with 47 reports and 3 visits that say why', async () => {
    // The first pass uploads the agent and takes a few inventories, limited by the number of CPUs. The deadline test
    // must not include that time.
    await makeInventoriedIn(fleet.stateDir, ...clients.slice(4).map(({ name }) => name));
    const honest = new Set(clients.filter(({ port }) => port === sshd.port).map(({ name }) => name));
    const first = await collect({ concurrency: 8, collector: deadlines, only: honest });
    assert.deepEqual(first.failures, []);
    assert.equal(first.succeeded, 47);

    const logins = sshd.count(/Accepted publickey/g);
    const sessions = sshd.count(/Starting session: command/g);
    const started = performance.now();
    const result = await collect({ collector: deadlines });
    const tookMs = performance.now() - started;
    assert.ok(tookMs < 2 * clientDeadlineMs, `it took ${tookMs} ms`);
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
