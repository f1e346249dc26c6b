/** The mails of a pass over a storage in memory: what is stored of which recipient, and what is read beside a mail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AlertEvent } from '../../../src/alerter/alert-options.ts';
import type { SentMail } from '../../../src/alerter/deliver/sent-mails.ts';
import { enqueueMails } from '../../../src/alerter/pass/enqueue-mails.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { Alert, RuleState } from '../../../src/storage/store/alert.ts';
import type { Silence } from '../../../src/storage/store/operator-store.ts';
import type { WaitingMail } from '../../../src/storage/store/outbox-store.ts';
import type { NewNotifications } from '../../../src/storage/store/notification-store.ts';
import { alert, lastNotified } from '../../storage/support/alert-samples.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { times } from '../../support/times.ts';
import { at } from '../support/rows.ts';
import { memoryPass, type MemoryPassOptions } from './support/memory-pass.ts';

const head = '<smtp host="mail.example.org" from="fleet@example.org"/>';
const rules =
  '<alert type="disk" warning="85%" critical="95%"/><alert type="cpu" limit="90%"/><alert type="service"/>' +
  '<alert type="check"/>';
const clients = '<client name="web-[001-200]" ip="192.0.2.[1-200]" username="u"/>';
const three = `${head}<alerts cause="no"><mail to="ann@example.org"/><mail to="bob@example.org" clients="web-001"/>
  <mail to="kim@example.org" clients="web-002"/>
  <mail to="eve@example.org" clients="web-009" after="5m"/>${rules}</alerts>${clients}`;
const one = `${head}<alerts cause="no"><mail to="ann@example.org"/>${rules}</alerts>${clients}`;

const progress = { holding: 2, holdingSinceMs: at('10:00'), clearing: 0, missing: 0, easing: 0, lastAtMs: at('10:06') };
let lastId = 0;
const fires = (client: string, over: Partial<Alert> = {}): Alert => {
  const since = { pendingSinceMs: at('10:00'), firingSinceMs: at('10:05') };
  return alert({ id: (lastId += 1), client, changedByRun: null, progress, ...since, ...over });
};

async function enqueued(options: MemoryPassOptions) {
  const memory = memoryPass(options);
  const count = await enqueueMails({ ...memory.pass, firstPass: false, newRules: new Set() });
  return { ...memory, count };
}

const recipients = (saved: readonly NewNotifications[]): readonly string[] =>
  saved.map(({ mails, notified }) =>
    [mails, notified].map((all) => all.map(({ recipient }) => recipient.slice(0, 3)).join('+')).join(' '),
  );
const composed = (events: readonly AlertEvent[]): readonly string[] =>
  events.flatMap((event) => (event.kind === 'composed' ? event.mail.recipient.slice(0, 3) : []));

test('all is stored at once, and planned anew after the lease was taken', async () => {
  const alerts = [fires('web-001'), fires('web-002')];
  const { count, saved, log, events, faults } = await enqueued({ elements: three, state: { alerts } });
  assert.deepEqual([count, log, recipients(saved)], [3, ['read', 'take', 'read'], ['ann+bob+kim ann+ann+bob+kim']]);
  assert.deepEqual([composed(events), faults()], [['ann', 'bob', 'kim'], []]);
});

const over = fires('web-003', { state: 'resolved', resolvedAtMs: at('10:05'), closedReason: 'recovered' });
/** The knowledge of ann about `over`: nobody has to be notified of it any more. */
const knownOver = lastNotified({ alertId: over.id ?? 0, recipient: 'ann@example.org', state: 'resolved' });

/** Returns a store that refuses what this condition is true for. */
const refusing = (isRefused: (all: NewNotifications) => boolean, thrown: Error, saved: NewNotifications[]) => ({
  notifications: {
    saveNotifications: (_: unknown, all: NewNotifications) => {
      if (isRefused(all)) return Promise.reject(thrown);
      saved.push(all);
      return Promise.resolve(all.mails[0]?.recipient === 'kim@example.org' ? 'outdated' : 'stored');
    },
  },
});

