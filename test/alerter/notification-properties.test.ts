// Second tier: random alerts and recipients.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { isLong, isWide } from '../support/long-tests.ts';
import { identityOf } from '../../src/alerter/compose/compose-mail.ts';
import type { PendingNotification } from '../../src/alerter/dispatch/notification-plan.ts';
import type { Alert, Transition } from '../../src/storage/store/alert.ts';
import { configOf } from './support/config-of.ts';
import { nameOf, startDispatch, type SimulatedMail, type DispatchWorld } from './support/dispatch-world.ts';
import { weightedStep } from './support/weighted-step.ts';
import { createWatches } from '../../src/alerter/inhibit/watches.ts';
import { hears } from '../../src/config/recipients/listeners.ts';

const cap = 2;
const intervalMs = 15 * 60_000;
/** Half of `every`, the tolerance for the start times of passes. */
const earlyMs = 150_000;
const hourMs = 3_600_000;

function fleetOf({ recipients = '', client = '' }: { recipients?: string; client?: string } = {}): string {
  return `<smtp host="localhost" maxMailsPerHour="${cap}" fallback="root@localhost"/>
    <alerts repeat="6h"><mail to="ops@example.org"/>${recipients}
      <alert type="disk" warning="85%" critical="95%"/></alerts>
    <bastion name="bastion" ip="192.0.2.9" username="u"/>
    <client name="c1" ip="192.0.2.1" username="u"/>
    <group name="g" proxyJump="bastion"><client name="c2" ip="192.0.2.2" username="u"${client}/>
      <client name="c3" ip="192.0.2.3" username="u"/></group>`;
}

const oncall = '<mail to="oncall@example.org" severity="critical"/>';
const configs = [
  fleetOf({ recipients: oncall }),
  fleetOf(),
  fleetOf({ recipients: `${oncall}<mail to="dba@example.org" rules="disk"/>` }),
  fleetOf({ recipients: oncall, client: ' state="paused"' }),
  fleetOf({ recipients: `${oncall}<window start="09:00" duration="1h" zone="UTC"/>` }),
  fleetOf({ recipients: oncall, client: ' mail="none"' }),
] as const;
const last = configs[0];

const names = [
  'c1 disk /',
  'c2 disk /',
  'c3 disk /data',
  'c1 memory',
  'c1 unreachable',
  'c2 unreachable',
  'c3 unreachable',
  '- collector-isolated c',
];

