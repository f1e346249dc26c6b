// Second tier: each fault of the agent's machine.
/** Full disks, probes that hang or throw, and missing folders: the agent still reports the values that it has. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { buildAgentWith } from '../support/clients/agent-bundles.ts';
import { bundles, filesBelow, keep, machine } from '../support/clients/agent-visit.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { shellConnection } from '../support/clients/shell-connection.ts';

const skip = process.getuid?.() !== 0 && 'needs root, for another account';
const rare = { skip: skipUnlessWide };

const PATH = process.env['PATH'] ?? '';

test('on a full disk the report is sent all the same, and the reason is reported', async (t) => {
  const { visit, home } = machine(t);
  // Every write to a file fails, as on a full disk; pipes still work.
  const full = 'ulimit -f 0; eval "$COMMAND"';
  const connection = shellConnection({ env: { HOME: home, PATH }, scripts: [full, full] });
  const { result, reports } = await visit({ connection });
  assert.equal(result.fault, null);
  assert.equal(reports.length, 1);
  assert.match(result.end?.spool_error ?? '', /EFBIG/);
  assert.deepEqual(filesBelow(home), []);
});

test('counters and reports of before a disk filled up stay as they are', rare, async (t) => {
  const { visit, home, spool } = machine(t);
  const before = await visit({ onReport: keep });
  const kept = filesBelow(home);
  const connection = shellConnection({ env: { HOME: home, PATH }, scripts: ['ulimit -f 0; eval "$COMMAND"'] });
  const { result, reports } = await visit({ connection, onReport: keep });
  assert.equal(result.fault, null);
  assert.equal(reports[1]?.report_id, before.reports[0]?.report_id);
  assert.deepEqual(filesBelow(home), kept);
  assert.equal(spool().length, 1);
});

test('where nothing can be kept, the agent is brought each time and keeps nothing', { skip }, async (t) => {
  const uid = 61_234;
  const taken = [`/var/tmp/fleet-health-${uid}`, `/dev/shm/fleet-health-${uid}`];
  for (const dir of taken) mkdirSync(dir);
  t.after(() => {
    for (const dir of taken) rmSync(dir, { recursive: true });
  });
  const { visit, home } = machine(t);
  // The home is the test's own, in which the account may not write.
  chmodSync(home, 0o755);
  const why = [
    `${home}/.local/state/fleet-health cannot be used (EACCES)`,
    ...taken.map((dir) => `${dir} belongs to user 0`),
  ].join('; ');
  for (let n = 0; n < 2; n += 1) {
    const connection = shellConnection({ env: { HOME: home, PATH }, uid });
    const { result } = await visit({ connection });
    assert.equal(result.fault, null);
    assert.equal(result.uploaded, true);
    assert.equal(result.reports, 1);
    assert.deepEqual(result.end, { left: 0, place: null, spool_error: why });
  }
  for (const dir of taken) assert.deepEqual(readdirSync(dir), []);
});

test('a read-only home is passed over', { skip: skipUnlessWide || skip }, async (t) => {
  const { visit, home } = machine(t);
  const uid = 61_235;
  chmodSync(home, 0o755);
  t.after(() => rmSync(`/var/tmp/fleet-health-${uid}`, { recursive: true, force: true }));
  const connect = (): ReturnType<typeof shellConnection> => shellConnection({ env: { HOME: home, PATH }, uid });
  const first = await visit({ connection: connect() });
  assert.equal(first.result.fault, null);
  assert.ok(first.result.end?.place?.startsWith(`/var/tmp/fleet-health-${uid}/`));
  const second = await visit({ connection: connect() });
  assert.equal(second.result.uploaded, false);
});

test('probes that throw are a fault of this run; what is spooled still comes', async (t) => {
  const { visit } = machine(t);
  const before = await visit({ onReport: keep });
  const agent = buildAgentWith('() => Promise.reject(new Error("no such thing\\u001b[31m"))');
  const { result, reports } = await visit({ bundles: { ...bundles, agent } });
  assert.equal(result.fault?.code, 'agent-failed');
  assert.equal(result.fault.message, 'web-1: no such thing [31m');
  assert.equal(reports[0]?.report_id, before.reports[0]?.report_id);
  assert.equal(result.acknowledged, 1);
});

test('probes that never end are a fault before the deadline', async (t) => {
  const { visit, clientDir } = machine(t);
  // Its timers are four times as fast: it gives up a second before the collector, and may need longer to start.
  const quick =
    'const later = setTimeout; globalThis.setTimeout = (work, ms, ...rest) => later(work, ms / 4, ...rest);';
  const agent = buildAgentWith(`() => { ${quick} return new Promise(() => setInterval(() => {}, 1000)); }`);
  const { result } = await visit({ bundles: { ...bundles, agent }, agentTimeoutMs: 20_000 });
  assert.equal(result.fault?.code, 'agent-timeout');
  assert.match(result.fault.message, /the probes did not end within \d+ ms/);
  assert.ok(result.hello && result.end);
  assert.deepEqual(readdirSync(clientDir()), []);
});

/** A statement that never ends and uses no CPU. */
const standstill = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';

