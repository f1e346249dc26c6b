import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyed } from '../../about/support/keyed.ts';
import { openMutes } from '../../../src/alerter/inhibit/mutes.ts';
import { findRule, ruleLists } from '../../../src/config/rules/rule-matcher.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';
import { outsideHours } from '../../../src/config/recipients/listeners.ts';
import { createWatches } from '../../../src/alerter/inhibit/watches.ts';
import { createStandIns, worstOfFleet } from '../../../src/alerter/inhibit/stand-ins.ts';
import { nameIfKind, recipientOf } from '../../../src/config/values/recipient-kinds.ts';
import { namedRecipients } from '../../../src/config/recipients/fleet-recipients.ts';

/** Returns the recipients of a client's rule, as `ops (warning), oncall (critical)`. */
function listenersOf(elements: string, client: string, rule: string, subject = ''): string {
  const { listeners } = createWatches(configOf(elements))(keyed({ client, rule, subject }));
  return [...listeners.values()].map(({ recipient, least }) => `${recipient.replace(/@.*/, '')} (${least})`).join(', ');
}

const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
const smtp = '<smtp host="localhost" fallback="root@localhost"/>';

const ops = '<mail to="ops@x.org"/>';
const urgent = (name: string): string => `<mail to="${name}@x.org" severity="critical"/>`;
const oncall = urgent('oncall');
const pagedBy = (more: string): string => `${smtp}<notify command="/usr/bin/page" ${more}/>${client}`;
const heeding = (name: string, rules: string): string => `<mail to="${name}@x.org" rules="${rules}"/>`;

/** Returns the elements of a fleet with one client and these children of <alerts>. */
const alerts = (children: string): string => `<alerts>${children}</alerts>${client}`;

const cases: readonly {
  readonly name: string;
  readonly elements: string;
  readonly rule: string;
  readonly expected: string;
}[] = [
  { name: 'by severity', elements: alerts(ops + oncall), rule: 'disk', expected: 'ops (warning), oncall (critical)' },
  {
    name: 'by rule',
    elements: alerts(heeding('ops', 'mem*') + heeding('dba', 'disk*')),
    rule: 'disk',
    expected: 'dba (warning)',
  },
  {
    name: 'named twice, the least counts',
    elements: alerts(urgent('ops') + heeding('ops', 'disk')),
    rule: 'disk',
    expected: 'ops (warning)',
  },
  {
    name: 'the rule’s own',
    elements: alerts(`${ops}<alert type="disk" limit="90%" mail="storage@x.org"/>`),
    rule: 'disk',
    expected: 'storage (warning)',
  },
  {
    name: 'the rule’s own, which is nobody, and a default',
    elements: smtp + alerts(`${ops}<alert name="disk" mail="none"/>`),
    rule: 'disk',
    expected: '',
  },
  { name: 'a default goes to fallback', elements: `${smtp}${client}`, rule: 'disk', expected: 'root (warning)' },
  {
    name: 'a condition goes to fallback',
    elements: `${smtp}${client}`,
    rule: 'unreachable',
    expected: 'root (warning)',
  },
  {
    name: 'a default whose levels nobody asks for goes to fallback',
    elements: smtp + alerts(oncall),
    rule: 'not-trusted',
    expected: 'oncall (critical), root (warning)',
  },
  {
    name: 'a default of which one level is heard does not',
    elements: smtp + alerts(oncall),
    rule: 'disk',
    expected: 'oncall (critical)',
  },
  { name: 'muted', elements: `${smtp}${client.replace('/>', ' mail="none"/>')}`, rule: 'disk', expected: '' },
  { name: 'nobody, and no fallback', elements: client, rule: 'disk', expected: '' },
  {
    name: 'a command hears like a person',
    elements: pagedBy('severity="critical"'),
    rule: 'disk',
    expected: '|/usr/bin/page (critical)',
  },
  {
    name: 'a command that asks for other rules',
    elements: pagedBy('rules="memory"'),
    rule: 'disk',
    expected: 'root (warning)',
  },
  {
    name: 'a written rule that Alertmanager alone gets does not go to fallback',
    elements: `${smtp}<alertmanager url="http://localhost:9093"/><alerts><alert type="disk" limit="9%"/></alerts>${client}`,
    rule: 'disk',
    expected: '',
  },
  { name: 'a rule that is not in force', elements: `${smtp}${client}`, rule: 'nothing', expected: '' },
  {
    name: 'a client that is retired',
    elements: `${smtp}${client.replace('/>', ' state="retired"/>')}`,
    rule: 'disk',
    expected: '',
  },
];

