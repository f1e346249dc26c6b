import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { createWatches, hears } from '../../src/alerter/inhibit/recipients-of.ts';
import type { DueMail } from '../../src/alerter/dispatch/notification-plan.ts';
import type { Alert } from '../../src/storage/store/alert.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import type { SmtpAct } from '../support/smtp-server.ts';
import { withMoments } from './support/moments.ts';
import { at } from './support/rows.ts';
import { idOf, withStation, type Station } from './support/station.ts';
import { acknowledge, silence } from './support/whole-pass-story.ts';
import { isWide } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { weightedStep } from './support/weighted-step.ts';

const cap = 4;
const minuteMs = 60_000;
const clients = ['c1', 'c2', 'c3'];

function fleetOf({ recipients = '', client = '', rules = '' } = {}): string {
  return `<collector every="5m"/><alerts repeat="6h"><mail to="ops@example.org"/>${recipients}
      <alert type="disk" warning="85%" critical="95%"/>${rules}</alerts>
    <client name="c1" ip="192.0.2.1" username="u"/><client name="c2" ip="192.0.2.2" username="u"${client}/>
    <client name="c3" ip="192.0.2.3" username="u"/>`;
}

const oncall = '<mail to="oncall@example.org" severity="critical"/>';
const configs = [
  fleetOf({ recipients: oncall }),
  fleetOf(),
  fleetOf({ recipients: oncall, client: ' state="paused"' }),
  fleetOf({ recipients: `${oncall}<window start="09:00" duration="1h" zone="UTC"/>` }),
  fleetOf({ recipients: oncall, client: ' state="retired"' }),
  fleetOf({ recipients: oncall, rules: '<alert type="cpu" limit="90%" for="1x"/>' }),
] as const;

const well = 'disk / 50';
const row = fc.oneof(
  { weight: 4, arbitrary: fc.constant(well) },
  { weight: 4, arbitrary: fc.constantFrom('disk / 90', 'disk / 96', 'disk / ?', 'disk /data 97, cpu 95', 'memory 99') },
  { weight: 2, arbitrary: fc.constantFrom('fails connect-refused', 'fails agent-failed', 'absent') },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 7 }).map((hour) => `late 0${hour}:00 disk / 97`) },
);

/** The content of the last rows. Nothing inhibits an alert of these rows, as `unreachable` would. */
const lastRow = fc.constantFrom(well, well, 'disk / 90', 'disk / 96', 'disk / ?', 'disk /data 97, cpu 95', 'memory 99');

const answers: readonly ((phase: string) => SmtpAct | undefined)[] = [
  () => undefined,
  () => '421 4.3.2 not now',
  (phase) => (phase === 'rcpt' ? '451 4.7.1 later' : undefined),
  (phase) => (phase === 'dot' ? '452 4.3.1 no space' : undefined),
  (phase) => (phase === 'dot' ? { kind: 'reset' } : undefined),
  (phase) => (phase === 'rcpt' ? '550 5.1.1 no such user' : undefined),
  (phase) => (phase === 'dot' ? '554 5.6.0 refused' : undefined),
];

