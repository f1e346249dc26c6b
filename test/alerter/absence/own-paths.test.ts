/**
 * Alerts about the ways of the alerts themselves: the path of mails that a canary tries, and the mailbox of replies;
 * and since when the database has answered.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { evaluateFleet, longestBreakMs, mayMissRows } from '../../../src/alerter/absence/fleet-conditions.ts';
import type { EvaluateFleetOptions } from '../../../src/alerter/absence/fleet-facts.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { CanaryFinding } from '../../../src/storage/store/reply-store.ts';
import { configOf } from '../support/config-of.ts';
import { run } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';
import { everyMs } from '../support/time-line.ts';

const own = `<alerts zone="UTC"><mail to="ops@example.org"/></alerts><smtp host="localhost" from="fleet@example.org"/>
  <replies imap="imaps://fleet@example.org" password="p"/><client name="web-1" ip="192.0.2.1" username="u"/>`;
const config = configOf(`${own}<canary to="canary@example.org"/>`);

/** Returns the changed alerts of a pass over a fleet without runs. */
function passAt(time: string, over: Partial<EvaluateFleetOptions>): readonly Alert[] {
  const base = { config, runs: [], seenClients: [], alerts: [], databaseUpSinceMs: at('00:00') };
  return evaluateFleet({ ...base, nowMs: at(time), ...over });
}

const only = (alerts: readonly Alert[]): Alert => {
  const [one, ...others] = alerts;
  assert.ok(one !== undefined && others.length === 0, JSON.stringify(alerts));
  return { ...one, id: 1 };
};

const finding = (kind: CanaryFinding['kind'], over: Partial<CanaryFinding> = {}) => ({
  ...{ to: 'canary@example.org', roundMs: at('04:10'), tries: [], newest: null, unreadSinceMs: null },
  found: {
    ...{ kind, roundMs: at('04:10'), ofMs: at('04:10'), atMs: at('04:30'), afterMs: 1_200_000, copies: 2, reason: 'x' },
    ...over,
  },
});

/** Every outcome of a round, with the alert that it begins. */
const outcomes: readonly (readonly [kind: CanaryFinding['kind'], severity: string | null])[] = [
  ['well', null],
  ['junk', 'warning'],
  ['late', 'warning'],
  ['repeated', 'warning'],
  ['lost', 'critical'],
];
for (const [kind, severity] of outcomes) {
  test(`a canary that is ${kind} is ${severity ?? 'no alert'}`, () => {
    const alerts = passAt('05:00', { canary: finding(kind) });
    assert.deepEqual(
      alerts.map((alert) => [alert.rule, alert.subject, alert.severity, alert.limitText]),
      severity === null ? [] : [['mail-path', '', severity, 'back within 15 min']],
    );
    const times = alerts.map(({ pendingSinceMs, firingSinceMs }) => [pendingSinceMs, firingSinceMs]);
    assert.deepEqual(times, severity === null ? [] : [[at('04:10'), at('04:30')]]);
  });
}

test('the alert about the path of mails follows the canaries, and ends with one that is back in time', () => {
  const late = only(passAt('05:00', { canary: finding('late') }));
  const next = (kind: CanaryFinding['kind'], over?: Partial<CanaryFinding>): readonly Alert[] =>
    passAt('05:10', { canary: finding(kind, over), alerts: [late] });
  assert.deepEqual(next('late'), []);
  const later = only(next('late', { afterMs: 2_400_000 }));
  assert.deepEqual([later.sequence, later.severity, later.valueText === late.valueText], [1, 'warning', false]);
  const lost = only(next('lost'));
  assert.deepEqual([lost.sequence, lost.severity], [2, 'critical']);
  const well = only(next('well', { atMs: at('05:05') }));
  assert.deepEqual([well.state, well.closedReason, well.resolvedAtMs], ['resolved', 'recovered', at('05:05')]);
  assert.notEqual(well.valueText, late.valueText);
  const none = only(passAt('05:10', { canary: null, alerts: [late] }));
  assert.deepEqual([none.closedReason, none.resolvedAtMs], ['unwatched', at('05:10')]);
  assert.deepEqual(passAt('05:10', { canary: null }), []);
});