for (const { name, elements, rule, expected } of cases) {
  test(name, () => assert.equal(listenersOf(elements, 'web-1', rule), expected));
}

test('fleet alerts go to the recipients of <alerts>, else to those of clients, else to fallback', () => {
  const group = `<group name="g" mail="web@x.org">${client}</group>`;
  assert.equal(listenersOf(`<alerts><mail to="ops@x.org"/></alerts>${group}`, '', 'collector-silent'), 'ops (warning)');
  assert.equal(listenersOf(`${smtp}${group}`, '', 'collector-silent'), 'web (warning)');
  const both = `<alerts>${oncall}</alerts>${group}`;
  assert.equal(listenersOf(both, '', 'collector-silent'), 'oncall (critical)');
  assert.equal(listenersOf(both, '', 'collector-isolated'), 'oncall (critical)');
  assert.equal(listenersOf(both, '', 'state-disk'), 'oncall (critical), web (warning)');
  assert.equal(listenersOf(`${smtp}${client}`, '', 'collector-silent'), 'root (warning)');
  assert.equal(listenersOf(`${smtp}${group}`, '', 'disk'), '');
});

test('what concerns the fleet reaches somebody, whatever rules and severities the recipients ask for', () => {
  const disk = `<alerts><mail to="dba@x.org" rules="disk"/></alerts>${client}`;
  assert.equal(listenersOf(disk, '', 'collector-silent'), 'dba (warning)');
  assert.equal(listenersOf(`${smtp}${disk}`, '', 'collector-silent'), 'dba (warning)');
  const both =
    '<alerts><mail to="dba@x.org" rules="disk"/><mail to="oncall@x.org" ' + `severity="critical"/></alerts>${client}`;
  assert.equal(listenersOf(both, '', 'collector-silent'), 'oncall (critical)');
  assert.equal(listenersOf(both, '', 'state-disk'), 'dba (warning), oncall (critical)');
  assert.equal(listenersOf(alerts(oncall), '', 'state-disk'), 'oncall (warning)');
  assert.equal(listenersOf(smtp + alerts(oncall), '', 'state-disk'), 'oncall (critical), root (warning)');
  const muted =
    '<alerts><mail to="dba@x.org" rules="disk"/><alert name="collector-silent" ' + `mail="none"/></alerts>${client}`;
  assert.equal(listenersOf(muted, '', 'collector-silent'), '');
  const paged = `<notify command="/usr/bin/page"/>${disk}`;
  assert.equal(listenersOf(paged, '', 'collector-silent'), '|/usr/bin/page (warning)');
  const pagedOfOne = paged.replace('page"', 'page" clients="web-1"');
  assert.equal(listenersOf(pagedOfOne, '', 'collector-silent'), 'dba (warning)');
});

test('a client that is not in config.xml is heard by nobody', () => {
  assert.equal(listenersOf(`${smtp}${client}`, 'web-9', 'disk'), '');
});

test('a command is known from an address', () => {
  assert.equal(nameIfKind('command', recipientOf('command', '/usr/bin/page --now')), '/usr/bin/page --now');
  assert.equal(nameIfKind('command', 'ops@example.org'), null);
});

