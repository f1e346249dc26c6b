// Second tier: starts a server for each case.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

import { openReceiver } from '../../../support/servers/http-receiver.ts';
import { configFolder, exits, runCli, succeeded } from '../../../support/programs/run-cli.ts';
import { until } from '../../../support/until.ts';
import { serveFolder } from '../support/served-fleet.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';

/** Starts a collector with a rule for backups, whose `serve` takes events. */
async function collector(t: TestContext, parts = '<events/>') {
  const rule = '<alert type="event" service="backup*" within="26h"/>';
  const dir = configFolder(t, `<config><alerts mail="ops@example.org">${rule}</alerts></config>`);
  const served = await serveFolder(t, dir, { parts });
  const run = (...args: readonly string[]) => runCli(args, { cwd: dir });
  /** Makes a token. Returns the path of its URL. */
  const url = async (...args: readonly string[]): Promise<string> => {
    const made = JSON.parse(await succeeded(run('--json', 'events', 'url', ...args))) as { readonly url: string };
    return new URL(made.url).pathname;
  };
  const stored = (): readonly unknown[] => {
    const database = openBeside(path.join(dir, 'state', 'fleet.db'));
    try {
      const rows: readonly object[] = database
        .prepare('SELECT host, service, status, description, raw FROM events ORDER BY id')
        .all();
      return rows.map((row): readonly unknown[] => Object.values(row));
    } finally {
      database.close();
    }
  };
  return { ...served, run, url, stored };
}

test('a ping is an event of its service, and /fail and /start say more', async (t) => {
  const { ask, url, stored, log } = await collector(t);
  const own = await url('backup', '--host', 'nas');
  for (const where of [own, `${own}/fail`, `${own}/start`]) {
    const { status, body } = await ask(where);
    assert.deepEqual([status, body], [200, '{"message":"Event received","result":true}\n']);
  }
  // `serve` answers once an event is in its spool.
  await until(() => stored().length === 3, log);
  assert.deepEqual(stored(), [
    ['nas', 'backup', 'OK', 'pinged', null],
    ['nas', 'backup', 'CRIT', 'pinged as failed', null],
    ['', '', null, '', '{"started":"backup","host":"nas"}'],
  ]);
  assert.ok(!log().includes(own.split('/').at(-1) ?? ''), 'the log has the token');
});

test('what is no token pings nothing, and one that was removed neither', async (t) => {
  const { ask, url, stored, run, log } = await collector(t);
  const own = await url('backup');
  assert.equal((await ask(own)).status, 200);
  const look = (await succeeded(run('tokens', 'add', 'anna'))).trim();
  for (const where of ['/events/ping/x', `${own}x`, `${own}/stop`, `${own}/__proto__`, `/events/ping/${look}`]) {
    assert.equal((await ask(where)).status, 404, where);
  }
  assert.equal((await ask(own, { method: 'POST' })).status, 405);
  // The token gives access to nothing else.
  const asked = await ask('/status', { headers: { Authorization: `Bearer ${own.split('/')[3] ?? ''}`, Via: 'x' } });
  assert.equal(asked.status, 403);
  await succeeded(run('tokens', 'remove', 'ping:backup'));
  assert.equal((await ask(own)).status, 404);
  await until(() => stored().length === 1, log);
});

test('from= holds for pings', async (t) => {
  const { ask, url } = await collector(t, '<events from="192.0.2.1"/>');
  assert.equal((await ask(await url('backup'))).status, 403);
});

test('events url prints lines for a shell, and says what is missing', async (t) => {
  const { run, port } = await collector(t);
  const text = await succeeded(run('events', 'url', 'backup'));
  const form = String.raw`http://127\.0\.0\.1:${port}/events/ping/fh_[\w-]{43}`;
  assert.match(
    text,
    new RegExp(`^\\(curl -gfs .* ${form} \\|\\| echo .*\\)\n\\(wget -q .* ${form} \\|\\| echo .*\\)\n$`),
  );
  await exits(2, run('events', 'url', 'backup'), /there is a token "ping:backup"/);
  await exits(2, run('events', 'url', 'a\nb'), /the service is no name/);
  await exits(
    2,
    run('events', 'url', 'b', '--to', 'https://ann:s3cret@hq/'),
    /the URL of --to has a name or password in it \(usage\)/,
  );
  const other = await run('events', 'url', 'nightly', '--to', 'https://hq.example.org/fleet');
  assert.match(other.stdout, /^\(curl .* '?https:\/\/hq\.example\.org\/fleet\/events\/ping\/fh_/);
  const odd = await run('events', 'url', 'odd', '--to', 'https://hq.example.org//x/y/?a=b#c');
  assert.match(odd.stdout, /^\(curl .* '?https:\/\/hq\.example\.org\/\/x\/y\/events\/ping\/fh_[\w-]+'? /);
  assert.match(other.stderr, /^No rule watches it: .*service="nightly"/);
});

test('without <events/> there is nothing to ping', async (t) => {
  const dir = configFolder(t, '<config><alerts mail="ops@example.org"/><client name="a" ip="192.0.2.1"/></config>');
  await exits(2, runCli(['events', 'url', 'backup'], { cwd: dir }), /no <events\/> in <serve>/);
});

test('the lines for cron print nothing for attempts that fail, and one line if none succeeded', async (t) => {
  const { run } = await collector(t);
  const receiver = await openReceiver(t);
  const { stdout } = await run('events', 'url', 'copy', '--to', receiver.origin);
  const lines = stdout.trim().split('\n');
  const said = async (line: string): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', line]);
    return stdout + stderr;
  };
  const answers = [{ status: 503 }, { status: 200 }];
  receiver.act(() => answers.shift() ?? { status: 404 });
  assert.equal(await said(lines[0] ?? ''), '');
  for (const line of lines) assert.match(await said(line), /^no ping of copy: exit status \d+\n$/);
});
