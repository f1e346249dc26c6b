import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientWith } from './config-of.ts';
import { play, playAtOnce } from './time-line.ts';

function story(name: string, alerts: string, rows: string, told: string): void {
  test(name, () => {
    const expected = told
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    assert.deepEqual(play(clientWith(alerts), rows), expected);
  });
}

const disk = '<alert type="disk" warning="85%" critical="95%"/>';
const cpu2x = '<alert type="cpu" limit="90%"/>';

story(
  'a default rule of one row fires at once, and recovers with the second row beyond clear',
  disk,
  `08:00 disk / 50
   08:05 disk / 96
   08:10 disk / 96
   08:15 disk / 82
   08:20 disk / 81`,
  `08:05 disk / fires critical
   08:20 disk / is over: recovered`,
);

story(
  'two rows in a row are needed where for is 2x',
  cpu2x,
  `08:00 cpu 95
   08:05 cpu 40
   08:10 cpu 95
   08:15 cpu 96`,
  `08:00 cpu is pending
   08:05 cpu was not confirmed
   08:10 cpu is pending
   08:15 cpu fires critical`,
);

story(
  'a time is reached when the rows span it less half of every',
  '<alert type="cpu" limit="90%" for="15m" severity="warning"/>',
  `08:00 cpu 95
   08:05 cpu 95
   08:12 cpu 95
   08:13 cpu 95`,
  `08:00 cpu is pending
   08:13 cpu fires warning`,
);

test('a backlog in which an alert begins and ends gives one episode with both times', () => {
  const rows = `08:00 disk / 50
   08:05 disk / 96
   08:10 disk / 82
   08:15 disk / 82`;
  assert.deepEqual(playAtOnce(clientWith(disk), rows), ['disk / was critical from 08:05 to 08:15, recovered']);
});
