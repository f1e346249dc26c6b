/** Labels of clients, and elements that apply only to some of the clients around them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isWholeFleet } from '../../src/cli/command/settings.ts';
import { selectClients } from '../../src/config/clients/select-clients.ts';
import { hasLabels, parseClientLabels, parseLabelSelector } from '../../src/config/values/labels.ts';
import { pluckAll } from '../support/pluck.ts';
import { assertFault, clientOf, faultsOfText, load, loadText } from './support/config-files.ts';
import { recipientsOf } from './support/recipients-of.ts';

const fleet = `<group name="ber" labels="site=ber">
    <client name="web-[1-2]" ip="10.0.0.[1-2]" labels="role=web"/>
    <group labels="role=db site=ham"><client name="db-1" ip="10.0.0.3"/></group>
  </group>
  <client name="lone" ip="10.0.0.4"/>`;

const rulesOf = (config: ReturnType<typeof load>, name: string) =>
  clientOf(config, name)
    .rules.filter(({ origin }) => origin === 'file')
    .map((rule) => `${rule.name} ${rule.warning ?? ''}/${rule.critical ?? ''}`);

/** Returns the warnings, except those about missing private keys, which these clients do not have. */
const warningsOf = ({ warnings }: ReturnType<typeof load>) =>
  warnings.flatMap(({ message }) => (message.includes('private key') ? [] : [message]));

test('labels are merged from the outside inwards, and the inner value of a name wins', () => {
  const config = loadText(`<config labels="org=acme site=none">${fleet}</config>`);
  assert.deepEqual(config.labels, { org: 'acme', site: 'none' });
  assert.deepEqual(clientOf(config, 'web-2').labels, { org: 'acme', site: 'ber', role: 'web' });
  assert.deepEqual(clientOf(config, 'db-1').labels, { org: 'acme', site: 'ham', role: 'db' });
  assert.deepEqual(clientOf(config, 'lone').labels, { org: 'acme', site: 'none' });
  assert.equal(clientOf(config, 'web-1').labels, clientOf(config, 'web-2').labels, 'clients share them');
});

test('<mail>, <webhook>, <window> and <alert> may be for some of the clients around them', () => {
  const config = load(`<alerts mail="ops@example.org">
      <mail to="ber@example.org" labels="site=ber"/><mail to="web@example.org" clients="web-*,!web-2"/>
      <webhook name="chat" url="https://example.org/x" labels="role=db"/>
      <window start="02:00" duration="1h" labels="site=ham"/>
      <alert type="cpu" limit="90%"/><alert type="cpu" limit="50%" labels="site=ber,role!=db"/>
      <alert type="swap" limit="10%" clients="db-*"/>
    </alerts>${fleet}`);
  assert.deepEqual(recipientsOf(clientOf(config, 'web-1')), ['ops@example.org', 'ber@example.org', 'web@example.org']);
  assert.deepEqual(recipientsOf(clientOf(config, 'web-2')), ['ops@example.org', 'ber@example.org']);
  assert.deepEqual(recipientsOf(clientOf(config, 'db-1')), ['ops@example.org', 'webhook:chat']);
  assert.deepEqual(recipientsOf(clientOf(config, 'lone')), ['ops@example.org']);
  assert.deepEqual(pluckAll(config.alerts.recipients, 'to'), [['ops@example.org']], 'and not for the fleet');
  assert.equal(clientOf(config, 'db-1').windows.length, 1);
  assert.equal(clientOf(config, 'web-1').windows.length, 0);
  assert.deepEqual(rulesOf(config, 'web-1'), ['cpu /90', 'cpu 2 /50']);
  assert.deepEqual(rulesOf(config, 'db-1'), ['cpu /90', 'swap /10']);
  assert.deepEqual(rulesOf(config, 'lone'), ['cpu /90']);
  assert.deepEqual(warningsOf(config), []);
});