test('in rules, a word that is a type means every rule of the type, whatever its name is', () => {
  const config = configOf(`<alerts><mail to="pager@example.org" rules="disk,unreachable"/>
    <alert name="data" type="disk" mount="/data" limit="95%"/><window start="02:00" duration="1h" rules="disk"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`);
  const watchOf = createWatches(config);
  const heard = ['disk', 'data', 'unreachable', 'memory'].filter(
    (rule) => watchOf(keyed({ client: 'web-1', rule })).listeners.size > 0,
  );
  assert.deepEqual(heard, ['disk', 'data', 'unreachable']);
  const key = { about: 'client', client: 'web-1', subject: '/data', severity: 'critical' } as const;
  const silence = { id: 1, client: '*', rule: 'disk', subject: '*', author: 'kim', comment: '' };
  const atMs = Date.UTC(2026, 10, 20, 12);
  const mutes = openMutes({ config, silences: [{ ...silence, startsAtMs: atMs, endsAtMs: atMs + 1000 }] });
  assert.equal(mutes.reasonsAt({ ...key, rule: 'data' }, atMs).length, 1);
  assert.equal(mutes.reasonsAt({ ...key, rule: 'memory' }, atMs).length, 0);
});

test('a lost canary is told beside its path, and by its path only if nobody else hears of it', () => {
  const canary = `<smtp host="localhost" from="fleet@x.org"/><canary to="canary@X.org"/>
    <replies imap="imaps://fleet@x.org" password="p"/>`;
  const told = (children: string): string => listenersOf(canary + alerts(children), '', 'mail-path');
  const elsewhere = '<mail to="kim@y.org"/>';
  const hook = '<webhook name="chat" url="http://localhost/T"/>';
  assert.equal(told(`${ops}${elsewhere}${hook}`), 'kim (warning), webhook:chat (warning)');
  assert.equal(told(ops), 'ops (warning)');
  assert.equal(told(`${ops}<mail to="kim@y.org" rules="disk"/>`), 'ops (warning)');
  assert.equal(listenersOf(canary + alerts(`${ops}${elsewhere}`), '', 'state-disk'), 'ops (warning), kim (warning)');
});

const silent = client.replace('/>', ' mail="none"/>');
const silentGroup = `${silent}${silent.replace('web-1', 'web-2').replace('2.1', '2.2')}</group>`;
/** Recipients of one part of config.xml alone, which a mail that waits is still sent to. */
const named: readonly (readonly [what: string, elements: string])[] = [
  ['alerts', `<alerts>${ops}</alerts>${silent}`],
  ['a client', client.replace('/>', `>${ops}</client>`)],
  ['a rule of all', `<alerts><alert type="disk" limit="90%" mail="ops@x.org"/></alerts>${silent}`],
  ['a rule of a client', client.replace('/>', '><alert type="disk" limit="9%" mail="ops@x.org"/></client>')],
  ['a group whose members are nobody’s', `<group name="web" need="1" mail="ops@x.org">${silentGroup}`],
  ['the rule of such a group', `<group name="web" need="1"><alert name="group-short" mail="ops@x.org"/>${silentGroup}`],
  ['the fallback address', `<smtp host="localhost" fallback="ops@x.org"/>${client}`],
];
for (const [what, elements] of named) {
  test(`whoever hears of alerts is named by config.xml: ${what}`, () => {
    const config = configOf(elements);
    const watchOf = createWatches(config);
    const rules = ruleLists(config).flat();
    const heard = ['', 'web-1'].flatMap((name) =>
      rules.flatMap((rule) => [...watchOf(keyed({ client: name, rule: rule.name, subject: 'web' })).listeners.keys()]),
    );
    assert.deepEqual([[...new Set(heard)], [...namedRecipients(config)]], [['ops@x.org'], ['ops@x.org']]);
  });
}

