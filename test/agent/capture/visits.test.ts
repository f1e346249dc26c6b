// Second tier: visits by each shell.
/** Whole visits of clients without Node, through every supported shell and awk. */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { bundles, filesBelow, modeOf } from '../../support/clients/agent-visit.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { awks, commandOf, shellClient, shells, type ShellClient } from '../../support/clients/shell-client.ts';

const rare = { skip: skipUnlessWide };

function skipWithout(t: TestContext, program: string): boolean {
  if (commandOf(program) !== null) return false;
  if (process.env['CI'] !== undefined) assert.fail(`${program} is missing`);
  t.skip(`${program} is not installed`);
  return true;
}

/** Visits the client and asserts the number of execs. Returns the outcome. */
async function visited(client: ShellClient, execs: number): ReturnType<ShellClient['visit']> {
  const connection = client.connection();
  const outcome = await client.visit({ connection });
  assert.equal(outcome.result.fault, null, outcome.result.fault?.message ?? '');
  assert.equal(connection.commands.length, execs);
  return outcome;
}

/** Two shells that have little in common; with `isWide` each shell and each awk beside the usual other one. */
const pairs = isWide
  ? [...shells.map((shell) => ({ shell, awk: 'mawk' })), ...awks.slice(1).map((awk) => ({ shell: 'dash', awk }))]
  : [
      { shell: 'dash', awk: 'mawk' },
      { shell: 'mksh', awk: 'busybox awk' },
    ];
for (const { shell, awk } of pairs) {
  test(`a client without node is read by ${shell} and ${awk}: brought once, then one exec a visit`, async (t) => {
    if (skipWithout(t, shell) || skipWithout(t, awk)) return;
    const client = shellClient(t, { shell, awk });
    for (const uploaded of isWide ? [true, false, false] : [true, false]) {
      const { result, reports, received } = await visited(client, uploaded ? 2 : 1);
      assert.equal(result.reader, 'shell');
      assert.equal(result.uploaded, uploaded);
      assert.equal(received.length, 1);
      const [report] = reports;
      assert.equal(report?.client, 'web-1');
      assert.equal(report.report_id, received[0]?.header.reportId);
      const failed = report.worker_reports.filter(({ error }) => error !== null);
      assert.deepEqual(failed, []);
      assert.equal(report.boot_id, result.hello?.boot_id);
      assert.ok(report.monotonic_ms >= (result.hello?.monotonic_ms ?? Infinity));
      assert.ok(Math.abs(result.hello?.offsetMs ?? Infinity) < 2000);
    }
  });
}

test('the client keeps the agent and notes, nothing of a report, and all of it for this user alone', async (t) => {
  const client = shellClient(t);
  await client.visit();
  const { result } = await client.visit();
  const place = result.end?.place ?? '';
  const files = filesBelow(path.join(client.home, '.local'));
  const names = files.map((file) => path.basename(file)).sort();
  assert.deepEqual(names, [`${bundles.shell.digest}.t.sh`, 'asked', 'notes', 'running'].sort());
  assert.equal(
    readFileSync(path.join(path.dirname(place), `${bundles.shell.digest}.t.sh`), 'utf8'),
    String(bundles.shell.content),
  );
  for (const file of files) {
    assert.equal(modeOf(path.join(client.home, '.local', file)), 0o600);
    assert.doesNotMatch(readFileSync(path.join(client.home, '.local', file), 'latin1'), /"worker_reports":\[\{/);
  }
  for (let dir = place; dir !== client.home; dir = path.dirname(dir)) assert.equal(modeOf(dir), 0o700);
  const refused = await client.visit({ unsealed: 'refuse' });
  assert.equal(refused.result.fault?.code, 'no-runtime', 'refused after it was allowed, the agent in place is not run');
  assert.deepEqual(refused.received, []);
});

test('unsealed="refuse": nothing is brought, and the fault names what can be done', async (t) => {
  const client = shellClient(t);
  const connection = client.connection();
  const { result, received } = await client.visit({ connection, unsealed: 'refuse' });
  assert.equal(result.fault?.code, 'no-runtime');
  assert.match(result.fault.advice, /Install it .*or set unsealed="allow"/);
  assert.equal(connection.commands.length, 1);
  assert.deepEqual(received, []);
});

test('a client without awk has no runtime either, and the fault names it', async (t) => {
  const { result } = await shellClient(t, { without: ['awk'] }).visit();
  assert.equal(result.fault?.code, 'no-runtime');
  assert.match(result.fault.message, /no awk for the shell agent/);
});

test('once node is installed the client is read by it, and by the shell agent again when it is gone', async (t) => {
  const client = shellClient(t);
  assert.equal((await visited(client, 2)).result.reader, 'shell');
  const node = path.join(client.bin, 'node');
  symlinkSync(process.execPath, node);
  assert.equal((await visited(client, 2)).result.reader, 'node');
  assert.equal((await visited(client, 1)).result.reader, 'node');
  unlinkSync(node);
  assert.equal((await visited(client, 1)).result.reader, 'shell');
});

test('a node that is too old or cannot start leaves the client to the shell agent, at one exec a visit', async (t) => {
  const failing = ['echo "node v12 is too old" >&2; exit 86', 'exit 127', 'exit 126'];
  for (const text of isWide ? failing : failing.slice(0, 1)) {
    const client = shellClient(t, { own: { node: text } });
    assert.equal((await visited(client, 2)).result.reader, 'shell');
    assert.equal((await visited(client, 1)).result.reader, 'shell');
  }
});

const spoils: readonly { readonly what: string; readonly spoil: (file: string) => void }[] = [
  { what: 'cut off', spoil: (file) => truncateSync(file, 3000) },
  { what: 'empty', spoil: (file) => truncateSync(file) },
  { what: 'something else', spoil: (file) => writeFileSync(file, 'exit 3\n') },
];
// test/agent/capture/power-cut.test.ts damages the file too.
for (const { what, spoil } of spoils) {
  test(
    `a shell agent whose file is ${what} is brought again, and one of another version is removed`,
    rare,
    async (t) => {
      const client = shellClient(t);
      const { result } = await visited(client, 2);
      const file = path.join(path.dirname(result.end?.place ?? ''), `${bundles.shell.digest}.t.sh`);
      writeFileSync(path.join(path.dirname(file), `${'0'.repeat(64)}.t.sh`), 'exit 3\n', { mode: 0o600 });
      spoil(file);
      assert.equal((await visited(client, 2)).result.uploaded, true);
      assert.deepEqual(readFileSync(file), bundles.shell.content);
      const agents = filesBelow(path.dirname(file)).filter((name) => name.endsWith('.sh'));
      assert.deepEqual(agents, [path.basename(file)]);
      await visited(client, 1);
    },
  );
}