const silenceOf = (client: string): Silence => ({
  ...{ id: 1, client, rule: '*', subject: '*', startsAtMs: at('10:00'), endsAtMs: at('12:00'), author: 'kim' },
  comment: '',
});
const waitingAbout = (id: number, recipient: string, alerts: readonly Alert[]): WaitingMail => ({
  ...{ id, recipient, messageId: `<${id}@example.org>`, createdAtMs: at('10:05') },
  items: alerts.map((of) => ({ alertId: of.id ?? 0, sequence: 1, transition: 'firing', before: null })),
});

/** A waiting mail to eve about an alert that somebody has acknowledged in time: it is withdrawn. */
const stoppedMail = (() => {
  const taken = fires('web-009', {
    acknowledgedBy: 'kim',
    acknowledgedAtMs: at('10:05'),
    acknowledgedSeverity: 'critical',
  });
  const known = ['ann', 'eve'].map((name) =>
    lastNotified({ alertId: taken.id ?? 0, recipient: `${name}@example.org`, notifiedAtMs: at('10:05') }),
  );
  return {
    alert: taken,
    state: { waiting: [waitingAbout(3, 'eve@example.org', [taken])], notified: [knownOver, ...known] },
  };
})();

const hasBob = ({ mails }: NewNotifications): boolean => mails.some(({ recipient }) => recipient.startsWith('bob'));

test('what the database refuses of one recipient costs this one alone, and what is over is stored last', async () => {
  const { state: stopped, alert: taken } = stoppedMail;
  const state = { ...stopped, alerts: [fires('web-001'), fires('web-002'), over, taken] };
  const saved: NewNotifications[] = [];
  const stores = refusing(hasBob, new StorageFault('refused', 'too long'), saved);
  const { count, events, faults, pass } = await enqueued({ elements: three, state, stores });
  assert.deepEqual(recipients(saved), ['ann ann+ann', 'kim kim', ' ']);
  assert.deepEqual(
    saved.map(({ closedOut, withdrawn, unnotified }) => [closedOut, withdrawn, unnotified?.length]),
    [
      [[], [], 0],
      [[], [], 0],
      [[over.id], [3], 1],
    ],
  );
  // Another alerter has taken a mail to kim meanwhile: the next pass makes it again.
  assert.deepEqual([count, composed(events)], [1, ['ann']]);
  assert.deepEqual(faults(), ['pass-incomplete: storing the mail to bob@example.org: too long']);
  assert.equal(pass.stages.hasFailed(), true);
});

test('what is over has a fault of its own', async () => {
  const state = { alerts: [fires('web-001'), over], notified: [knownOver] };
  const stores = refusing(({ mails }) => mails.length !== 1, new StorageFault('refused', 'no'), []);
  const { count, faults } = await enqueued({ elements: three, state, stores });
  assert.deepEqual([count, faults()], [2, ['pass-incomplete: storing what is over: no']]);
});

const thrown: readonly (readonly [what: string, elements: string, thrown: Error])[] = [
  ['a fault of one recipient, of whom there is one', one, new StorageFault('refused', 'no')],
  ['a fault of the database', three, new StorageFault('lost', 'no')],
];
for (const [what, elements, fault] of thrown) {
  test(`${what} is not tried by recipient`, async () => {
    const stores = refusing(() => true, fault, []);
    await assert.rejects(enqueued({ elements, state: { alerts: [fires('web-001')] }, stores }), fault);
  });
}

test('a plan that is outdated is made again, seven times at most', async () => {
  for (const [outdated, count, reads] of [
    [5, 1, 7],
    [99, 0, 7],
  ] as const) {
    let left = outdated;
    const saveNotifications = () => Promise.resolve((left -= 1) >= 0 ? 'outdated' : 'stored');
    const stores = { notifications: { saveNotifications } };
    const made = await enqueued({ elements: one, state: { alerts: [fires('web-001')] }, stores });
    assert.deepEqual([made.count, made.log.filter((entry) => entry === 'read').length], [count, reads]);
    assert.equal(composed(made.events).length, count);
  }
});