test('a rule for some clients overrides, tunes and ends what is further out for these alone', () => {
  const config = load(`<alerts mail="ops@example.org"><alert type="cpu" limit="90%"/>
      <alert name="memory" limit="70%" clients="web-1"/></alerts>
    <group name="g"><alert name="cpu" limit="60%" clients="web-1"/><alert type="inodes" enabled="no" clients="web-2"/>
      <client name="web-[1-2]" ip="10.0.0.[1-2]"/></group>`);
  assert.deepEqual(rulesOf(config, 'web-1'), ['cpu /60']);
  assert.deepEqual(rulesOf(config, 'web-2'), ['cpu /90']);
  const memoryOf = (name: string) => clientOf(config, name).rules.find((rule) => rule.name === 'memory')?.critical;
  assert.equal(memoryOf('web-1'), 70);
  assert.notEqual(memoryOf('web-2'), 70);
  const hasInodes = (name: string) => clientOf(config, name).rules.some((rule) => rule.type === 'inodes');
  assert.deepEqual([hasInodes('web-1'), hasInodes('web-2')], [true, false]);
});

test('what is for some clients may be tuned further in, and replace recipients', () => {
  const config =
    load(`<alerts mail="ops@example.org"><alert name="big" type="disk" limit="90%" labels="role=db"/></alerts>
    <group labels="role=db" recipients="replace"><alert name="big" limit="95%"/>
      <mail to="a@example.org" labels="site=ber"/><mail to="b@example.org" labels="site!=ber"/>
      <client name="db-[1-2]" ip="10.0.0.[1-2]" labels="site=ber"/><client name="db-3" ip="10.0.0.3"/></group>
    <client name="web" ip="10.0.0.4"/>`);
  assert.deepEqual(rulesOf(config, 'db-1'), ['big /95']);
  assert.deepEqual(recipientsOf(clientOf(config, 'db-2')), ['a@example.org']);
  assert.deepEqual(recipientsOf(clientOf(config, 'db-3')), ['b@example.org']);
  assert.deepEqual([rulesOf(config, 'web'), warningsOf(config)], [[], []]);
});

test('a rule of events for some clients is theirs, and a condition of the fleet is for nobody alone', () => {
  const event = '<alert type="event" service="backup" within="26h" labels="site=ber"/>';
  const config = load(`<serve><events/></serve><alerts mail="ops@example.org">${event}</alerts>${fleet}`);
  assert.deepEqual(
    pluckAll(
      [...config.alerts.rules].filter(({ origin }) => origin === 'file'),
      'name',
    ),
    [],
  );
  assert.deepEqual(rulesOf(config, 'web-1').length, 1);
  assert.deepEqual(rulesOf(config, 'lone').length, 0);
  const words = /"collector-silent" concerns the whole fleet; write it without clients and labels/;
  assertFault(
    `<alerts mail="a@example.org"><alert name="collector-silent" enabled="no" labels="site=ber"/></alerts>${fleet}`,
    words,
  );
});

test('a window for some clients is one window, and members of a range have their own rules', () => {
  const config = load(`<alerts mail="ops@example.org"><window start="02:00" duration="1h" labels="site=ber"/>
      <mail to="x@example.org" rules="heavy"/><alert name="heavy" type="load" limit="8" clients="web-1"/></alerts>
    <client name="db-9" ip="10.0.0.9" labels="site=ber"><mail to="db@example.org"/></client>${fleet}`);
  assert.equal(new Set(config.clients.flatMap(({ windows }) => windows)).size, 1);
  assert.deepEqual(warningsOf(config), []);
});

test('a written rule reaches nobody where its only <notify> is for others', () => {
  const notify = '<notify command="/bin/page" labels="site=ber"/>';
  const rule = '<alerts><alert type="cpu" limit="90%"/></alerts>';
  assertFault(`${notify}${rule}${fleet}`, /<alert> "cpu" would reach nobody for db-1 and lone/);
  const config = load(`<notify command="/bin/page" labels="site=fra"/><alerts mail="a@example.org"/>${fleet}`);
  assert.deepEqual(warningsOf(config), ['<notify command="/bin/page"> selects no client; see its clients and labels']);
});

test('clients with the same of these elements share rules and recipients', () => {
  const config = load(`<alerts><mail to="a@example.org" clients="web-*"/></alerts>
    <client name="web-[1-3]" ip="10.0.0.[1-3]"/><client name="db" ip="10.0.0.9"/>`);
  const [one, two, , db] = config.clients;
  assert.equal(one?.recipients, two?.recipients);
  assert.equal(one?.rules, two?.rules);
  assert.deepEqual(db?.recipients, []);
});

