import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  aged,
  badRowsAfter,
  isFlapping,
  isOftenBad,
  noteChange,
  staysBad,
} from '../../../src/alerter/transition/flapping.ts';
import type { Rule } from '../../../src/config/config.ts';
import { clientWith, configOf } from '../support/config-of.ts';
import { stories } from '../support/story.ts';
import { sampledRowsOf, startTransition } from '../support/time-line.ts';

const web1 = '<client name="web-1" ip="192.0.2.1" username="u"/>';

const disk1x = '<alert type="disk" limit="90%"/>';

stories(`
  four changes within twelve rows are one notice, and twelve quiet rows later the true state is notified: over
    ${disk1x}
    08:00 disk / 95 50 50 95 50 50 95 50 50
    09:00 disk / 50 50 50 50 50 50 50 50 50 50 50 50 50
    > 08:00 disk / fires critical
    > 08:10 disk / is over: recovered
    > 08:15 disk / fires critical
    > 08:25 disk / flaps
    > 09:55 disk / is steady
    > 09:55 disk / is over: recovered

  a bad state settles after three rows, and that is what is notified
    ${disk1x}
    08:00 disk / 95 50 50 95 50 50 95 95 95 95 95 ? 95 95 95 95 95 95 95 95 50 50
    > 08:00 disk / fires critical
    > 08:10 disk / is over: recovered
    > 08:15 disk / fires critical
    > 08:25 disk / flaps
    > 08:40 disk / is steady
    > 09:45 disk / is over: recovered

  a value that dances around critical flaps too
    <alert type="disk" warning="80%" critical="90%"/>
    08:00 disk / 85 91 85 85 91 85 85
    > 08:00 disk / fires warning
    > 08:05 disk / gets worse
    > 08:15 disk / eases
    > 08:20 disk / gets worse
    > 08:30 disk / eases
    > 08:30 disk / flaps

  a value that rises through both limits and falls again does not flap
    <alert type="disk" warning="80%" critical="90%"/>
    08:00 disk / 85 91 85 85 50 50
    > 08:00 disk / fires warning
    > 08:05 disk / gets worse
    > 08:15 disk / eases
    > 08:25 disk / is over: recovered

  three changes, and the fourth more than twelve rows after the first, are none too many
    ${disk1x}
    08:00 disk / 95 50 50 95 95 95 95 95 95 95 95 50 50
    > 08:00 disk / fires critical
    > 08:10 disk / is over: recovered
    > 08:15 disk / fires critical
    > 09:00 disk / is over: recovered

  a mount that is gone ends its flapping
    ${disk1x}
    08:00 disk /data 95 50 50 95 50 50
    08:30
    08:35
    > 08:00 disk /data fires critical
    > 08:10 disk /data is over: recovered
    > 08:15 disk /data fires critical
    > 08:25 disk /data flaps
    > 08:35 disk /data is steady
    > 08:35 disk /data is over: gone

  a client that comes and goes flaps by its visits
    08:00 visits dns dns ok ok dns dns ok ok
    08:36
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:15 unreachable is over: recovered
    > 08:20 unreachable is pending
    > 08:25 unreachable fires critical
    > 08:35 unreachable flaps

  a client that flapped and stays away has settled after three more rows
    08:00 visits dns dns ok ok dns dns ok ok dns dns dns dns
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:15 unreachable is over: recovered
    > 08:20 unreachable is pending
    > 08:25 unreachable fires critical
    > 08:35 unreachable flaps
    > 08:55 unreachable is steady

  what gets worse while it flaps counts at once, and settles three rows later
    <alert type="disk" warning="80%" critical="95%"/>
    08:00 disk / 85 50 50 85 50 50 97 97 97
    > 08:00 disk / fires warning
    > 08:10 disk / is over: recovered
    > 08:15 disk / fires warning
    > 08:25 disk / flaps
    > 08:30 disk / gets worse
    > 08:40 disk / is steady
`);

const each = `
    08:00 disk / 95 50 50 95 50 50 95
    > 08:00 disk / fires critical
    > 08:10 disk / is over: recovered
    > 08:15 disk / fires critical
    > 08:25 disk / is over: recovered
    > 08:30 disk / fires critical`;