test('the fault of a plan is named once, and costs its recipients alone', async () => {
  const broken = fires('web-001', { progress: null as never });
  const state = { alerts: [broken, fires('web-002')] };
  let left = 3;
  const saved: NewNotifications[] = [];
  const saveNotifications = (_: unknown, all: NewNotifications) =>
    Promise.resolve((left -= 1) >= 0 ? 'outdated' : (saved.push(all), 'stored'));
  const stores = { notifications: { saveNotifications } };
  const { count, faults, pass } = await enqueued({ elements: three, state, stores });
  assert.deepEqual([count, recipients(saved), pass.stages.hasFailed()], [1, ['kim kim'], true]);
  const named = faults().map((fault) => fault.slice(0, 'pass-incomplete: planning for ann'.length));
  assert.deepEqual(named, ['pass-incomplete: planning for ann', 'pass-incomplete: planning for bob']);
});

const fail = () => Promise.reject(new Error('gone'));

test('a mail that cannot be written with what is beside it is written without, causes too', async () => {
  const cause = { atMs: at('10:05'), changes: null as never, allOf: null, configBeforeMs: null };
  const state = { alerts: [fires('web-001', { cause })] };
  const chat = one.replace('<mail to="ann@example.org"/>', '<webhook name="chat" url="https://chat.example.org/x"/>');
  for (const [elements, to, notifications] of [
    [one, 'ann@example.org', { systemsOf: fail }],
    [one, 'ann@example.org', {}],
    [chat, 'webhook:chat', {}],
  ] as const) {
    const { count, faults, pass, saved } = await enqueued({ elements, state, stores: { notifications } });
    const [fault = '', ...others] = faults();
    const what = `pass-incomplete: the mail to ${to} with what is beside its alerts: `;
    assert.equal(fault.slice(0, what.length), what);
    assert.deepEqual([others, count, pass.stages.hasFailed(), saved.length], [[], 1, false, 1]);
  }
});

test('a mail that cannot be written at all costs its recipient, who is notified of nothing', async () => {
  const state = { alerts: [fires('web-001', { valueText: null as never }), fires('web-002')] };
  const { count, faults, saved, pass } = await enqueued({ elements: three, state });
  assert.deepEqual([count, recipients(saved), pass.stages.hasFailed()], [1, ['kim kim'], true]);
  const words = faults().map((fault) => /the mail to ...@example.org(?: with)?/.exec(fault)?.[0].slice(12));
  assert.deepEqual(words.sort(), [
    ...['ann@example.org', 'ann@example.org with', 'bob@example.org', 'bob@example.org with'],
  ]);
});

const seeking = one.replace(' cause="no"', '');
const nothingFound = {
  ...{ sections: () => Promise.resolve([]), rowsUntil: () => Promise.resolve([]) },
  changesOf: () => Promise.resolve([]),
};

test('causes are sought once, stored, and written of; a search that fails costs no mail', async () => {
  const stored: number[][] = [];
  const saveCauses = (_: unknown, causes: ReadonlyMap<number, unknown>) =>
    Promise.resolve(void stored.push([...causes.keys()]));
  const state = { alerts: [fires('web-001'), fires('web-002', { state: 'pending', firingSinceMs: null })] };
  const options = { elements: seeking, state };
  const found = await enqueued({ ...options, stores: { causes: nothingFound, notifications: { saveCauses } } });
  const [composed] = found.events.flatMap((event) => (event.kind === 'composed' ? event : []));
  assert.deepEqual([found.count, stored, found.faults()], [1, [[state.alerts[0]?.id]], []]);
  assert.deepEqual(composed?.mail.items[0]?.alert.cause?.atMs, found.pass.nowMs);
  const failed = await enqueued({ ...options, stores: { causes: { sections: fail } } });
  assert.deepEqual([failed.count, failed.faults()], [1, ['pass-incomplete: the search for causes: gone']]);
  assert.deepEqual([failed.pass.stages.hasFailed(), failed.log], [false, ['read', 'take', 'read', 'read']]);
  const off = await enqueued({ elements: one, state, stores: { causes: { sections: fail } } });
  assert.deepEqual([off.count, off.faults()], [1, []]);
});