const step = fc.oneof(
  weightedStep(10, 'run', {
    says: fc.tuple(row, row, row),
    minutes: fc.constantFrom(5, 5, 5, 20, 90),
    pass: fc.boolean(),
  }),
  weightedStep(4, 'pass', { minutes: fc.constantFrom(0, 1, 5, 16, 61) }),
  weightedStep(3, 'crash', { moment: fc.integer({ min: 1, max: 110 }) }),
  weightedStep(2, 'two at once', {}),
  weightedStep(2, 'server', { answers: fc.nat(answers.length - 1) }),
  weightedStep(1, 'config', { index: fc.nat(configs.length - 1) }),
  weightedStep(1, 'silence', { client: fc.constantFrom('c1', 'c*'), minutes: fc.integer({ min: 5, max: 120 }) }),
  weightedStep(1, 'acknowledge', {}),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Watching {
  readonly station: Station;
  nowMs: number;
  /** True if another configuration was in force in between, which may have suppressed notifications. */
  isReconfigured: boolean;
}

function goOn(watching: Watching, minutes: number): void {
  watching.nowMs += minutes * minuteMs;
  watching.station.at(watching.nowMs);
}

async function take(watching: Watching, given: Step): Promise<void> {
  const { station } = watching;
  switch (given.kind) {
    case 'run': {
      goOn(watching, given.minutes);
      await station.collect(Object.fromEntries(clients.map((name, index) => [name, given.says[index] ?? well])));
      if (given.pass) {
        goOn(watching, 1);
        await passOf(watching);
      }
      return;
    }
    case 'pass':
      goOn(watching, given.minutes);
      await passOf(watching);
      return;
    case 'crash':
      goOn(watching, 1);
      await station
        .pass({ wrap: (database) => withMoments(database, ({ count }) => count === given.moment) })
        .catch(() => undefined);
      // The crashed alerter's lease and claims expire.
      goOn(watching, 4);
      return;
    case 'two at once':
      goOn(watching, 1);
      await Promise.all([station.pass(), station.pass({ machine: 'mon-2' })]);
      return;
    case 'server':
      station.act(({ phase }) => answers[given.answers]?.(phase));
      return;
    case 'config':
      station.configure(configs[given.index] ?? '');
      watching.isReconfigured = true;
      return;
    case 'silence':
      await silence(station, given.client, watching.nowMs + given.minutes * minuteMs);
      return;
    case 'acknowledge':
      await acknowledge(station);
  }
}

async function passOf({ station }: Watching): Promise<void> {
  const { result } = await station.pass();
  assert.notEqual(result.outcome, 'interrupted');
  const waiting = (await station.storage.mails.undelivered()).filter(
    ({ failedAtMs, error }) => failedAtMs === null && error !== null,
  );
  if (waiting.length > 0) assert.equal(result.exitStatus, 1, 'no heartbeat while a mail waits');
}

/**
 * Lets everything settle: the server accepts mails, the first configuration is in force, silences expire, and time
 * passes for every delayed notification.
 */
async function settle(watching: Watching, says: readonly string[]): Promise<void> {
  const { station } = watching;
  station.act(() => undefined);
  station.configure(configs[0]);
  goOn(watching, 24 * 60);
  for (let round = 0; round < 3; round += 1) {
    goOn(watching, 5);
    await station.collect(Object.fromEntries(clients.map((name, index) => [name, says[index] ?? well])));
    goOn(watching, 1);
    await passOf(watching);
  }
  for (const minutes of [70, 20, 20]) {
    goOn(watching, minutes);
    await passOf(watching);
  }
}

/**
 * Checks that each listener's last notification of each alert equals the alert's state, and that no end is unreported.
 */
async function assertNotifiedIsState({ station }: Watching): Promise<void> {
  const state = await station.storage.notifications.state(station.nowMs());
  assert.deepEqual(state.waiting, []);
  const open = state.alerts.flatMap(({ id }) => id ?? []);
  assert.deepEqual(await station.storage.mails.unsentOf(open), [], 'nobody untold: whoever is due was reached');
  const watchOf = createWatches(station.config());
  for (const alert of state.alerts) {
    const { id } = alert;
    assert.ok(id !== null);
    const known = state.notified.filter(({ alertId }) => alertId === id);
    if (alert.state === 'pending') continue;
    assert.equal(alert.state, 'firing', `${nameOf(alert)} is over and somebody is owed news of it`);
    for (const listener of watchOf(alert).listeners.values()) {
      if (!hears(listener, alert.severity)) continue;
      const own = known.find(({ recipient }) => recipient === listener.recipient);
      const expected = { state: alert.flapping ? 'flapping' : 'firing', severity: alert.severity };
      if (alert.flapping) assert.equal(own?.state, 'flapping');
      else assert.deepEqual(own && { state: own.state, severity: own.severity }, expected, nameOf(alert));
    }
  }
}

/** Checks the received mails in their order: one content per Message-ID, no unknown alert resolved, no alert lost. */
async function assertMails({ station, isReconfigured }: Watching): Promise<void> {
  const received = station.server.mails;
  const contentOf = new Map<string, string>();
  for (const { content } of received) {
    const id = idOf(content);
    assert.equal(contentOf.get(id) ?? content, content, `${id} tells two things`);
    contentOf.set(id, content);
  }
  const counts = new Map<string, number>();
  const knows = new Map<string, Map<string, string>>();
  for (const { content } of received) {
    const mail = station.composed().get(idOf(content));
    if (mail === undefined) continue;
    counts.set(idOf(content), (counts.get(idOf(content)) ?? 0) + 1);
    assertKnown(mail, knows);
  }
  await assertNothingLost({ station, knows, isReconfigured });
}

/** Checks that no recipient is notified of the end of an alert that the recipient did not know of. */
function assertKnown(mail: DueMail, knows: Map<string, Map<string, string>>): void {
  const own = knows.get(mail.recipient) ?? new Map<string, string>();
  knows.set(mail.recipient, own);
  for (const item of mail.items) {
    const name = `${item.alertId}`;
    const isEnd = item.transition === 'resolved' || item.transition === 'ended';
    if (isEnd) assert.ok(own.has(name), `${mail.recipient} is notified that ${nameOf(item)} is over, and never knew`);
    own.set(name, item.transition);
  }
}

interface Hearing {
  readonly station: Station;
  /** The last transition by recipient and alert. */
  readonly knows: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly isReconfigured: boolean;
}

/**
 * Checks that every critical alert of a row was notified, unless a silence or another configuration muted the alert.
 */
async function assertNothingLost({ station, knows, isReconfigured }: Hearing): Promise<void> {
  if (isReconfigured) return;
  const alerts = await station.storage.alertHistory.alertsOf({ openOnly: false, limit: 1000 });
  const silences = await station.storage.operator.silences(0);
  const watchOf = createWatches(station.config());
  for (const alert of alerts) {
    const { id, rule, client, firingSinceMs, resolvedAtMs, severity } = alert;
    if (firingSinceMs === null || severity !== 'critical' || !['disk', 'memory'].includes(rule)) continue;
    const isSilenced = silences.some(
      (silence) =>
        (silence.client === 'c*' || silence.client === client) &&
        silence.startsAtMs <= (resolvedAtMs ?? Infinity) &&
        silence.endsAtMs >= firingSinceMs,
    );
    if (isSilenced) continue;
    for (const { recipient } of watchOf(alert).listeners.values()) {
      assert.ok(knows.get(recipient)?.has(String(id)) === true, `${recipient} was never notified of ${nameOf(alert)}`);
    }
  }
}

/** Checks that no hour has more mails than the cap, except mails with a new critical alert. */
async function assertCapped(station: Station): Promise<void> {
  const rows = await station.database.read((session) =>
    session.all('SELECT recipient, message_id, created_at, severity FROM mails WHERE replaced_by IS NULL ORDER BY id'),
  );
  const timeOf = (row: (typeof rows)[number]): number => Date.parse(`${String(row['created_at']).replace(' ', 'T')}Z`);
  for (const mail of rows) {
    const tells = station.composed().get(String(mail['message_id']));
    if (tells === undefined || tells.items.some(isNewCritical)) continue;
    const before = rows.filter(
      (other) =>
        other['recipient'] === mail['recipient'] &&
        timeOf(other) <= timeOf(mail) &&
        timeOf(other) > timeOf(mail) - 60 * minuteMs,
    );
    assert.ok(before.length <= cap, `${before.length} mails in an hour to ${String(mail['recipient'])}`);
  }
}

function isNewCritical({ transition, severity }: DueMail['items'][number]): boolean {
  return severity === 'critical' && ['firing', 'escalated', 'flapping', 'steady'].includes(transition);
}

function nameOf({ client, rule, subject }: Pick<Alert, 'client' | 'rule' | 'subject'>): string {
  return `${client} ${rule} ${subject}`;
}

test('last notified equals the state when nothing holds back, whatever happened before', async () => {
  const dir = tempFolder();
  const seed = Number(process.env['PROPERTY_SEED'] ?? 20261120);
  const numRuns = Number(process.env['PROPERTY_RUNS'] ?? (isWide ? 25 : 5));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 18 }),
      fc.tuple(lastRow, lastRow, lastRow),
      async (steps, says) => {
        const storage = sqliteConfig(path.join(dir, `${randomUUID()}.db`));
        const smtp = `maxMailsPerHour="${cap}"`;
        await withStation({ storage, elements: configs[0], smtp }, async (station) => {
          const watching: Watching = { station, nowMs: at('08:00'), isReconfigured: false };
          for (const given of steps) await take(watching, given);
          await settle(watching, says);
          await assertNotifiedIsState(watching);
          await assertMails(watching);
          await assertCapped(station);
          goOn(watching, 2);
          assert.deepEqual((await station.pass()).arrived, []);
        });
      },
    ),
    { seed, numRuns, includeErrorInReport: true, endOnFailure: process.env['PROPERTY_SHRINK'] === undefined },
  );
});
