/** The words of a mail for chats, and for programs that keep incidents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { composeMail, stateOf, summaryOf } from '../../../src/alerter/compose/compose-mail.ts';
import { composeNotice, noticeAlertOf } from '../../../src/alerter/compose/compose-notice.ts';
import { pagerdutyEvents } from '../../../src/notify/webhook/incidents.ts';
import { messageText } from '../../../src/notify/webhook/message-text.ts';
import type { Notice } from '../../../src/notify/webhook/notice.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { configOf } from '../support/config-of.ts';
import { progressAt } from '../support/dispatch-world.ts';
import { dueMail, itemFor, type Said } from '../support/due-mails.ts';
import { now } from '../support/mail-samples.ts';

const config = configOf(`<smtp host="mail.example.org" from="fleet@example.org"/><alerts mail="ops@example.org"/>
  <bastion name="gate" ip="192.0.2.9" username="u"/><client name="hv-1" ip="192.0.2.1" username="u"/>
  <client name="vm-[1-3]" ip="192.0.2.[11-13]" username="u" on="hv-1"/>
  <client name="edge-[1-2]" ip="192.0.2.[21-22]" username="u" proxyJump="gate"/>`);
const lost = (client: string, over: Partial<Said> = {}): Said => ({
  client,
  rule: 'unreachable',
  transition: 'firing',
  valueText: 'network: connect ETIMEDOUT',
  ...over,
});

function noticeOf(said: readonly Said[]): Notice {
  const mail = dueMail(config, said);
  return composeNotice(mail, composeMail({ mail, config, nowMs: now, charts: new Map(), program: 'x' }), now, config);
}

function linesOf(said: readonly Said[], lines = 4_000): readonly string[] {
  return messageText(noticeOf(said), { unit: 'bytes', title: 250, lines }, 'none').lines.split('\n');
}

interface Event {
  readonly event_action: string;
  readonly dedup_key: string;
  readonly payload?: { readonly summary: string };
}

const all = ['hv-1', 'vm-1', 'vm-2', 'vm-3'];

test('clients on a parent that is away are one line of a chat, with the parent, and one incident', () => {
  const said = all.map((client) => lost(client));
  assert.deepEqual(linesOf(said), [
    'CRITICAL hv-1: unreachable with 3 of 3 on it: connect ETIMEDOUT',
    'hv-1, vm-1, vm-2, vm-3',
  ]);
  const events = pagerdutyEvents(noticeOf(said)) as readonly Event[];
  assert.deepEqual(
    events.map(({ event_action: action, payload }) => [action, payload?.summary]),
    [['trigger', 'hv-1: unreachable with 3 of 3 on it: network: connect ETIMEDOUT']],
  );
});

test("the end of a group's alert says in PagerDuty too who is still away", () => {
  const valueText = 'web: 6 of 8 serve again; still away: web-4';
  const group = { client: '', rule: 'group-short', subject: 'web' } as const;
  const notice = noticeOf([{ ...group, transition: 'resolved', valueText }]);
  const [event] = pagerdutyEvents(notice) as readonly Event[];
  assert.deepEqual(
    [event?.event_action, event?.payload?.summary],
    ['resolve', 'web: 6 of 8 serve again; still away: web-4'],
  );
});

test('a name that begins the title begins the value of no line, event or document again', () => {
  for (const said of [
    { client: '', rule: 'group-short', subject: 'web', valueText: 'web: 5 of 8 serve, 6 needed' },
    { client: 'hv-1', rule: 'raid', subject: 'md0', valueText: 'md0: degraded' },
    { client: 'hv-1', rule: 'x', subject: '', valueText: 'hv-1: away' },
  ] as const) {
    const name = said.subject || said.client;
    const notice = noticeOf([{ transition: 'firing', ...said }]);
    const [text = ''] = messageText(notice, { unit: 'bytes', title: 250, lines: 4_000 }, 'none').lines.split('\n');
    const [event] = pagerdutyEvents(notice) as readonly Event[];
    for (const one of [text, event?.payload?.summary ?? '']) {
      assert.equal(one.split(name).length, 2, one);
      assert.ok(one.includes(said.valueText.slice(name.length + 2)), one);
    }
  }
});

test('so is their end, and so are clients behind a bastion; another alert has a line of its own', () => {
  const over = all.map((client) => lost(client, { transition: 'resolved', valueText: 'reachable' }));
  const others = ['edge-1', 'edge-2'].map((client, at) => lost(client, { valueText: `network: ${at}` }));
  assert.deepEqual(linesOf([...others, lost('vm-2', { rule: 'disk', subject: '/', valueText: '97 %' }), ...over]), [
    'CRITICAL bastion gate: 2 of 2 behind it unreachable',
    'edge-1, edge-2',
    'CRITICAL vm-2: disk /: 97 %',
    'Over hv-1: reachable again with 3 of 3 on it',
    'hv-1, vm-1, vm-2, vm-3',
  ]);
});

test('a line that does not fit counts all of its clients', () => {
  const [first, ...rest] = linesOf([...all.map((client) => lost(client)), lost('edge-1', { valueText: 'x' })], 75);
  assert.match(first ?? '', /^CRITICAL/);
  assert.equal(rest.at(-1), 'and 4 more');
});

test('each alert of several says for how long nobody acknowledged it, and so does the incident', () => {
  const ignored = [lost('edge-1'), lost('vm-1', { rule: 'disk', subject: '/', valueText: '97 %' })].map((one) => ({
    ...one,
    unacknowledgedMs: 900_000,
  }));
  assert.deepEqual(linesOf(ignored), [
    'CRITICAL edge-1: unreachable: network: connect ETIMEDOUT, not acknowledged for 15 min',
    'CRITICAL vm-1: disk /: 97 %, not acknowledged for 15 min',
  ]);
  const events = pagerdutyEvents(noticeOf(ignored)) as readonly Event[];
  for (const { payload } of events) assert.match(payload?.summary ?? '', /, not acknowledged for 15 min$/);
});

test("a parent's line is acknowledged only if all of its alerts are", () => {
  const acknowledged = { acknowledgedBy: 'kim', acknowledgedAtMs: now, acknowledgedUntilMs: null };
  const said = (some: readonly string[]) =>
    all.map((client) => lost(client, some.includes(client) ? acknowledged : {}));
  assert.match(linesOf(said(all))[0] ?? '', /, acknowledged by kim$/);
  assert.doesNotMatch(linesOf(said(['hv-1']))[0] ?? '', /acknowledged/);
});

/** The state of an alert for other programs. */
const states: readonly (readonly [over: Partial<Said>, state: string])[] = [
  [{}, 'firing'],
  [{ transition: 'escalated' }, 'firing'],
  [{ transition: 'eased' }, 'firing'],
  [{ transition: 'steady' }, 'firing'],
  [{ transition: 'flapping' }, 'firing'],
  [{ transition: 'reminder' }, 'reminder'],
  [{ transition: 'acknowledged' }, 'reminder'],
  [{ transition: 'resolved' }, 'resolved'],
  [{ transition: 'ended', closedReason: 'gone' }, 'resolved'],
  [{ transition: 'past' }, 'resolved'],
  [{ transition: 'past', closedReason: 'event' }, 'event'],
  [{ transition: 'past', closedReason: 'event', listedOnly: true }, 'resolved'],
];
for (const [over, state] of states) {
  test(`state of ${over.transition ?? 'firing'} ${over.closedReason ?? ''}`.trim(), () =>
    assert.equal(stateOf(itemFor(config, lost('vm-1', over))), state),
  );
}