test('a cause that is stored is kept', async () => {
  const cause = { atMs: at('10:04'), changes: [], allOf: null, configBeforeMs: null };
  const { events } = await enqueued({ elements: one, state: { alerts: [fires('web-001', { cause })] } });
  const [made] = events.flatMap((event) => (event.kind === 'composed' ? event : []));
  assert.deepEqual(made?.mail.items[0]?.alert.cause, cause);
});

/** Returns what mails ask for, by the method that is asked. */
async function askedFor(elements: string, alerts: readonly Alert[], over: MemoryPassOptions['state'] = {}) {
  const asked: Record<string, unknown> = {};
  const ask = (name: string) => (what: unknown, more?: unknown) => {
    asked[name] = more === undefined ? what : [what, more];
    return Promise.resolve(new Map());
  };
  const names = ['exportsOf', 'systemsOf', 'excerptsOf', 'timesFired'];
  const notifications = Object.fromEntries(names.map((name) => [name, ask(name)]));
  const { faults } = await enqueued({ elements, state: { alerts, ...over }, stores: { notifications } });
  assert.deepEqual(faults(), []);
  return asked;
}

test('the exports of mounts are asked for where two mounts or more fire or have fired', async () => {
  const mounts = [
    ...[fires('web-001'), fires('web-002', { rule: 'mount-unresponsive', subject: '/nas' })],
    ...[fires('web-003', { rule: 'mount-missing', subject: '/nas' }), { ...over, id: 99, subject: '/old' }],
    ...[fires('web-004', { state: 'pending', firingSinceMs: null }), fires('web-005', { rule: 'cpu', subject: '' })],
    ...[fires('web-006', { rule: 'service', subject: '/odd' }), fires('web-007', { subject: 'tank' })],
    ...[fires('gone', { rule: 'disk' })],
  ];
  assert.deepEqual((await askedFor(one, mounts))['exportsOf'], [
    ...[
      { client: 'web-001', mount: '/data' },
      { client: 'web-002', mount: '/nas' },
    ],
    ...[
      { client: 'web-003', mount: '/nas' },
      { client: 'web-003', mount: '/old' },
    ],
  ]);
  const two = (await askedFor(one, [fires('web-001'), fires('web-002')]))['exportsOf'];
  assert.deepEqual(two, [
    { client: 'web-001', mount: '/data' },
    { client: 'web-002', mount: '/data' },
  ]);
  assert.equal((await askedFor(one, [fires('web-001'), fires('web-001')]))['exportsOf'], undefined);
});

const inGroup = one.replace(clients, `<group name="rack">${clients}</group>`);

test('a mail has the systems of clients with lines of their own', async () => {
  const fleetAlert = fires('', { rule: 'collector-silent', subject: 'c1' });
  const alerts = [fires('web-001'), fires('web-001', { rule: 'cpu', subject: '' }), fires('web-002'), fleetAlert];
  assert.deepEqual((await askedFor(one, alerts))['systemsOf'], ['web-001', 'web-002']);
  const rack = times(8, (index) => fires(`web-00${index + 1}`, { rule: 'unreachable', subject: '' }));
  assert.equal((await askedFor(inGroup, rack))['systemsOf'], undefined);
});

test('a mail counts how often what fires now has fired since midnight of its readers', async () => {
  const zone = one.replace('<alerts ', '<alerts zone="Asia/Tokyo" ');
  const known = fires('web-002', { severity: 'critical', sequence: 2 });
  const before = lastNotified({ alertId: known.id ?? 0, recipient: 'ann@example.org', severity: 'warning' });
  const alerts = [fires('web-001', { id: 501 }), known, over];
  assert.deepEqual((await askedFor(zone, alerts, { notified: [before] }))['timesFired'], [[501], at('15:00') - dayMs]);
  assert.equal((await askedFor(zone, [known], { notified: [before] }))['timesFired'], undefined);
});