const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const page = '<notify command="/bin/page"';
const forSome = (which: string): string => `<mail to="some@x.org" ${which}/>`;
const hookFor = (which: string): string => `<webhook name="chat" url="http://localhost/T" ${which}/>`;
const resting = '<client name="web-9" ip="192.0.2.9" username="u" state="paused"/>';
/** The recipients of the alert of the group web. */
const groups: readonly (readonly [what: string, elements: string, group: string, expected: string])[] = [
  ['its own', alerts(ops), 'mail="web@x.org"', 'ops (warning), web (warning)'],
  ['nobody but fallback', smtp, '', 'root (warning)'],
  ['nobody, who shall not hear of it', smtp, 'mail="none"', ''],
  ['a command for all of its members', `${page} clients="web-*"/>`, '', '|/bin/page (warning)'],
  ['a command for one of its members', `${page} clients="web-1"/>`, 'mail="none"', ''],
  ['an address for all of its members', alerts(forSome('clients="web-*"')), '', 'some (warning)'],
  ['an address for all clients but others', alerts(forSome('clients="*,!db-1"')), '', 'some (warning)'],
  [
    'an address for a label of all members',
    alerts(forSome('labels="role=web"')),
    'labels="role=web"',
    'some (warning)',
  ],
  ['nobody who hears of one of its members', alerts(`${ops}${forSome('clients="web-1"')}`), '', 'ops (warning)'],
  ['nobody who hears of all but one', alerts(`${ops}${forSome('clients="web-*,!web-2"')}`), '', 'ops (warning)'],
  ['nobody who hears of a label of none', alerts(`${ops}${forSome('labels="role=db"')}`), '', 'ops (warning)'],
  ['a webhook for all of its members', alerts(hookFor('clients="web-*"')), '', 'webhook:chat (warning)'],
  ['no webhook for one of its members', alerts(`${ops}${hookFor('clients="web-2"')}`), '', 'ops (warning)'],
  ['whoever hears of all that are active', alerts(forSome('clients="web-[12]"')), '', 'some (warning)'],
  ['whoever asks for what its members need', alerts(heeding('ops', 'unreach*')), '', 'ops (warning)'],
  ['nobody who asks for another rule', alerts(heeding('ops', 'disk')), '', ''],
  ['nobody who does not want it', alerts(heeding('ops', 'unreachable,!group-short')), '', ''],
];
for (const [what, elements, group, expected] of groups) {
  test(`the alert of a group goes to ${what}`, () => {
    const fleet = `${elements.replace(client, '')}<group name="web" need="1" ${group}>${two}${resting}</group>`;
    assert.equal(listenersOf(fleet, '', 'group-short', 'web'), expected);
  });
}

test('an alert has the labels of its client or group, or else of the fleet', () => {
  const off = '<alert name="group-short" enabled="no"/>';
  const config = configOf(`<group name="web" need="1" labels="site=fra">${two}</group>
    <group name="off" need="1"><client name="off-[1-2]" ip="192.0.2.[3-4]" username="u" labels="site=ams"/>${off}</group>`);
  const watchOf = createWatches({ ...config, labels: { site: 'ber' } });
  const siteOf = (name: string, rule: string, subject?: string): string => {
    const watch = watchOf(keyed({ client: name, rule, ...(subject === undefined ? {} : { subject }) }));
    return `${watch.labels['site'] ?? 'none'}, ${watch.rule?.name ?? 'no rule'}`;
  };
  assert.deepEqual(
    [siteOf('web-1', 'disk'), siteOf('off-1', 'gone'), siteOf('left', 'disk'), siteOf('', 'collector-silent')],
    ['fra, disk', 'ams, no rule', 'ber, no rule', 'ber, collector-silent'],
  );
  const ofGroups = ['web', 'off', 'left'].map((name) => siteOf('', 'group-short', name));
  assert.deepEqual(ofGroups, ['fra, group-short', 'ber, no rule', 'ber, no rule']);
});

test('the recipients of a group hear of the fleet if nobody else does', () => {
  const group = `<group name="web" need="1" mail="web@x.org">${silentGroup}`;
  assert.equal(listenersOf(group, '', 'collector-silent'), 'web (warning)');
  assert.equal(listenersOf(alerts(ops) + group.replaceAll('web-', 'db-'), '', 'collector-silent'), 'ops (warning)');
});