stories(`
  with flapping="no" on the rule each change is notified
    <alert type="disk" limit="90%" flapping="no"/>${each}

  with flapping="no" on <alerts> each change is notified
    <alerts flapping="no"><mail to="a@example.org"/>${disk1x}</alerts>${web1}${each}
`);

test('flapping="yes" on a rule wins over flapping="no" on <alerts>', () => {
  const alerts =
    '<alerts flapping="no"><mail to="a@example.org"/><alert type="cpu" limit="9%" flapping="yes"/></alerts>';
  const rules = configOf(`${alerts}${web1}`).clients[0]?.rules ?? [];
  const flapping = rules.filter((rule) => rule.flapping).map(({ name }) => name);
  assert.deepEqual(flapping, ['cpu']);
});

test('what flaps when config.xml ends flapping is notified as it is with its next row', () => {
  const evaluation = startTransition();
  const rows = ['08:00 disk / 95', '08:05 disk / 50', '08:10 disk / 50', '08:15 disk / 95', '08:20 disk / 50'];
  const notified = (alerts: string, row: string): readonly string[] => {
    const client = clientWith(alerts);
    return evaluation.evaluate(client, sampledRowsOf(client, row));
  };
  for (const row of rows) notified(disk1x, row);
  assert.deepEqual(notified(disk1x, '08:25 disk / 50'), ['disk / flaps']);
  const without = '<alert type="disk" limit="90%" flapping="no"/>';
  assert.deepEqual(notified(without, '08:30 disk / 50'), ['disk / is steady', 'disk / is over: recovered']);
});

test('changes age by a row, and are forgotten after twelve', () => {
  assert.deepEqual(aged([]), []);
  assert.deepEqual(aged([12, -11, 11, -1, 1]), [-12, 12, -2, 2]);
});

test('changes in one direction are one, of the newest row', () => {
  assert.deepEqual(noteChange([], 'worse'), [1]);
  assert.deepEqual(noteChange([], 'better'), [-1]);
  assert.deepEqual(noteChange([5, -3], 'worse'), [5, -3, 1]);
  assert.deepEqual(noteChange([5, -3], 'better'), [5, -1]);
});

const [rule] = clientWith(disk1x).rules.filter(({ type }) => type === 'disk');
assert.ok(rule);

test('four changes are flapping, where the rule does not forbid it', () => {
  assert.equal(isFlapping(rule, [9, -6, 3]), false);
  assert.equal(isFlapping(rule, [9, -6, 3, -1]), true);
  assert.equal(isFlapping({ ...rule, flapping: false }, [9, -6, 3, -1]), false);
});

test('three rows after the last change a bad state stays, and one without a change stays too', () => {
  assert.deepEqual([[9, 2], [9, -2], [9, 3], [9, -3], []].map(staysBad), [false, false, true, true, true]);
});

test('bad rows are counted for rules that six of them in an hour would fulfill, and may flap', () => {
  const after = (over: Partial<Rule>, holds = true): readonly number[] =>
    badRowsAfter([12, 3], { ...rule, forCount: 1, forMs: null, ...over }, holds, 300_000);
  assert.deepEqual(after({}), [4, 1]);
  assert.deepEqual(after({}, false), [4]);
  assert.deepEqual(after({ forCount: 6 }), [4, 1]);
  assert.deepEqual(after({ forCount: 7 }), []);
  assert.deepEqual(after({ forCount: null, forMs: 25 * 60_000 }), [4, 1]);
  assert.deepEqual(after({ forCount: null, forMs: 25 * 60_000 + 1 }), []);
  assert.deepEqual(after({ forCount: null, forMs: null }), [4, 1]);
  assert.deepEqual(after({ flapping: false }), []);
  assert.deepEqual(after({ name: 'unreachable' }), []);
});

test('six bad rows with a good one between them are often bad; without one they fulfill `for` in time', () => {
  assert.equal(isOftenBad([7, 5, 4, 3, 2, 1]), true);
  assert.equal(isOftenBad([6, 5, 4, 3, 2, 1]), false);
  assert.equal(isOftenBad([12, 5, 4, 3, 1]), false);
  assert.equal(isOftenBad([]), false);
});
