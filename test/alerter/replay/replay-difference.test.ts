/** The notifications that a replay adds or lacks, by name and time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { differenceToSent } from '../../../src/alerter/replay/replay-difference.ts';
import { at } from '../support/rows.ts';

type Sent = Parameters<typeof differenceToSent>[0][number];

/** Returns a notification from `08:00 ops firing web-1`. */
function sent(text: string, over: Partial<Sent> = {}): Sent {
  const [time = '', recipient = '', transition = '', client = ''] = text.split(' ');
  const named = { client, rule: 'disk', subject: '/', recipient, transition, notifiedAtMs: at(time) };
  return { ...named, severity: 'critical', ...over } as unknown as Sent;
}

const minuteMs = 60_000;
type Row = readonly [what: string, would: readonly string[], was: readonly string[], more: number[], fewer: number[]];
/** Notifications of a replay and those that were sent; the places of what the replay adds and lacks. */
const rows: readonly Row[] = [
  ['the same', ['08:00 ops firing web-1'], ['08:00 ops firing web-1'], [], []],
  ['within the tolerance', ['08:05 ops firing web-1'], ['08:00 ops firing web-1'], [], []],
  ['beyond the tolerance', ['08:06 ops firing web-1'], ['08:00 ops firing web-1'], [0], [0]],
  ['before it', ['08:00 ops firing web-1'], ['08:06 ops firing web-1'], [0], [0]],
  ['another recipient', ['08:00 kim firing web-1'], ['08:00 ops firing web-1'], [0], [0]],
  ['another transition', ['08:00 ops resolved web-1'], ['08:00 ops firing web-1'], [0], [0]],
  ['another client', ['08:00 ops firing web-2'], ['08:00 ops firing web-1'], [0], [0]],
  ['one more', ['08:00 ops firing web-1', '09:00 ops firing web-1'], ['08:00 ops firing web-1'], [1], []],
  ['one fewer', ['09:00 ops firing web-1'], ['08:00 ops firing web-1', '09:00 ops firing web-1'], [], [0]],
  ['reminders', ['08:00 ops reminder web-1'], ['09:00 ops acknowledged web-1'], [], []],
  ['nothing', [], [], [], []],
  [
    'the oldest first',
    ['09:00 ops firing web-1', '08:00 ops firing web-2'],
    ['11:00 ops firing web-3', '10:00 ops firing web-4'],
    [1, 0],
    [1, 0],
  ],
];
for (const [what, would, was, more, fewer] of rows) {
  test(`a replay and what was sent: ${what}`, () => {
    const [made, stored] = [would.map((text) => sent(text)), was.map((text) => sent(text))];
    const found = differenceToSent(made, stored, 5 * minuteMs);
    assert.deepEqual(found, { more: more.map((place) => made[place]), fewer: fewer.map((place) => stored[place]) });
  });
}

test('rule and subject name a notification too', () => {
  const one = sent('08:00 ops firing web-1');
  for (const over of [{ rule: 'load' }, { subject: '/b' }]) {
    const other = sent('08:00 ops firing web-1', over);
    assert.deepEqual(differenceToSent([one], [other], minuteMs), { more: [one], fewer: [other] });
  }
});
