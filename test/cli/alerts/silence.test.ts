import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { alertFolder, firing } from '../support/stored-alerts.ts';
import { pluck } from '../../support/pluck.ts';
import { exits } from '../../support/programs/run-cli.ts';

const config = `<config>
  <alerts zone="Europe/Berlin"><mail to="ops@example.org"/><alert type="disk" mount="/srv" limit="50%"/>
    <alert type="disk" limit="90%"/></alerts>
  <group name="web" labels="site=ber"><client name="web-[1-3]" ip="192.0.2.[1-3]"/></group>
  <client name="db-1" ip="192.0.2.9"><alert type="zombies" limit="5"/></client>
</config>`;

test('a silence is added, listed, and ended', async (t) => {
  const { run, json, said, refused } = await alertFolder(t, { config, alerts: [firing()] });
  const args = ['silence', 'add', '--client', 'web-*', '--rule', 'disk', '--until', '2h', '--comment', 'moving logs'];
  const added = await said(...args);
  const words = /^Silence 1: client web-\*, rule disk, until \d{4}-\d\d-\d\d \d\d:\d\d \(in 2h\), Europe\/Berlin\.$/m;
  assert.match(added, words);
  assert.match(added, /^It covers 3 clients of config\.xml\. 1 open alert is held back from now on\./m);
  assert.match(added, /^ {2}1 critical web-1 disk \/var: 96\.2 %$/m);

  const { silences } = (await json('silence', 'list')) as { silences: Record<string, string>[] };
  const [{ starts_at: from = '', ends_at: to = '', ...silence } = {}] = silences;
  const what = { id: 1, client: 'web-*', rule: 'disk', subject: '*' };
  assert.deepEqual(silence, { ...what, author: 'ann', comment: 'moving logs', open_alerts: 1 });
  assert.equal(Date.parse(to) - Date.parse(from), 7_200_000);
  assert.match((await run('silence', 'list')).stdout, / web-\* +disk +\* .* 1 +ann\n {4}moving logs\n/);

  assert.match(await said('silence', 'expire', '1'), /^Silence 1 has ended\./);
  assert.equal(await said('silence', 'list'), 'No silence is in force.\n');
  await refused(['silence', 'expire', '1'], /there is no silence 1 in force \(usage\)\. None is\./);
});

test('a time without an offset is of the readers, and the answer says so', async (t) => {
  const { json } = await alertFolder(t, { config });
  const endOf = async (until: string): Promise<unknown> =>
    ((await json('silence', 'add', '--client', '*', '--until', until)) as { silence: { ends_at: string } }).silence
      .ends_at;
  assert.equal(await endOf('2199-07-01 06:00'), '2199-07-01T04:00:00.000Z');
  assert.equal(await endOf('2199-01-01'), '2198-12-31T23:00:00.000Z');
  assert.equal(await endOf('2199-07-01T06:00:00+09:00'), '2199-06-30T21:00:00.000Z');
});

test('a silence may begin later, last so long, and be of a group, those who join it included', async (t) => {
  const folder = await alertFolder(t, { config, alerts: [firing(), firing({ client: 'db-1' })] });
  const { run, json, dir } = folder;
  const args = ['--group', 'web', '--from', '2198-12-31 22:00', '--until', '06:00'];
  const later = (await json('silence', 'add', ...args)) as { silence: Record<string, string>; clients: number };
  assert.deepEqual(
    [later.clients, later.silence['client'], later.silence['starts_at'], later.silence['ends_at']],
    [3, '@web', '2198-12-31T21:00:00.000Z', '2199-01-01T05:00:00.000Z'],
  );
  assert.match((await run('silence', 'list')).stdout, / @web .* 0 +ann\n {4}begins 2198-12-31 22:00/);
  const now = await run('silence', 'add', '--group', 'web', '--for', '2h');
  assert.match(now.stdout, /^Silence 2: client @web, rule \*, until .* \(in 2h\)/);
  assert.match(now.stdout, /It covers 3 clients of config\.xml\. 1 open alert is held back from now on\./);
  const file = path.join(dir, 'config.xml');
  const [open, close] = ['<group name="web"><client name="db-1"', '</group></config>'];
  writeFileSync(file, config.replace('<client name="db-1"', open).replace('</config>', close));
  const held = (await folder.alerts()).map(({ client, held_by }) => `${client} ${pluck(held_by, 'silence').join()}`);
  assert.deepEqual(held, ['web-1 2', 'db-1 2']);
});

test('a silence may be of the clients with labels, those that get them later included', async (t) => {
  const folder = await alertFolder(t, { config, alerts: [firing(), firing({ client: 'db-1' })] });
  const added = await folder.run('silence', 'add', '--label', 'site=ber', '--for', '2h');
  assert.match(
    added.stdout,
    /^Silence 1: client #site=ber, rule \*, until .*\nIt covers 3 clients of config\.xml\. 1 open/,
  );
  const file = path.join(folder.dir, 'config.xml');
  const { clients } = (await folder.json('status', '--label', 'site=ber')) as { clients: Record<string, unknown>[] };
  assert.deepEqual(new Set(pluck(clients, 'client')), new Set(['web-1', 'web-2', 'web-3']));
  writeFileSync(file, config.replace('<client name="db-1"', '<client name="db-1" labels="site=ber"'));
  const held = (await folder.alerts()).map(({ client, held_by }) => `${client} ${pluck(held_by, 'silence').join()}`);
  assert.deepEqual(held, ['web-1 1', 'db-1 1']);
  const { alerts } = (await folder.json('alerts', '--label', 'site=ber')) as { alerts: Record<string, unknown>[] };
  assert.deepEqual(pluck(alerts, 'client'), ['web-1', 'db-1']);
});