test('a mail has the last lines of checks and units that fire, unless config.xml says no', async () => {
  const ended = { state: 'resolved', resolvedAtMs: at('10:05'), closedReason: 'recovered' } as const;
  const check = { rule: 'check', subject: 'mailq' };
  const known = fires('web-005', { ...check, ...ended, sequence: 2 });
  const alerts = [
    ...[fires('web-001', { rule: 'service', subject: 'a.service' }), fires('web-002', check), known],
    ...[fires('web-003', { rule: 'check-unknown', subject: 'raid' }), fires('web-004')],
  ];
  const notified = [lastNotified({ alertId: known.id ?? 0, recipient: 'ann@example.org' })];
  const asked = (await askedFor(one, alerts, { notified }))['excerptsOf'] as readonly { readonly client: string }[];
  assert.deepEqual(
    asked.toSorted((first, second) => (first.client < second.client ? -1 : 1)),
    [
      { client: 'web-001', subject: 'a.service', isUnit: true },
      { client: 'web-002', subject: 'mailq', isUnit: false },
      { client: 'web-003', subject: 'raid', isUnit: false },
    ],
  );
  const rack = times(8, (index) => fires(`web-00${index + 1}`, { rule: 'service', subject: 'a.service' }));
  assert.equal((await askedFor(inGroup, rack))['excerptsOf'], undefined, 'a line of many has no lines below it');
  const without = await askedFor(one.replace('<alerts ', '<alerts excerpt="no" '), alerts, { notified });
  assert.equal(without['excerptsOf'], undefined);
});

/** Returns a mail about an alert that this machine sent two days ago. */
const sentAbout = (messageId: string, { about, client, rule, subject, firstEvidence }: Alert, told = {}): SentMail => ({
  ...{ atMs: at('10:06') - 2 * dayMs, messageId, recipient: 'ann@example.org', ordinary: false },
  told: [
    {
      ...{ about, client, rule, subject, firstEvidence },
      ...{ transition: 'firing', state: 'firing', severity: 'critical' },
      ...{ sequence: 1, sinceMs: at('10:00'), asOfMs: at('10:06'), notifiedAtMs: at('10:05') },
      ...told,
    },
  ],
});

test('what was sent lately, or about an alert or a waiting mail, is compared with the database', async () => {
  const alerts = [fires('web-001')];
  const other = fires('web-009', { rule: 'cpu' });
  const ago = (minutes: number) => ({ atMs: at('10:06') - minutes * 60_000 });
  const sent = [
    ...[sentAbout('same', fires('web-001')), sentAbout('client', fires('web-002'))],
    ...[sentAbout('rule', fires('web-001', { rule: 'cpu' })), sentAbout('subject', fires('web-001', { subject: '/' }))],
    ...[sentAbout('waits', other), sentAbout('begun', other), sentAbout('old', other)],
    ...[
      { ...sentAbout('lately', other), ...ago(59.9) },
      { ...sentAbout('hour', other), ...ago(60) },
    ],
  ];
  const mail = { recipient: 'bob@example.org', createdAtMs: at('10:05'), items: [] };
  const waiting = [{ ...mail, id: 1, messageId: 'waits' }];
  const begun = [{ ...mail, id: 2, messageId: 'begun' }];
  const asked: (readonly string[])[] = [];
  const storedMessageIds = (ids: readonly string[]) => Promise.resolve((asked.push(ids), new Set(ids)));
  const options = { stores: { notifications: { storedMessageIds }, outbox: { markSentBefore: fail } }, sent };
  const compared = async (elements: string): Promise<readonly string[] | undefined> => {
    const memory = memoryPass({ elements, state: { alerts, waiting, begun }, ...options, over: { dryRun: true } });
    await enqueueMails({ ...memory.pass, firstPass: false, newRules: new Set() });
    return asked.at(-1);
  };
  assert.deepEqual(await compared(one), ['same', 'waits', 'begun', 'lately']);
  const rarely = one.replace('<alerts ', '<alerts groupInterval="2h" ');
  assert.deepEqual(await compared(rarely), ['same', 'waits', 'begun', 'lately', 'hour']);
  // Nothing is asked if nobody is told and no mail waits.
  const count = asked.length;
  await enqueued({
    elements: one,
    state: { alerts: [fires('web-001', { state: 'pending', firingSinceMs: null })] },
    ...options,
  });
  assert.equal(asked.length, count);
});

