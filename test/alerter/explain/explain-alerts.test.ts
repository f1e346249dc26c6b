/** Alerts of a client in `explain`: who knows them, who will, and the reasons that hold them back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AlertExplained, RuleExplained } from '../../../src/alerter/explain/explain-alerts.ts';
import type { ClientExplained } from '../../../src/alerter/explain/explain-client.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert, lastNotified, mail, stored } from '../../storage/support/alert-samples.ts';
import { item } from '../../storage/support/samples.ts';
import { pluck } from '../../support/pluck.ts';
import { hourMs, minuteMs, nowMs, storedFleet } from './support/stored-fleet.ts';

const smtp = '<smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>';
const alerts = `<alerts zone="UTC" groupInterval="1s"><mail to="ops@example.org"/>
  <alert type="disk" warning="85%" critical="95%"/><alert type="inodes" limit="90%"/></alerts>`;
const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
const elements = `${smtp}${alerts}${client}`;

/** Returns an alert of a mount that has fired for two hours. */
function firing(subject: string, more: Partial<Alert> = {}): Alert {
  const sinceMs = nowMs - 2 * hourMs;
  const progress = { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: nowMs };
  const since = { pendingSinceMs: sinceMs, firingSinceMs: sinceMs, progress };
  return alert({ subject, changedByRun: null, ...since, ...more });
}

const ended = (subject: string, minutesAgo: number): Alert =>
  firing(subject, {
    state: 'resolved',
    closedReason: 'recovered',
    resolvedAtMs: nowMs - minutesAgo * minuteMs,
    pendingSinceMs: nowMs - minutesAgo * minuteMs - hourMs,
    closedOut: true,
  });

const ruleOf = ({ rules }: ClientExplained, name: string): RuleExplained =>
  rules.find(({ rule }) => rule.name === name) ?? assert.fail(name);
const alertOf = (explained: ClientExplained, subject: string, rule = 'disk'): AlertExplained =>
  ruleOf(explained, rule).alerts.find((one) => one.alert.subject === subject) ?? assert.fail(subject);
const kindsOf = ({ held }: AlertExplained): readonly string[] => held.map(({ reason }) => reason.kind);

test('a rule has its open alerts and the one that ended last, and no alert of another rule', async (t) => {
  const fleet = await storedFleet(t, elements);
  const of = [ended('/old', 90), ended('/new', 10), firing('/a'), firing('/b'), firing('/c', { rule: 'inodes' })];
  await fleet.store({ alerts: of });
  const explained = await fleet.client('web-1');
  const subjects = (rule: string): readonly string[] =>
    ruleOf(explained, rule).alerts.map((one) => `${one.alert.state} ${one.alert.subject}`);
  assert.deepEqual([...subjects('disk')].sort(), ['firing /a', 'firing /b', 'resolved /new']);
  assert.equal(subjects('disk').at(-1), 'resolved /new', 'the open ones come first');
  assert.deepEqual(subjects('inodes'), ['firing /c']);
});

test('rules that nobody asked for are left out', async (t) => {
  const fleet = await storedFleet(t, elements);
  await fleet.store({ alerts: [firing('/a'), firing('/b', { rule: 'inodes' })] });
  const { rules } = await fleet.client('web-1', (rule) => rule === 'inodes');
  assert.deepEqual(
    rules.map(({ rule, alerts: own }) => [rule.name, own.length]),
    [['inodes', 1]],
  );
});

test('each alert has those who were notified, newest first, with a mail that nobody has taken', async (t) => {
  const fleet = await storedFleet(t, elements);
  const notified = [
    lastNotified({ recipient: 'ops@example.org', notifiedAtMs: nowMs - 5 * minuteMs }),
    lastNotified({ recipient: 'boss@example.org', notifiedAtMs: nowMs - 9 * minuteMs, state: 'unsteady' }),
    lastNotified({ recipient: 'new@example.org', notifiedAtMs: nowMs - minuteMs }),
    lastNotified({ alertId: 2, recipient: 'other@example.org' }),
  ];
  await fleet.store({ alerts: [firing('/a'), firing('/b')] });
  await fleet.store({ notifications: { mails: [mail({ notifications: [stored()] })], notified } });
  const { notified: first } = alertOf(await fleet.client('web-1'), '/a');
  assert.deepEqual(
    first.map(({ recipient, state, unsent }) => [recipient, state, unsent?.delivery ?? null]),
    [
      ['new@example.org', 'firing', null],
      ['ops@example.org', 'firing', 'queued'],
      ['boss@example.org', 'firing', null],
    ],
  );
});