test('of several entries of a recipient those at once count, or else the soonest', () => {
  const listenerOf = (children: string, client = 'web-1', rule = 'disk') =>
    createWatches(configOf(alerts(children)))(keyed({ client, rule })).listeners.get('ops@x.org');
  const [soon, later] = ['15m', '1h'].map((after) => `<mail to="ops@x.org" after="${after}"/>`);
  assert.equal(listenerOf(`${later}${soon}`)?.afterMs, 900_000);
  const daily = '<mail to="ops@x.org" hours="08:00-18:00"/>';
  const both = listenerOf(`${soon}${daily}`);
  assert.deepEqual([both?.afterMs, Object.keys(both?.hours ?? {})], [undefined, ['warning', 'critical']]);
  const ofFleet = listenerOf(daily.replace('/>', ' severity="critical"/>'), '', 'state-disk');
  assert.deepEqual([ofFleet?.least, Object.keys(ofFleet?.hours ?? {})], ['warning', ['warning', 'critical']]);
});

/** Faults of a collector, and whether they stand for a client that is unreachable since 100 by a run of c1. */
const standIns: readonly (readonly [what: string, fault: Partial<Alert>, stands: boolean])[] = [
  ['which began at that time', {}, true],
  ['which began later', { pendingSinceMs: 101 }, false],
  ['which has not fired', { state: 'pending' }, false],
  ['which had ended', { state: 'resolved', resolvedAtMs: 100 }, false],
  ['which ended later', { state: 'resolved', resolvedAtMs: 101 }, true],
  ['of another collector', { subject: 'c2' }, false],
  ['of another kind', { rule: 'collector-silent' }, false],
  ['which is a client’s', { client: 'web-1' }, false],
];
for (const [what, over, stands] of standIns) {
  test(`a fault of the collector ${what} ${stands ? 'stands' : 'does not stand'} for a client`, () => {
    const fault = alert({ client: '', rule: 'collector-isolated', subject: 'c1', pendingSinceMs: 100, ...over });
    const standInFor = createStandIns({ alerts: [fault], collectorOfRun: new Map([['run', 'c1']]) });
    const of = alert({ client: 'web-1', rule: 'unreachable', firingSinceMs: 100, changedByRun: 'run' });
    assert.deepEqual(
      [standInFor(of), standInFor({ ...of, about: 'fleet', client: '' })],
      [stands ? fault : null, null],
    );
  });
}

test('a fault of the collector is as severe as what it stands for', () => {
  const worst = (severity: string, rule: string): string | null => {
    const config = configOf(alerts(`${ops}<alert name="unreachable" severity="${severity}"/>`));
    const found = findRule(config.alerts.rules, rule);
    return found === null ? null : worstOfFleet(found, config);
  };
  assert.deepEqual(
    [worst('critical', 'collector-isolated'), worst('warning', 'collector-isolated'), worst('critical', 'state-disk')],
    ['critical', 'warning', 'warning'],
  );
});

test('hours that a clock change skips begin again a week later', () => {
  const config = configOf(
    alerts('<mail to="ops@x.org" hours="sun 02:10-02:50"/>').replace('>', ' zone="Europe/Berlin">'),
  );
  const listener = createWatches(config)(keyed({ client: 'web-1', rule: 'disk' })).listeners.get('ops@x.org');
  assert.ok(listener);
  const begins = (now: string): unknown => outsideHours(listener, 'critical', Date.parse(now));
  assert.deepEqual(begins('2026-03-22T12:00Z'), { kind: 'hours', untilMs: Date.parse('2026-04-05T00:10Z') });
  assert.deepEqual(begins('2026-04-04T12:00Z'), { kind: 'hours', untilMs: Date.parse('2026-04-05T00:10Z') });
  assert.equal(begins('2026-04-05T00:10Z'), null);
});