const step = fc.oneof(
  weightedStep(6, 'fires', { name: fc.nat(names.length - 1), critical: fc.boolean(), inRun: fc.boolean() }),
  weightedStep(4, 'recovers', { name: fc.nat(names.length - 1) }),
  weightedStep(1, 'goes', { name: fc.nat(names.length - 1) }),
  weightedStep(3, 'turns', { name: fc.nat(names.length - 1) }),
  weightedStep(1, 'flaps', { name: fc.nat(names.length - 1) }),
  weightedStep(1, 'passed', { name: fc.nat(names.length - 1) }),
  weightedStep(2, 'row', { client: fc.constantFrom('c1', 'c2', 'c3') }),
  weightedStep(1, 'acknowledge', { name: fc.nat(names.length - 1) }),
  weightedStep(1, 'silence', { client: fc.constantFrom('c1', 'c*', '*'), minutes: fc.integer({ min: 5, max: 300 }) }),
  weightedStep(1, 'config', { index: fc.nat(configs.length - 1) }),
  weightedStep(2, 'server', {
    state: fc.constantFrom('up' as const, 'down' as const, 'down' as const, 'stalls' as const),
  }),
  weightedStep(1, 'run ends', {}),
  weightedStep(8, 'pass', { minutes: fc.constantFrom(1, 2, 5, 15, 60, 400) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const minuteMs = 60_000;

function isOpen(world: DispatchWorld, name: string): Alert | null {
  return world.alerts().find((alert) => nameOf(alert) === name && alert.state === 'firing') ?? null;
}

function apply(world: DispatchWorld, one: Step): void {
  const name = 'name' in one ? (names[one.name] ?? '') : '';
  const open = name === '' ? null : isOpen(world, name);
  switch (one.kind) {
    case 'fires':
      if (open !== null) return;
      if (one.inRun) world.runBegins('run');
      world.fires(name, { severity: one.critical ? 'critical' : 'warning', ...(one.inRun ? { run: 'run' } : {}) });
      return;
    case 'recovers':
      if (open !== null) world.recovers(name);
      return;
    case 'goes':
      if (open !== null) world.closes(name, 'gone');
      return;
    case 'turns':
      if (open !== null) world.changes(name, { severity: open.severity === 'critical' ? 'warning' : 'critical' });
      return;
    case 'flaps':
      if (open !== null) world.changes(name, { flapping: !open.flapping });
      return;
    case 'passed':
      world.passedAt(name, world.now() - 40 * minuteMs, world.now() - 10 * minuteMs);
      return;
    case 'row':
      world.row(one.client);
      return;
    case 'acknowledge':
      if (open !== null) world.acknowledge(name);
      return;
    case 'silence':
      world.silenceAt(one.client, '*', world.now() - minuteMs, world.now() + one.minutes * minuteMs);
      return;
    case 'config':
      world.configure(configs[one.index] ?? last);
      return;
    case 'server':
      world.server(one.state);
      return;
    case 'run ends':
      world.runEnds('run');
      return;
    case 'pass':
      world.at(world.now() + one.minutes * minuteMs);
      checkedPass(world);
  }
}

/** Runs a pass, and checks each mail that it makes. */
function checkedPass(world: DispatchWorld): void {
  const before = world.mails.map((mail) => ({ ...mail }));
  const unfinished = world.unfinishedRuns();
  world.pass();
  for (const { mail } of world.mails.slice(before.length)) {
    const areOver = mail.items.every(({ alert }) => !unfinished.includes(alert.changedByRun ?? ''));
    assert.ok(areOver, 'runs are waited for');
  }
  assertReplaced(world.mails, before.length, world.notified());
  const replaced = new Set(world.mails.slice(before.length).flatMap(({ mail }) => mail.replaces));
  for (const { mail, createdAtMs } of world.mails.slice(before.length)) {
    const own = before.filter((one) => one.mail.recipient === mail.recipient && one.state !== 'replaced');
    if (!mail.items.some(isNewCritical)) {
      const lately = own.filter((one) => !replaced.has(one.id) && one.createdAtMs > createdAtMs - hourMs);
      assert.ok(lately.length < cap, 'the cap');
    }
    if (mail.ordinary) {
      const ordinary = own.filter((one) => one.mail.ordinary && !replaced.has(one.id));
      const isKept = ordinary.every((one) => createdAtMs - one.createdAtMs >= intervalMs - earlyMs);
      assert.ok(isKept, 'the interval');
    }
    const isNews = mail.items.some(({ listedOnly }) => !listedOnly);
    assert.ok(isNews, 'nobody gets a mail that only lists');
    const counted = mail.sections.reduce((count, section) => count + section.count, 0);
    assert.equal(counted, mail.items.length);
  }
}

/**
 * Checks that a replacing mail covers each alert of the mails it replaces, or that the alert counts as it did before
 * them, and that it overtakes no mail that stays.
 */
function assertReplaced(
  mails: readonly SimulatedMail[],
  madeBefore: number,
  notified: ReturnType<DispatchWorld['notified']>,
): void {
  for (const { mail, id } of mails.slice(madeBefore)) {
    const said = new Set(mail.items.map(({ alertId }) => alertId));
    const replaced = mails.filter((one) => mail.replaces.includes(one.id));
    assert.ok(replaced.every((one) => one.mail.recipient === mail.recipient));
    const left = replaced.flatMap((one) => one.mail.items.filter(({ alertId }) => !said.has(alertId)));
    for (const { alertId } of left) {
      const row = notified.find((one) => one.alertId === alertId && one.recipient === mail.recipient);
      const first = left.find((one) => one.alertId === alertId);
      assert.equal(row?.notifiedAtMs, first?.before?.notifiedAtMs, 'what the new mail lacks counts as it did before');
    }
    const kept = mails.filter((one) => one.id < id && one.state === 'waiting' && one.mail.recipient === mail.recipient);
    const waiting = new Set(kept.flatMap((one) => one.mail.items.map(({ alertId }) => alertId)));
    const overtaking = mail.items.filter((item) => waiting.has(item.alertId) && !isNewCritical(item));
    assert.deepEqual(overtaking, [], 'nothing but a new critical overtakes the mail before it');
  }
}

function isNewCritical({ alert, severity, before }: PendingNotification): boolean {
  const knew = before !== null && before.state !== 'resolved' && before.severity === 'critical';
  return alert.state === 'firing' && severity === 'critical' && !knew;
}

/** Ends everything that delays notifications, so that each recipient's last notification then equals the state. */
function settle(world: DispatchWorld): void {
  world.configure(last);
  world.runEnds('run');
  world.server('up');
  for (const name of names.filter((one) => /unreachable|isolated/.test(one))) {
    if (isOpen(world, name) !== null) world.recovers(name);
  }
  for (let hours = 0; hours < 30; hours++) {
    world.at(world.now() + hourMs);
    for (const client of ['c1', 'c2', 'c3']) world.row(client);
    checkedPass(world);
  }
}

function assertNotifiedEqualsState(world: DispatchWorld): void {
  const watchOf = createWatches(configOf(last));
  const notified = new Map(world.notified().map((one) => [`${one.alertId} ${one.recipient}`, one]));
  for (const alert of world.alerts()) {
    const { listeners } = watchOf(alert);
    const recipients = new Set([
      ...listeners.keys(),
      ...world
        .notified()
        .filter(({ alertId }) => alertId === alert.id)
        .map(({ recipient }) => recipient),
    ]);
    for (const recipient of recipients) {
      const known = notified.get(`${alert.id ?? 0} ${recipient}`);
      const place = `${nameOf(alert)} for ${recipient}`;
      if (alert.state === 'resolved') {
        assert.ok(known === undefined || known.state === 'resolved', `${place} is over`);
        assert.ok(alert.closedOut, `${place} is settled`);
        continue;
      }
      const listener = listeners.get(recipient);
      if (listener === undefined) continue;
      if (known === undefined) {
        assert.ok(!hears(listener, alert.severity), `${place} was notified`);
        continue;
      }
      // Nobody is told that what somebody has acknowledged flaps.
      const isStopped = alert.acknowledgedBy !== null;
      const told = alert.flapping ? ['flapping', ...(isStopped ? ['firing'] : [])] : ['firing'];
      const states: readonly string[] = [...told, 'unsteady'];
      assert.ok(states.includes(known.state), `${place}: ${known.state}`);
      if (!alert.flapping) assert.equal(known.severity, alert.severity, place);
    }
  }
  const holding = world.held().filter((one) => !/: (acknowledged|flapping)/.test(one));
  assert.deepEqual(holding, []);
}

const begins: readonly Transition[] = ['firing', 'flapping'];
const ends: readonly Transition[] = ['resolved', 'ended'];

/** Checks that each recipient's notifications of each alert, in the order of the mails, are consistent. */
function assertStories(mails: readonly SimulatedMail[]): void {
  const stories = new Map<string, PendingNotification[]>();
  for (const { mail, state } of mails) {
    if (state === 'replaced') continue;
    for (const item of mail.items) {
      const key = `${item.alertId} ${mail.recipient}`;
      stories.set(key, [...(stories.get(key) ?? []), item]);
    }
  }
  for (const [key, items] of stories) {
    const story = items.map(({ transition }) => transition);
    const [first, ...rest] = story;
    const text = `${key}: ${story.join(', ')}`;
    if (first === 'past') assert.equal(rest.length, 0, text);
    else assert.ok(first !== undefined && begins.includes(first), text);
    const isNotified = rest.every((transition) => transition !== 'past' && transition !== 'firing');
    assert.ok(isNotified, text);
    const isOpen = story.slice(0, -1).every((transition) => !ends.includes(transition));
    assert.ok(isOpen, text);
  }
}

function assertIdentities(mails: readonly SimulatedMail[]): void {
  const seen = new Set<string>();
  for (const { mail, state } of mails) {
    // The notifications of a replaced mail may be due again.
    if (state === 'replaced') continue;
    const identity = JSON.stringify([mail.recipient, ...mail.items.map(identityOf).sort()]);
    assert.ok(!seen.has(identity), `notified twice: ${identity}`);
    seen.add(identity);
  }
}

test('when nothing holds back, last notified equals state; and no mail on the way says what it must not', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (steps) => {
      const world = startDispatch(last);
      for (const one of steps) apply(world, one);
      settle(world);
      assertNotifiedEqualsState(world);
      assertStories(world.mails);
      assertIdentities(world.mails);
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? (isLong ? 200 : isWide ? 80 : 25)) },
  );
});