test('a mailbox of replies that cannot be read for three times every is an alert, with the newest reason', () => {
  const unread = { sinceMs: at('08:00'), why: 'refused' };
  assert.deepEqual(passAt('08:14', { repliesUnread: unread }), []);
  assert.deepEqual(passAt('08:15', { repliesUnread: unread, databaseUpSinceMs: at('08:06') }), []);
  const begun = only(passAt('08:15', { repliesUnread: unread }));
  assert.deepEqual(
    [begun.rule, begun.valueText, begun.limitText, begun.pendingSinceMs, begun.firingSinceMs],
    ['replies-unread', 'refused', 'read within 15m', at('08:00'), at('08:15')],
  );
  assert.deepEqual(passAt('08:20', { repliesUnread: unread, alerts: [begun] }), []);
  const other = only(passAt('08:20', { repliesUnread: { ...unread, why: 'timeout' }, alerts: [begun] }));
  assert.deepEqual([other.valueText, other.state, other.sequence], ['timeout', 'firing', 1]);
  const read = only(passAt('08:25', { repliesUnread: null, alerts: [begun] }));
  assert.deepEqual([read.closedReason, read.resolvedAtMs], ['recovered', at('08:25')]);
  const noReplies = configOf(own.replace(/<replies.*?\/>/, ''));
  const gone = only(passAt('08:25', { config: noReplies, alerts: [begun] }));
  assert.equal(gone.closedReason, 'unwatched');
});

test('the time of an unread mailbox, and that of reports that no ingest opens, can be tuned', () => {
  const tuned = configOf(
    own.replace('</alerts>', '<alert name="replies-unread" for="1h"/><alert name="ingest-silent" for="1h"/></alerts>'),
  );
  const repliesUnread = { sinceMs: at('08:00'), why: 'refused' };
  const sealed = [{ keyId: 'a'.repeat(16), code: null, reports: 1, clients: 1, sinceMs: at('08:00') }];
  assert.deepEqual(passAt('08:59', { config: tuned, repliesUnread, sealed }), []);
  assert.deepEqual(
    passAt('09:00', { config: tuned, repliesUnread, sealed }).map(({ rule, limitText }) => `${rule} ${limitText}`),
    ['ingest-silent none for 1h', 'replies-unread read within 1h'],
  );
});

test('a pause longer than one and a half times the rhythm of the alerter may be an outage', () => {
  assert.equal(longestBreakMs(5 * 60_000), 30 * 60_000);
  assert.equal(longestBreakMs(20 * 60_000), 30 * 60_000);
  assert.equal(longestBreakMs(40 * 60_000), 60 * 60_000);
});

test('missing rows mean silence once the database has answered for twice every, or if no alerter ran before', () => {
  const may = (...times: readonly string[]): boolean =>
    mayMissRows(
      times.map((time) => run(time, { program: 'alert' })),
      at('08:20'),
      everyMs,
    );
  assert.equal(may(), true);
  assert.equal(may('08:20', '08:15', '08:10'), true);
  assert.equal(may('08:20', '08:15'), false);
  assert.equal(mayMissRows([run('08:20', { program: 'alert', outcome: 'running' })], at('08:20'), everyMs), true);
  const paused = ['08:05', '08:10', '08:15'].map((time) => run(time));
  assert.equal(mayMissRows([run('07:00', { program: 'alert' }), ...paused], at('08:20'), everyMs), true);
});

test('a disk of our own that is nearly full has its limit, and ends with a later report alone', () => {
  const disk = { host: 'mon-1', path: '/srv', sizeBytes: 1e11, availableBytes: 9e9, freePercent: 9 };
  const full = { ...disk, observedAtMs: at('08:00') };
  const begun = only(passAt('08:05', { stateDisks: [full] }));
  assert.deepEqual(
    [begun.subject, begun.severity, begun.limitText, begun.firstEvidence, begun.pendingSinceMs, begun.firingSinceMs],
    [...['mon-1:/srv', 'warning', 'less than 10 %', 'mon-1:/srv 2026-11-20T08:00:00.000Z'], at('08:00'), at('08:00')],
  );
  const roomy = (time: string) => [{ ...disk, freePercent: 50, observedAtMs: at(time) }];
  assert.deepEqual(passAt('08:10', { alerts: [begun], stateDisks: roomy('08:00') }), []);
  const ended = only(passAt('08:10', { alerts: [begun], stateDisks: roomy('08:06') }));
  assert.deepEqual([ended.closedReason, ended.resolvedAtMs], ['recovered', at('08:06')]);
});

test('an alert of reports that nobody opens begins with the oldest of them', () => {
  const sealed = ['08:00', '08:03'].map((time) => {
    return { keyId: 'a'.repeat(16), code: null, reports: 1, clients: 2, sinceMs: at(time) };
  });
  const begun = only(passAt('08:15', { sealed }));
  assert.deepEqual(
    [begun.limitText, begun.firstEvidence, begun.pendingSinceMs, begun.firingSinceMs],
    ['none for 15m', `@${at('08:00')}`, at('08:00'), at('08:15')],
  );
});

test('an alert about the path of mails names its canary', () => {
  assert.equal(only(passAt('05:00', { canary: finding('late') })).firstEvidence, 'canary 2026-11-20T04:10:00.000Z');
});