const warning = { severity: 'warning' } as const;
const event = { transition: 'past', closedReason: 'event' } as const;
/** The state and severity of a whole mail: of its most important item, and no severity of what is over. */
const summaries: readonly (readonly [items: readonly Partial<Said>[], state: string, severity: string])[] = [
  [[{ ...warning }, { transition: 'resolved' }], 'firing', 'warning'],
  [[{ transition: 'reminder' }, { ...event, ...warning }], 'event', 'critical'],
  [[{ transition: 'resolved' }, { transition: 'reminder', ...warning }], 'reminder', 'warning'],
  [[{ transition: 'resolved' }, { transition: 'past' }], 'resolved', 'none'],
  [[], 'resolved', 'none'],
];
for (const [items, state, severity] of summaries) {
  test(`summary: ${items.map(({ transition = 'firing' }) => transition).join(', ') || 'nothing'}`, () => {
    const said = items.map((over) => itemFor(config, lost('vm-1', over)));
    assert.deepEqual(summaryOf(said), { state, severity });
  });
}

test('a program hears of an end, of what comes and goes, of changes and of the acknowledgement in force', () => {
  const alertOf = (over: Partial<Said>) => noticeAlertOf(itemFor(config, lost('vm-1', over)), now, config);
  const change = { kind: 'file', item: '/etc/a', before: null, after: 'f', more: 0, moreKind: null } as const;
  const times = { earliestAtMs: 0, latestAtMs: 0, beforeMs: 240_000, group: null, chance: 0.01 } as const;
  const changes = [{ ...change, ...times, failing: [1, 1], others: [0, 0] } as const];
  const cause = { atMs: 0, changes, allOf: null, configBeforeMs: null };
  const firing = alertOf({ cause, flapping: true, note: 'call kim' });
  assert.equal(firing.changes, 'Changed before it: new /etc/a, 4 min before.');
  assert.deepEqual([firing.comesAndGoes, firing.endsAtMs, firing.note], [true, null, 'call kim']);
  const over = alertOf({ cause, flapping: true, transition: 'resolved', resolvedAtMs: now - 5 });
  assert.deepEqual([over.changes, over.comesAndGoes, over.endsAtMs, over.note], [undefined, undefined, now - 5, null]);
  assert.equal(alertOf({ ...event, resolvedAtMs: null }).endsAtMs, now);
  assert.equal(alertOf({ acknowledgedBy: 'kim', acknowledgedUntilMs: now + 1 }).acknowledgedBy, 'kim');
  assert.equal(alertOf({ acknowledgedBy: 'kim', acknowledgedUntilMs: now - 1 }).acknowledgedBy, null);
});