test('without <smtp> a mail is written to a file, and a post is sent as ever', async (t) => {
  const webhook = '<webhook name="chat" url="https://hooks.example.org/x"/>';
  const fleet = await storedFleet(t, `${alerts.replace('<alert ', `${webhook}<alert `)}${client}`);
  const [ops, chat] = ['ops@example.org', 'webhook:chat'];
  const notifiedAtMs = nowMs - minuteMs;
  await fleet.store({ alerts: [firing('/a')] });
  await fleet.store({
    notifications: { notified: [ops, chat].map((recipient) => lastNotified({ recipient, notifiedAtMs })) },
  });
  const { notified } = alertOf(await fleet.client('web-1'), '/a');
  const unsentOf = (name: string): unknown => notified.find(({ recipient }) => recipient === name)?.unsent;
  const written = { alertId: 1, recipient: ops, delivery: 'written', sinceMs: notifiedAtMs, error: null };
  assert.deepEqual([unsentOf(ops), unsentOf(chat)], [written, null]);
});

test('a silence of one mount holds back its alert alone; whoever is due is of the other', async (t) => {
  const fleet = await storedFleet(t, elements);
  await fleet.store({ alerts: [firing('/a'), firing('/b'), ended('/c', 5)] });
  const { storage } = fleet;
  const silence = { client: 'web-1', startsAtMs: nowMs - hourMs, endsAtMs: nowMs + hourMs, author: 'kim', comment: '' };
  await storage.operator.addSilence({ ...silence, rule: 'disk', subject: '/a' });
  await storage.operator.addSilence({ ...silence, rule: 'disk', subject: '/c' });
  const observedAtMs = nowMs - minuteMs;
  await storage.reports.ingest([item({ client: 'web-1', observedAtMs })]);
  const explained = await fleet.client('web-1');
  const [a, b, c] = ['/a', '/b', '/c'].map((subject) => alertOf(explained, subject));
  assert.ok(a && b && c);
  assert.deepEqual([kindsOf(a), a.due], [['silence'], []]);
  assert.deepEqual([kindsOf(b), b.due], [[], ['ops@example.org']]);
  assert.deepEqual(kindsOf(c), [], 'what has ended is held back by nothing');
});

test('mutes of a rule name the mounts that they cover, or none if they cover all', async (t) => {
  const fleet = await storedFleet(t, elements);
  const { storage } = fleet;
  await storage.reports.ingest([item({ client: 'web-1', observedAtMs: nowMs - minuteMs })]);
  const silence = { client: 'web-*', rule: 'disk', startsAtMs: nowMs - hourMs, author: 'kim', comment: '' };
  const mounts = ruleOf(await fleet.client('web-1'), 'disk').samples.map(({ subject }) => subject);
  const [mount = ''] = mounts;
  assert.ok(mounts.length > 1 && mount !== '', mounts.join());
  await storage.operator.addSilence({ ...silence, subject: mount, endsAtMs: nowMs + hourMs });
  await storage.operator.addSilence({ ...silence, subject: '*', endsAtMs: nowMs + 2 * hourMs });
  const explained = await fleet.client('web-1');
  assert.deepEqual(
    ruleOf(explained, 'disk').mutes.map(({ reason, subjects }) => [reason.kind === 'silence' && reason.id, subjects]),
    [
      [1, [mount]],
      [2, []],
    ],
  );
  assert.deepEqual(ruleOf(explained, 'inodes').mutes, []);
});

test('a rule without a sample is covered by a silence of all subjects alone', async (t) => {
  const fleet = await storedFleet(t, elements);
  const silence = { client: '*', rule: '*', startsAtMs: nowMs - hourMs, endsAtMs: nowMs + hourMs };
  const by = { author: 'kim', comment: '' };
  await fleet.storage.operator.addSilence({ ...silence, ...by, subject: '*' });
  await fleet.storage.operator.addSilence({ ...silence, ...by, subject: '/a' });
  const { mutes } = ruleOf(await fleet.client('web-1'), 'disk');
  assert.deepEqual(mutes, [{ reason: { kind: 'silence', id: 1, untilMs: nowMs + hourMs }, subjects: [] }]);
});

