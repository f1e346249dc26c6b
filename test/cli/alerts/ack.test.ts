import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alertFolder, ended, firing, type AlertFolder } from '../support/stored-alerts.ts';

const config = `<config>
  <alerts><mail to="ops@example.org"/></alerts>
  <client name="web-[1-2]" ip="192.0.2.[1-2]"/><client name="db-1" ip="192.0.2.9"/>
</config>`;

const storedAlerts = [
  firing(),
  firing({ rule: 'memory', subject: '', severity: 'warning' }),
  firing({ client: 'web-2' }),
  ended({ client: 'db-1' }),
  firing({ client: 'web-1', rule: 'inodes', subject: '/', state: 'pending', firingSinceMs: null }),
];

async function acknowledged({ store }: AlertFolder): Promise<string> {
  const open = await store((storage) => storage.evaluation.openAlerts(null));
  const ids = open.filter(({ acknowledgedBy }) => acknowledgedBy !== null).map(({ id }) => id);
  return ids.sort().join(' ');
}

for (const [args, ids] of [
  ['1', '1'],
  ['5', '5'],
  ['web-1', '1 2'],
  ['web-1 mem*', '2'],
  ['web-* disk', '1 3'],
  ['3 1', '1 3'],
  ['1-2 5', '1 2 5'],
  ['2-4 4', '2 3'],
  ['--all', '1 2 3'],
] as const) {
  test(`ack ${args} acknowledges ${ids}`, async (t) => {
    const folder = await alertFolder(t, { config, alerts: storedAlerts });
    const stdout = await folder.said('ack', ...args.split(' '));
    assert.equal(stdout.match(/^acknowledged /gm)?.length, ids.split(' ').length);
    assert.equal(await acknowledged(folder), ids);
  });
}

const groups = `<config>
  <alerts><mail to="ops@example.org"/></alerts>
  <group name="web" need="1"><client name="web-[1-2]" ip="192.0.2.[1-2]"/></group>
  <group name="db" need="1"><client name="db" ip="192.0.2.9"/><client name="db-2" ip="192.0.2.8"/></group>
</config>`;
const ofGroups = [
  firing({ client: '', rule: 'group-short', subject: 'web' }),
  firing({ client: '', rule: 'group-short', subject: 'db' }),
  firing({ client: 'db', rule: 'unreachable', subject: '' }),
];

for (const [args, ids] of [
  ['web group-short', '1'],
  ['web', '1'],
  ['db group-short', '2'],
  ['db', '3'],
] as const) {
  test(`ack ${args} acknowledges ${ids}, where groups lack members and a client has a group's name`, async (t) => {
    const folder = await alertFolder(t, { config: groups, alerts: ofGroups });
    const stdout = await folder.said('ack', ...args.split(' '));
    assert.match(stdout, ids === '3' ? /: db, unreachable/ : /: \(group\), group-short (web|db) \(critical\)/);
    assert.equal(await acknowledged(folder), ids);
  });
}

test('who, how long and why are kept; without --for it holds until the alert ends', async (t) => {
  const { run, alerts } = await alertFolder(t, { config, alerts: storedAlerts });
  const timed = await run('ack', '1', '--for', '4h', '--comment', 'on it');
  assert.match(
    timed.stdout,
    /^acknowledged 1: web-1, disk \/var \(critical\)\nNo reminders by ann's word until \d{4}.* \(in 4h\), /,
  );
  const open = await run('ack', '2');
  assert.match(open.stdout, /until it ends, or until it gets worse\.\n$/);
  const [first, second] = [...(await alerts())].sort((one, other) => one.id - other.id);
  assert.deepEqual([first?.acknowledged?.by, first?.acknowledged?.comment], ['ann', 'on it']);
  assert.ok(Math.abs(Date.parse(first?.acknowledged?.until ?? '') - Date.now() - 4 * 3_600_000) < 60_000);
  assert.deepEqual(second?.acknowledged, { by: 'ann', until: null, comment: null });
});