test('a mail that is critical by its news, while all newest values are good, says so', () => {
  const clearing = { holding: 0, holdingSinceMs: 0, clearing: 1, missing: 0, easing: 0, lastAtMs: now };
  assert.equal(noticeOf([lost('vm-1')]).newest, undefined);
  assert.equal(noticeOf([lost('vm-1', { progress: clearing })]).newest, 'warning');
  assert.equal(noticeOf([lost('vm-1', { progress: { ...clearing, clearing: 0, easing: 1 } })]).newest, 'warning');
  assert.equal(noticeOf([lost('vm-1', { progress: clearing }), lost('edge-1')]).newest, undefined);
  assert.equal(noticeOf([lost('vm-1', { ...warning, progress: clearing })]).newest, undefined);
  const over = lost('edge-1', { transition: 'resolved' });
  assert.equal(noticeOf([lost('vm-1', { progress: clearing }), over]).newest, 'warning');
});

test('a chat says what clients beside an unreachable one saw, once for a line of several', () => {
  const beside = { from: 'fra-1', port: 22, seen: [['vm-3', 'reached'] as [string, 'reached']], near: 1 };
  const look = { beside, atMs: now - minuteMs, code: null, reachedBefore: [] };
  const looks = new Map(['vm-1', 'vm-2'].map((name) => [name, look]));
  const shown = (said: readonly Said[]): readonly string[] => {
    const mail = dueMail(config, said);
    const words = composeMail({ mail, config, nowMs: now, charts: new Map(), program: 'x' });
    const notice = composeNotice(mail, words, now, config, looks);
    return messageText(notice, { unit: 'bytes', title: 250, lines: 4000 }, 'none').lines.split('\n').slice(1);
  };
  const sentence = 'vm-3 reaches its port 22: the way from fra-1 to it is broken, or it drops what comes from fra-1.';
  assert.deepEqual(shown([lost('vm-1', { progress: progressAt(now - minuteMs) })]), [
    `Seen from beside it: ${sentence}`,
  ]);
  assert.deepEqual(shown([lost('vm-1', { transition: 'resolved' })]), []);
  const [names, told, ...rest] = shown(all.map((client) => lost(client)));
  assert.deepEqual([names, told, rest], [all.join(', '), `Seen from beside vm-1 at 10:04: ${sentence}`, []]);
});