test('what a forgotten mail told is stored again, and its alert is closed out in a later pass', async () => {
  const worse = fires('web-001', { sequence: 2 });
  const mild = { severity: 'warning', asOfMs: at('10:05'), notifiedAtMs: at('10:02') };
  const resolved = { state: 'resolved', transition: 'resolved', sequence: 2, asOfMs: at('10:06') };
  const closed = { ...over, id: 7, client: 'web-004' };
  const sent = [sentAbout('mild', worse, mild), sentAbout('over', over, resolved)];
  const known = lastNotified({ alertId: 7, recipient: 'ann@example.org', state: 'resolved' });
  const state = { alerts: [worse, over, closed], notified: [known] };
  const { saved } = await enqueued({ elements: one, state, sent });
  const { notified = [], closedOut, mails } = saved[0] ?? {};
  assert.deepEqual(
    notified.map(({ alertId, state: knows, severity }) => `${alertId} ${knows} ${severity}`),
    [`${over.id} resolved critical`, `${worse.id} firing critical`],
  );
  assert.deepEqual(closedOut, [7]);
  assert.deepEqual(
    mails?.[0]?.notifications.map(({ transition }) => transition),
    ['escalated'],
  );
});

test('a waiting mail that this machine has sent is marked, and planned for anew', async () => {
  const fired = fires('web-001');
  const [alertId, recipient] = [fired.id ?? 0, 'ann@example.org'];
  const item = { alertId, sequence: 1, transition: 'firing', before: null } as const;
  const waiting = [{ id: 5, recipient, messageId: 'gone', createdAtMs: at('10:05'), items: [item] }];
  const marked: unknown[] = [];
  const markSentBefore = (_: unknown, settled: unknown) => {
    marked.push(settled);
    return Promise.resolve(void waiting.pop());
  };
  const storedMessageIds = (ids: readonly string[]) => Promise.resolve(new Set(ids));
  const state = { alerts: [fired], waiting, notified: [lastNotified({ alertId, recipient })] };
  const stores = { outbox: { markSentBefore }, notifications: { storedMessageIds } };
  const sent = [sentAbout('gone', fired)];
  const { count, saved, log } = await enqueued({ elements: one, state, stores, sent });
  assert.deepEqual([count, saved, log], [0, [], ['read', 'take', 'read', 'read']]);
  assert.deepEqual(marked, [[{ id: 5, atMs: at('10:06') - 2 * dayMs, receipt: undefined }]]);
});

const about = { alertId: 701, recipient: 'ann@example.org' };
const told = fires('web-001', { id: 701 });

const hook = '<webhook name="chat" url="https://chat.example.org/x" format="slack"/>';
const answering =
  '<serve url="https://fleet.example.org/"><look/></serve><replies imap="imaps://fleet@imap.example.org/INBOX" ' +
  `password="x" links="yes"/>${one.replace('<mail', `${hook}<mail`)}`;
const memory = { newestReportMs: 0, newestVisitMs: 0, bootId: null, rows: 9, changes: {} };
const recovered = { state: 'resolved', resolvedAtMs: at('10:05'), closedReason: 'recovered', sequence: 2 } as const;

/** The fleet's memory, the alert, and whether a mail about it takes replies and links its page. */
const answers: readonly (readonly [what: string, fleet: RuleState, alert: Alert, replies: boolean, links: boolean])[] =
  [
    ['fires', memory, told, true, true],
    ['fires while no reply is read', { ...memory, repliesUnread: { sinceMs: 0, why: 'no' } }, told, false, true],
    ['has recovered', memory, { ...told, ...recovered }, false, false],
  ];