test('ack --until takes a clock, and who typed it under sudo is the author', async (t) => {
  const { run, said, alerts } = await alertFolder(t, { config, alerts: storedAlerts, env: { SUDO_USER: 'ben' } });
  const stdout = await said('ack', '1', '--until', 'tomorrow 06:00', '--comment', 'on it');
  assert.match(stdout, /^No reminders by ben's word until \d{4}-\d\d-\d\d 06:00 /m);
  assert.equal((await alerts()).find(({ id }) => id === 1)?.acknowledged?.by, 'ben');
  assert.match((await run('alerts')).stdout, /^ {4}acknowledged by ben until .* 06:00: on it$/m);
});

test('unack takes an acknowledgement back, and says where there is none', async (t) => {
  const folder = await alertFolder(t, { config, alerts: storedAlerts });
  await folder.run('ack', '--all');
  const one = await folder.said('unack', 'web-1', 'disk');
  assert.equal(one.split('\n')[0], 'no longer acknowledged 1: web-1, disk /var (critical)');
  assert.equal(await acknowledged(folder), '2 3');
  const twice = await folder.run('unack', '1');
  assert.deepEqual([twice.status, twice.stdout], [1, 'Nothing of that is acknowledged.\n']);
  await folder.said('unack', '--all');
  assert.equal(await acknowledged(folder), '');
});

test('a rule is named as the mail names it, whatever stands in its selectors', async (t) => {
  const rule = 'disk mount=/srv/[a],!/srv/b*';
  const folder = await alertFolder(t, { config, alerts: [firing({ rule }), firing({ rule: 'disk' })] });
  assert.equal((await folder.said('ack', 'web-1', rule)).match(/^acknowledged /gm)?.length, 1);
  assert.equal(await acknowledged(folder), '1');
});

test('what concerns the fleet is acknowledged as the mail of a dry run says it', async (t) => {
  const silent = firing({ client: '', rule: 'collector-silent', subject: 'c0ffee' });
  const folder = await alertFolder(t, { config, alerts: [firing(), silent] });
  const stdout = await folder.said('ack', '*', 'collector-silent');
  assert.equal(stdout.split('\n')[0], 'acknowledged 2: (fleet), collector-silent c0ffee (critical)');
});

for (const [args, says] of [
  [['99'], /there is no alert 99 \(usage\)\. Open are: 1, 2, 3\./],
  [['web-3'], /there is no client "web-3"; did you mean "web-1"\?/],
  [['mail-*'], /no client matches "mail-\*"/],
  [['web-1', 'memry'], /nothing is open for web-1 under rule "memry"; did you mean "memory"\? .*Open are: /],
  [[], /nothing says what to acknowledge/],
  [['1', '77'], /there is no alert 77/],
  [['web-1', 'disk', 'memory'], /"memory" is one name too many/],
  [['1', '--all'], /--all and a name contradict each other/],
  [['1', '--for', 'long'], /--for "long" is no duration/],
  [['1', '--for', '2h', '--until', '18:00'], /--until and --for contradict each other/],
] as const) {
  test(`ack ${args.join(' ')} is refused`, async (t) => {
    const folder = await alertFolder(t, { config, alerts: storedAlerts });
    await folder.refused(['ack', ...args], says);
    assert.equal(await acknowledged(folder), '');
  });
}

test('what is not open is said, and is exit status 1 where it was named', async (t) => {
  const { run } = await alertFolder(t, { config, alerts: [ended({ client: 'db-1' })] });
  for (const [named, status, says] of [
    ['db-1', 1, 'Nothing to acknowledge: nothing is open for db-1.\n'],
    ['1', 1, 'Nothing to acknowledge: alert 1 has ended.\n'],
    ['--all', 0, 'Nothing is open.\n'],
  ] as const) {
    assert.deepEqual(await run('ack', named), { status, stdout: says, stderr: '' });
  }
});

test('a group with nothing open is no unknown client', async (t) => {
  const needing = config.replace('<client name="web', '<group name="web" need="1"><client name="web');
  const { run } = await alertFolder(t, { config: needing.replace('<client name="db', '</group><client name="db') });
  const { status, stdout } = await run('ack', 'web', 'group-short');
  assert.equal(stdout, 'Nothing to acknowledge: nothing is open for web under rule group-short.\n');
  assert.equal(status, 1);
  const explained = await run('explain', 'web');
  assert.match(explained.stderr, /"web" is no client .* fleet-health explain --fleet group-short\./);
});