test('a chat and a program hear of a group what was seen of its members from beside', () => {
  const beside = { from: 'fra-1', port: 22, seen: [['vm-3', 'no answer'] as [string, 'no answer']], near: 1 };
  const looks = new Map([['vm-1', { beside, atMs: now, code: null, reachedBefore: ['vm-3'] }]]);
  const mail = dueMail(config, [lost('hv-1'), lost('vm-1'), lost('vm-2')]);
  const [group, ...carries] = mail.items;
  assert.ok(group);
  const items = [{ ...group, carries }, ...carries.map((item) => ({ ...item, below: 'web' }))];
  const words = composeMail({ mail, config, nowMs: now, charts: new Map(), program: 'x' });
  const { alerts } = composeNotice({ ...mail, items }, words, now, config, looks);
  assert.deepEqual(
    alerts.map(({ beside: told }) => told),
    ['Seen from beside vm-1: vm-3 gets no answer from it either.'],
  );
});

test('a program hears of a member below its group only once the member has ended', () => {
  const mail = dueMail(config, [lost('hv-1'), lost('vm-1'), lost('vm-2', { transition: 'resolved' })]);
  const items = mail.items.map((item) => (item.client === 'hv-1' ? item : { ...item, below: 'web' }));
  const words = composeMail({ mail, config, nowMs: now, charts: new Map(), program: 'x' });
  const notice = composeNotice({ ...mail, items }, words, now, config);
  assert.deepEqual(
    notice.alerts.map(({ client, state: told }) => `${client} ${told}`),
    ['hv-1 firing', 'vm-2 resolved'],
  );
});

test('at the end of the alert of a group, programs that keep states are told who is still away', () => {
  const group: Said = {
    client: '',
    rule: 'group-short',
    subject: 'web',
    transition: 'firing',
    valueText: 'web: 5 of 8 serve',
  };
  const [short, again] = [group, { ...group, transition: 'resolved' as const, valueText: 'web: 7 of 8 serve again' }];
  const noticeWith = (above: Said, members: readonly Said[]): Notice => {
    const mail = dueMail(config, [above, ...members]);
    const items = mail.items.map((item) => (item.client === '' ? item : { ...item, below: 'web' }));
    const sections = mail.sections.map((section) => ({
      ...section,
      rules: section.rules.filter(({ lines }) =>
        lines.every((line) => line.items.every(({ client }) => client === '')),
      ),
    }));
    const due = { ...mail, items, sections: sections.filter(({ rules }) => rules.length > 0) };
    return composeNotice(
      due,
      composeMail({ mail: due, config, nowMs: now, charts: new Map(), program: 'x' }),
      now,
      config,
    );
  };
  const began = noticeWith(short, [lost('vm-1'), lost('vm-2')]);
  assert.deepEqual(
    began.alerts.map(({ client, state }) => [client, state]),
    [['', 'firing']],
  );
  const end = noticeWith(again, [lost('vm-1', { transition: 'eased' }), lost('vm-2', { transition: 'resolved' })]);
  assert.deepEqual(end.alerts.map(({ client, state }) => `${client} ${state}`).sort(), [
    ...[' resolved', 'vm-1 firing', 'vm-2 resolved'],
  ]);
  const events = pagerdutyEvents(end) as readonly Event[];
  const [trigger, ...others] = events.filter(({ event_action: action }) => action === 'trigger');
  assert.equal(others.length, 0);
  assert.ok(events.every((event) => event === trigger || event.dedup_key !== trigger?.dedup_key));
  assert.match(trigger?.payload?.summary ?? '', /^vm-1: unreachable/);
});