for (const [what, fleet, of, replies, links] of answers) {
  test(`a mail about what ${what} takes ${replies ? 'replies' : 'none'}, and each recipient has its own form`, async () => {
    const notified = of === told ? [] : [lastNotified(about)];
    const ruleStates = new Map([['', fleet]]);
    const { saved, events } = await enqueued({ elements: answering, state: { alerts: [of], notified }, ruleStates });
    const [mail, message] = saved[0]?.mails ?? [];
    const { replyToken: token, content = '' } = mail ?? {};
    const replyTo = /^Reply-To: (.*)\r$/m.exec(content)?.[1] ?? null;
    assert.equal(replyTo, replies ? `fleet+${token ?? '?'}@example.org` : null);
    assert.match(content, /^To: <?ann@example.org/m);
    const words = events.map((event) => (event.kind === 'composed' ? event.text : '')).join('');
    assert.equal(words.includes(`org/reply/${token ?? '?'}\n`), links);
    assert.doesNotMatch(words + (message?.content ?? ''), /reply\/null/);
    assert.deepEqual([message?.recipient, message?.replyToken], ['webhook:chat', null]);
    assert.match(message?.content ?? '', /^Message-ID: .*"blocks"/s);
  });
}

const changes: readonly (readonly [what: string, state: MemoryPassOptions['state'], saves: number])[] = [
  ['a mail is withdrawn', { ...stoppedMail.state, alerts: [stoppedMail.alert] }, 1],
  ['an alert is closed out', { alerts: [over], notified: [knownOver] }, 1],
  ['nothing changes', {}, 0],
];
for (const [what, state, saves] of changes) {
  test(`a pass without mails in which ${what} stores ${saves === 0 ? 'nothing' : 'that'}`, async () => {
    const silences = [silenceOf('web-001')];
    const { count, saved, log } = await enqueued({ elements: three, state: { alerts: [told], silences, ...state } });
    assert.deepEqual([count, saved.length, log.includes('take')], [0, saves, saves > 0]);
  });
}

test('a cause that is due without a mail is stored', async () => {
  const stored: number[][] = [];
  const saveCauses = (_: unknown, causes: ReadonlyMap<number, unknown>) =>
    Promise.resolve(void stored.push([...causes.keys()]));
  const stores = { causes: nothingFound, notifications: { saveCauses } };
  const state = { alerts: [told], notified: [lastNotified(about)] };
  const { saved } = await enqueued({ elements: seeking, state, stores });
  assert.deepEqual([stored, saved], [[[701]], []]);
});

test('a mail that cannot be written forgets nothing of what its recipient knew', async () => {
  const broken = fires('web-002', { valueText: null as never });
  const waiting = [waitingAbout(4, 'ann@example.org', [told])];
  const state = { alerts: [told, broken, over], silences: [silenceOf('web-001')], waiting };
  const { saved } = await enqueued({ elements: one, state: { ...state, notified: [lastNotified(about), knownOver] } });
  assert.deepEqual(
    saved.map(({ mails, notified, unnotified, closedOut }) => [mails, notified, unnotified, closedOut]),
    [[[], [], [], [over.id]]],
  );
});

test('what a forgotten mail told is looked for where a mail waits, may have arrived, or is made', async () => {
  const looked: string[] = [];
  const storedMessageIds = (ids: readonly string[]) => Promise.resolve((looked.push(...ids), new Set(ids)));
  const sent = [sentAbout('lately', fires('web-009'), {})].map((one) => ({ ...one, atMs: at('10:00') }));
  const known = { alerts: [told], notified: [lastNotified(about)] };
  const mail = waitingAbout(4, 'eve@example.org', []);
  const states = [{ ...known, waiting: [mail] }, { ...known, begun: [mail] }, { alerts: [told] }, known];
  for (const state of states) {
    await enqueued({ elements: one, state, sent, stores: { notifications: { storedMessageIds } } });
    looked.push('|');
  }
  // A plan that changes something is made twice: before and after the lease is taken.
  assert.equal(looked.join(' '), 'lately | lately | lately lately | |');
});