test('an acknowledgement in force is named once, beside what else holds back; one that ran out is not', async (t) => {
  const fleet = await storedFleet(t, elements);
  await fleet.store({ alerts: [firing('/a'), firing('/b')] });
  const { operator } = fleet.storage;
  await operator.acknowledge([1], 'ann', null, 'on it');
  await operator.acknowledge([2], 'ann', nowMs - minuteMs, null);
  const day = { startsAtMs: nowMs - hourMs, endsAtMs: nowMs + hourMs, author: 'kim', comment: '' };
  await operator.addSilence({ client: 'web-1', rule: '*', subject: '/a', ...day });
  const explained = await fleet.client('web-1');
  const [a, b] = [alertOf(explained, '/a'), alertOf(explained, '/b')];
  assert.deepEqual([...kindsOf(a)].sort(), ['acknowledged', 'silence']);
  const acknowledged = a.held.find(({ reason }) => reason.kind === 'acknowledged');
  assert.deepEqual(acknowledged?.reason, { kind: 'acknowledged', by: 'ann', untilMs: null });
  assert.ok(!kindsOf(b).includes('acknowledged'), kindsOf(b).join());
});

test('mails that nobody has taken are shown to whoever hears of a rule, or has heard of its alert', async (t) => {
  const fleet = await storedFleet(t, elements);
  await fleet.store({ alerts: [firing('/a')] });
  const recipients = ['ops@example.org', 'former@example.org', 'stranger@example.org'];
  const mails = recipients.map((recipient, at) => mail({ recipient, messageId: `<${at}@x>`, notifications: [] }));
  const notified = [lastNotified({ recipient: 'former@example.org' })];
  await fleet.store({ notifications: { mails, notified } });
  const shown = async (isWanted?: (rule: string) => boolean): Promise<readonly string[]> =>
    pluck((await fleet.client('web-1', isWanted)).undelivered, 'recipient')
      .map(String)
      .sort();
  assert.deepEqual(await shown(), ['former@example.org', 'ops@example.org']);
  assert.deepEqual(await shown((rule) => rule === 'inodes'), ['ops@example.org']);
});

test('what changed before is looked for of open alerts alone', async (t) => {
  const fleet = await storedFleet(t, elements);
  await fleet.store({ alerts: [firing('/a'), ended('/b', 5)] });
  const explained = await fleet.client('web-1');
  assert.deepEqual(alertOf(explained, '/a').changed?.cause.changes, []);
  assert.equal(alertOf(explained, '/b').changed, null);
});

test('a window of warnings mutes rules that have no worse level, and no others', async (t) => {
  const rules = '<alert type="disk" warning="85%" critical="95%"/><alert type="inodes" warning="90%"/>';
  const window = '<window start="00:00" duration="24h" severity="warning"/>';
  const fleet = await storedFleet(
    t,
    `<alerts zone="UTC"><mail to="ops@example.org"/>${rules}${window}</alerts>${client}`,
  );
  const explained = await fleet.client('web-1');
  const mutesOf = (rule: string): readonly string[] => ruleOf(explained, rule).mutes.map(({ reason }) => reason.kind);
  assert.deepEqual([mutesOf('disk'), mutesOf('inodes')], [[], ['window']]);
});

test('a silence of an alert that nobody hears of is named after that', async (t) => {
  const fleet = await storedFleet(t, `<alerts><mail to="ops@example.org" rules="inodes"/></alerts>${client}`);
  await fleet.store({ alerts: [firing('/a')] });
  const silence = { client: 'web-1', rule: 'disk', subject: '', author: 'kim', comment: '' };
  await fleet.storage.operator.addSilence({ ...silence, startsAtMs: nowMs - hourMs, endsAtMs: nowMs + hourMs });
  assert.deepEqual(kindsOf(alertOf(await fleet.client('web-1'), '/a')), ['nobody', 'silence']);
});