for (const { what, path, guard } of [
  { what: 'timeout', path: PATH, guard: 't' },
  { what: 'its own watchdog, where there is no timeout', path: '/nonexistent', guard: 'w' },
] as const) {
  const usual = guard === 't' ? {} : rare;
  test(`an agent that is stuck, and handles no signal, is killed by ${what}`, usual, async (t) => {
    const { visit, home } = machine(t);
    const agent = buildAgentWith(`() => void ${standstill}`);
    const connection = shellConnection({ env: { HOME: home, PATH: path } });
    // The timeout is longer than the agent's own limit, which this test checks.
    const { result } = await visit({ connection, bundles: { ...bundles, agent }, agentTimeoutMs: 5000 });
    assert.equal(result.fault?.code, 'agent-timeout');
    const brought = connection.children[1];
    assert.ok(brought);
    if (brought.exitCode === null) await new Promise((resolve) => brought.once('exit', resolve));
    assert.equal(brought.exitCode, 137);
    assert.ok(filesBelow(home).some((file) => file.endsWith(`${agent.digest}.${guard}.cjs`)));
  });
}

test('nobody reads any more: the report stays, and the agent ends', rare, async (t) => {
  const { visit, home, spool } = machine(t);
  // A quick agent writes everything into the pipe before its reader ends, so this agent waits until the reader has
  // ended.
  const agent = buildAgentWith(`() => {
    const lock = new Int32Array(new SharedArrayBuffer(4));
    while (!require('node:fs').existsSync(process.env.HOME + '/gone')) Atomics.wait(lock, 0, 0, 10);
    return Promise.resolve({ workerReports: [], counters: null });
  }`);
  const own = { bundles: { ...bundles, agent } };
  const gone = path.join(home, 'gone');
  writeFileSync(gone, '');
  await visit(own);
  rmSync(gone);
  const leaves = 'eval "$COMMAND" | { head -c 60; exec <&-; : >"$HOME/gone"; }';
  const connection = shellConnection({ env: { HOME: home, PATH }, scripts: [leaves] });
  const { result } = await visit({ ...own, connection });
  assert.equal(result.fault?.code, 'agent-failed');
  assert.equal(spool().length, 1);
});

test('NODE_OPTIONS of the client does not reach the agent', rare, async (t) => {
  const { visit, home } = machine(t);
  const env = { HOME: home, PATH, NODE_OPTIONS: '--require /nonexistent', NODE_EXTRA_CA_CERTS: '/nonexistent' };
  const { result } = await visit({ connection: shellConnection({ env }) });
  assert.equal(result.fault, null);
  assert.ok(filesBelow(path.join(home, '.local')).length > 0);
});