test('a window that is open is said by status, silence list and a dry run, with what it holds back', async (t) => {
  const window = '<window days="mon-sun" start="00:00" duration="24h" rules="disk*"/>';
  const withWindow = config.replace('<mail to', `${window}<mail to`);
  const { run, json } = await alertFolder(t, { config: withWindow, alerts: [firing(), firing({ client: 'db-1' })] });
  const said = /[Ww]indow until \d{4}-\d\d-\d\d \d\d:\d\d holds back 2 alerts/;
  assert.match((await run('status')).stdout, said);
  const listed = (await run('silence', 'list')).stdout;
  assert.match(listed, /^No silence is in force\.\nWindow until .* holds back 2 alerts\./);
  assert.match((await run('alert', '--dry-run')).stdout, said);
  const [held] = (await json('status'))['held_back'] as Record<string, unknown>[];
  assert.deepEqual({ ...held, until: '' }, { kind: 'window', silence: null, until: '', alerts: 2 });
});

for (const [args, says] of [
  [
    ['--rule', '*', '--until', '2020-01-01 06:00'],
    /01-01 06:00 Europe\/Berlin, has passed .* Give a time after \d{4}-/,
  ],
  [['--client', '*', '--until', '0s'], /has passed/],
  [['--client', '*', '--until', 'tuesday'], /"tuesday" is no time \(usage\)\. Write 2h, 18:00, .*Europe\/Berlin/],
  [['--client', '*', '--until', '2030-02-30'], /is no time/],
  [['--until', '2h'], /nothing says what is to be silent .* --client '\*' is everything/],
  [['--client', 'x'.repeat(600), '--until', '2h'], /--client is longer than 512 characters/],
  [['--client', '*'], /nothing says until when \(usage\)\. Give --for 2h, or --until 18:00/],
  [['--client', '*', '--until', '2h', '--for', '2h'], /--until and --for contradict each other/],
  [['--client', '*', '--group', 'web', '--for', '2h'], /--client, --group and --label contradict each other/],
  [['--label', 'site=fra', '--for', '2h'], /no client has the labels "site=fra"/],
  [['--group', 'wbe', '--for', '2h'], /there is no group "wbe"; did you mean "web"\?/],
  [['--client', '*', '--from', '2h', '--until', '1s', '--for', '1h'], /contradict/],
  [['--client', '*', '--from', '2199-01-02', '--until', '2199-01-01'], /has passed .* Give a time after 2199-01-02/],
] as const) {
  test(`silence add ${args.join(' ').slice(0, 60)} is refused`, async (t) => {
    await (await alertFolder(t, { config })).refused(['silence', 'add', ...args], says);
  });
}

for (const [patterns, says] of [
  [['--client', 'wbe-*'], /warning: no client of config\.xml matches "wbe-\*"; did you mean "web-\*"\?/],
  [['--client', 'web-2,bd-1'], /no client of config\.xml matches "bd-1"; did you mean "db-1"\?/],
  [['--rule', 'dsik'], /no rule of config\.xml is called "dsik"; did you mean "disk"\?/],
  [['--rule', 'zombie'], /did you mean "zombies"\?/],
  [['--client', 'web-*', '--rule', 'zombies'], /none of these clients has a rule that matches "zombies"/],
] as const) {
  test(`silence add ${patterns.join(' ')} is taken, with a warning`, async (t) => {
    const { run, json } = await alertFolder(t, { config });
    await exits(0, run('silence', 'add', ...patterns, '--until', '1h'), says);
    const { silences } = (await json('silence', 'list')) as { silences: unknown[] };
    assert.equal(silences.length, 1);
  });
}

for (const patterns of [
  ['--client', '!web-1'],
  ['--rule', 'collector-silent'],
  ['--rule', 'disk mount=/srv', '--subject', '/srv'],
]) {
  test(`silence add ${patterns.join(' ')} draws no warning`, async (t) => {
    await (await alertFolder(t, { config })).said('silence', 'add', ...patterns, '--until', '1h');
  });
}

test('a silence says if it covers the fleet as a whole', async (t) => {
  const { said } = await alertFolder(t, { config });
  const everything = await said('silence', 'add', '--rule', 'collector-silent', '--for', '2h');
  assert.match(everything, /^It covers 4 clients of config\.xml and the fleet as a whole\. /m);
});

test('a silence with an empty pattern is refused, and nothing is silent', async (t) => {
  const { run, said } = await alertFolder(t, { config });
  for (const option of ['--client', '--group', '--label', '--rule', '--subject']) {
    const { status, stderr } = await run('silence', 'add', option, '', '--for', '2h');
    assert.equal(status, 2);
    assert.match(
      stderr,
      new RegExp(`^fleet-health: option '${option} <\\w+>' argument '' is invalid\\. It is empty: .*\n$`),
    );
  }
  assert.doesNotMatch(await said('silence', 'list'), /2h/);
});