test('a <notify> for some clients', () => {
  const config = load(`<notify command="/bin/page" labels="site=ber"/><notify command="/bin/all"/>${fleet}`);
  const [page, all] = config.notify;
  assert.equal(all?.selects, null);
  assert.deepEqual(
    config.clients.filter((client) => page?.selects?.(client) === true).map(({ name }) => name),
    ['web-1', 'web-2'],
  );
});

test('an element that selects no client is a warning, and what is wrong with it is said once', () => {
  const config = load(`<alerts mail="ops@example.org"><mail to="x@example.org" labels="site=fra"/></alerts>${fleet}`);
  assert.deepEqual(warningsOf(config), ['<mail> selects no client; see its clients and labels']);
  const faulty = faultsOfText(
    `<config><alerts mail="a@example.org"><alert type="cpu" limit="90%" fstype="ext4"/>
      <mail to="b@example.org" clients="web-1"/></alerts>${fleet}</config>`,
  );
  assert.equal(faulty.filter((line) => line.includes('fstype')).length, 1, faulty.join('\n'));
});

for (const [children, words] of [
  ['<client ip="10.0.0.1" labels="site"/>', /<client> labels="site" are no labels; write them like role=web site=ber/],
  ['<client ip="10.0.0.1" labels="a=1,b=2"/>', /are no labels/],
  ['<client ip="10.0.0.1" labels="a=1 a=2"/>', /are no labels/],
  ['<client ip="10.0.0.1" labels="a=b=c"/>', /are no labels/],
  ['<client ip="10.0.0.1" labels="severity=none"/>', /and none that alerts have/],
  [
    '<alerts><mail to="a@example.org" labels="site"/></alerts><client ip="10.0.0.1"/>',
    /<mail> labels="site" selects no labels/,
  ],
] as const) {
  test(`refused: ${children}`, () => {
    assertFault(children, words);
  });
}

test('labels of <config> are checked too, and an included file has none', () => {
  const [fault = ''] = faultsOfText('<config labels="site"><client ip="10.0.0.1"/></config>');
  assert.match(fault, /:1: <config> labels="site" are no labels/);
  assertFault('<include file="x.xml"/>', /x\.xml:1: <config> has no attribute labels here/, {
    'x.xml': '<config labels="site=ber"><client ip="10.0.0.1"/></config>',
  });
});

test('clients are chosen by labels, also among those that are named', () => {
  const config = load(fleet);
  const names = (labels: string, named: readonly string[] = []) =>
    selectClients(config, { names: named, groups: [], labels }).map(({ name }) => name);
  assert.deepEqual(names('site=ber'), ['web-1', 'web-2']);
  assert.deepEqual(names('role!=web'), ['db-1', 'lone']);
  assert.deepEqual(names('site=ber', ['web-1', 'db-1']), ['web-1']);
  assert.throws(() => names('site=fra'), /no client has the labels "site=fra"/);
  assert.throws(() => names('ber'), /"ber" selects no labels/);
});

test('a command that is limited by labels alone is not for the whole fleet', () => {
  const nothing = { clients: [], group: null };
  assert.deepEqual(
    [isWholeFleet({ ...nothing, label: null }), isWholeFleet({ ...nothing, label: 'site=ber' })],
    [true, false],
  );
});

test('labels and conditions', () => {
  assert.deepEqual(parseClientLabels('  role=web\tsite=ber '), { role: 'web', site: 'ber' });
  assert.equal(parseClientLabels(Array.from({ length: 21 }, (_, index) => `l${index}=1`).join(' ')), null);
  for (const text of ['', 'a', 'a=', '=b', 'a==b', 'a=b,,c=d', 'a=b c'])
    assert.equal(parseLabelSelector(text), null, text);
  const conditions = parseLabelSelector(' site = ber , role != db ') ?? [];
  assert.equal(hasLabels({ site: 'ber' }, conditions), true);
  assert.equal(hasLabels({ site: 'ber', role: 'db' }, conditions), false);
  assert.equal(hasLabels({ role: 'web' }, conditions), false);
});
