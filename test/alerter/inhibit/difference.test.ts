/** The notifications that a recipient gets, by the state of an alert and what the recipient knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { differenceOf, isReturning, knownAfter, type Known } from '../../../src/alerter/inhibit/difference.ts';
import type { Alert, Transition } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { noonMs } from '../../storage/support/samples.ts';
import type { Listener } from '../../../src/config/recipients/listeners.ts';

const progress = alert().progress;
const all: Listener = { recipient: 'ops', from: 'element', least: 'warning' };
const critical: Listener = { recipient: 'boss', from: 'element', least: 'critical' };
const later: Listener = { ...all, afterMs: 60_000 };
const known = (
  state: NonNullable<Known>['state'],
  severity: 'warning' | 'critical' = 'critical',
  sequence = 1,
): Known => ({
  ...{ state, severity, sequence, notifiedAtMs: noonMs },
});
const warning = { severity: 'warning' } as const;
const flapping = { flapping: true } as const;
const returning = { flapping: true, progress: { ...progress, clearing: 1 } } as const;
const over = (closedReason: Alert['closedReason']) => ({ state: 'resolved', closedReason }) as const;
const lost = { rule: 'database-forgot', sequence: 2 } as const;

type Case = readonly [
  what: string,
  alert: Partial<Alert>,
  known: Known,
  listener: Listener | null,
  is: Transition | null,
];
const cases: readonly Case[] = [
  ['pending', { state: 'pending' }, null, all, null],
  ['pending, and known', { state: 'pending' }, known('firing'), all, null],
  ['firing and new', {}, null, all, 'firing'],
  ['a new warning', warning, null, all, 'firing'],
  ['a new warning for one who hears criticals', warning, null, critical, null],
  ['a new critical for one who hears criticals', {}, null, critical, 'firing'],
  ['firing, for nobody that config.xml names', {}, null, null, null],
  ['firing, for one whom config.xml named', {}, known('firing'), null, null],
  ['firing again after its end', {}, known('resolved'), all, 'firing'],
  ['as known', {}, known('firing'), all, null],
  ['worse', {}, known('firing', 'warning'), all, 'escalated'],
  ['better', warning, known('firing'), all, 'eased'],
  ['new and flapping at its limit', flapping, null, all, 'firing'],
  ['new, flapping and returning', returning, null, all, 'flapping'],
  ['flapping now', flapping, known('firing'), all, 'flapping'],
  ['flapping as known', flapping, known('flapping'), all, null],
  ['flapping, told as unsteady', flapping, known('unsteady'), all, null],
  ['flapping and worse', flapping, known('flapping', 'warning'), all, 'escalated'],
  ['flapping, worse and returning', returning, known('firing', 'warning'), all, 'flapping'],
  ['steady again', {}, known('flapping'), all, 'steady'],
  ['a further loss', lost, known('firing'), all, 'firing'],
  ['the same loss', { ...lost, sequence: 1 }, known('firing'), all, null],
  ['a further sequence of another rule', { sequence: 2 }, known('firing'), all, null],
  ['over and never told', over('recovered'), null, all, 'past'],
  ['over and never told, for one who hears criticals', { ...over('recovered'), ...warning }, null, critical, null],
  ['over before the time of one who is told later', over('recovered'), null, later, null],
  ['over, for nobody that config.xml names', over('recovered'), null, null, null],
  ['no longer watched and never told', over('unwatched'), null, all, null],
  ['never confirmed and never told', over('unconfirmed'), null, all, null],
  ['over as known', over('recovered'), known('resolved'), all, null],
  ['recovered', over('recovered'), known('firing'), all, 'resolved'],
  ['ended by an event', over('event'), known('firing'), all, 'resolved'],
  ['ended by nothing that is known', over(null), known('flapping'), all, 'resolved'],
  ['no longer watched', over('unwatched'), known('firing'), all, 'ended'],
  ['recovered, for one whom config.xml named', over('recovered'), known('firing'), null, 'resolved'],
];
for (const [what, facts, before, listener, is] of cases) {
  test(`${what}: ${is ?? 'nothing'}`, () => assert.equal(differenceOf(alert(facts), before, listener), is));
}

test('an alert is returning by rows that are clear or that are less', () => {
  const is = (more: object): boolean => isReturning(alert({ progress: { ...progress, ...more } }));
  assert.deepEqual([{}, { clearing: 1 }, { easing: 1 }].map(is), [false, true, true]);
});

const after: readonly (readonly [what: string, alert: Partial<Alert>, Transition, before: Known, state: string])[] = [
  ['told as firing', {}, 'firing', null, 'firing'],
  ['told that it is over', over('recovered'), 'resolved', known('firing'), 'resolved'],
  ['told as flapping', flapping, 'flapping', known('firing'), 'flapping'],
  ['told as firing while it flaps', flapping, 'firing', null, 'unsteady'],
  ['told as worse while it flaps', flapping, 'escalated', known('flapping'), 'unsteady'],
  ['reminded while it flaps, told as unsteady before', flapping, 'reminder', known('unsteady'), 'unsteady'],
  ['told as flapping, told as unsteady before', flapping, 'flapping', known('unsteady'), 'flapping'],
  ['reminded while it flaps', flapping, 'reminder', known('flapping'), 'flapping'],
];
for (const [what, facts, transition, before, state] of after) {
  test(`who was ${what} knows ${state}`, () => {
    const one = alert({ severity: 'warning', sequence: 7, ...facts });
    assert.deepEqual(knownAfter({ alert: one, transition, before }, noonMs + 5), {
      ...{ state, severity: 'warning', sequence: 7, notifiedAtMs: noonMs + 5 },
    });
  });
}
