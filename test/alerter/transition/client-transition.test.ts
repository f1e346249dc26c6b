import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { clientWith } from '../support/config-of.ts';
import { stories } from '../support/story.ts';
import { sampledRowsOf, playAtOnce, startTransition } from '../support/time-line.ts';
import { pluck } from '../../support/pluck.ts';

const disk = '<alert type="disk" warning="85%" critical="95%"/>';
const cpu2x = '<alert type="cpu" limit="90%" for="2x"/>';
const cpu15m = '<alert type="cpu" limit="90%" for="15m" severity="warning"/>';
const single = '<alert type="disk" limit="90%" severity="warning"/>';

stories(`
  of one row: fires at once, recovers with the second row beyond clear
    ${disk}
    08:00 disk / 50 96 96 82 81
    > 08:05 disk / fires critical
    > 08:20 disk / is over: recovered

  as a count: two rows in a row are needed, and a row in between begins anew
    ${cpu2x}
    08:00 cpu 95 40 95 96
    > 08:00 cpu is pending
    > 08:05 cpu was not confirmed
    > 08:10 cpu is pending
    > 08:15 cpu fires critical

  as a time: rows must span it less half of every
    ${cpu15m}
    08:00 cpu 95 95
    08:12 cpu 95
    08:13 cpu 95
    > 08:00 cpu is pending
    > 08:13 cpu fires warning

  rows two and a half times every apart still follow each other
    ${cpu15m}
    08:00 cpu 95
    08:12 cpu 95
    08:24 cpu 95
    > 08:00 cpu is pending
    > 08:24 cpu fires warning

  a longer gap begins pending anew
    ${cpu15m}
    08:00 cpu 95
    08:13 cpu 95 95 95 95
    > 08:00 cpu is pending
    > 08:28 cpu fires warning

  two missed visits do not begin a long \`for\` anew
    <alert type="cpu" limit="90%" for="30m" severity="warning"/>
    08:00 cpu 95 95
    08:20 cpu 95 95 95
    > 08:00 cpu is pending
    > 08:30 cpu fires warning

  bad rows that come faster than every wait for the time of \`for\`
    ${cpu15m}
    08:00 cpu 95
    08:01 cpu 95
    08:02 cpu 95
    08:03 cpu 95
    08:04 cpu 95
    08:05 cpu 95
    08:06 cpu 95
    08:07 cpu 95
    > 08:00 cpu is pending

  a value that is bad in every second row fires although \`for\` is never fulfilled
    <alert type="memory" limit="90%" for="2x"/>
    08:00 memory 95 50 95 50 95 50 95 50 95 50 95 50
    > 08:00 memory is pending
    > 08:05 memory was not confirmed
    > 08:10 memory is pending
    > 08:15 memory was not confirmed
    > 08:20 memory is pending
    > 08:25 memory was not confirmed
    > 08:30 memory is pending
    > 08:35 memory was not confirmed
    > 08:40 memory is pending
    > 08:45 memory was not confirmed
    > 08:50 memory fires critical

  a value that is bad in every third row does not
    <alert type="memory" limit="90%" for="2x"/>
    08:00 memory 95 50 50 95 50 50 95 50 50 95 50 50 95 50 50
    > 08:00 memory is pending
    > 08:05 memory was not confirmed
    > 08:15 memory is pending
    > 08:20 memory was not confirmed
    > 08:30 memory is pending
    > 08:35 memory was not confirmed
    > 08:45 memory is pending
    > 08:50 memory was not confirmed
    > 09:00 memory is pending
    > 09:05 memory was not confirmed

  a gap does not end what fires
    ${disk}
    08:00 disk / 96
    11:00 disk / 96
    14:00 disk / 50
    17:00 disk / 50
    > 08:00 disk / fires critical
    > 17:00 disk / is over: recovered

  between limit and clear it neither holds nor recovers
    ${single}
    08:00 disk / 91 89 87 88.5 87 87.9
    > 08:00 disk / fires warning
    > 08:25 disk / is over: recovered

  what is pending does not survive a row between limit and clear
    ${cpu2x}
    08:00 cpu 91 89 91
    > 08:00 cpu is pending
    > 08:05 cpu was not confirmed
    > 08:10 cpu is pending

  warning to critical and back is a change within one alert
    ${disk}
    08:00 disk / 90 96 94 92.9 92 80 80
    > 08:00 disk / fires warning
    > 08:05 disk / gets worse
    > 08:20 disk / eases
    > 08:30 disk / is over: recovered

  critical needs its own time: one row of it among warnings does not make it worse
    <alert type="cpu" warning="80%" critical="95%" for="2x"/>
    08:00 cpu 85 96 85 96 97
    > 08:00 cpu is pending
    > 08:05 cpu fires warning
    > 08:20 cpu gets worse

  it fires at what every row of its time has reached
    <alert type="cpu" warning="80%" critical="95%" for="3x"/>
    08:00 cpu 97 85 97
    > 08:00 cpu is pending
    > 08:10 cpu fires warning

  unknown moves nothing: neither towards firing nor towards recovery
    <alert type="memory" limit="90%" for="2x"/>
    08:00 memory 95 ? 95 50 ? ? 50
    > 08:00 memory is pending
    > 08:10 memory fires critical
    > 08:30 memory is over: recovered

  unknown rows do not bridge a gap
    <alert type="memory" limit="90%" for="2x"/>
    08:00 memory 95 ? ? 95 95
    > 08:00 memory is pending
    > 08:20 memory fires critical

  a mount that is no longer listed is gone after two rows of a successful probe
    ${disk}
    08:00 disk /data 96
    08:05 no disks
    08:10
    08:15 no disks
    08:20
    > 08:00 disk /data fires critical
    > 08:20 disk /data is over: gone

  a mount that comes back in between is not gone
    ${disk}
    08:00 disk /data 96
    08:05
    08:10 disk /data 96
    08:15
    > 08:00 disk /data fires critical

  a unit that is no longer listed as failed has recovered
    08:00 unit nginx.service failed
    08:05
    08:10
    > 08:00 service nginx.service fires warning
    > 08:10 service nginx.service is over: recovered

  a mount that a rule further in has taken over is no longer watched by the other
    08:00 disk /data 96
    > 08:00 disk /data fires critical
`);

/**
 * Evaluates rows under some rules, then further rows under other rules. Returns the changes of the second evaluation,
 * and the alerts.
 */
function reconfigured(before: Client | string, rows: string, after: Client | string, rowsAfter: string) {
  const evaluation = startTransition();
  const [first, second] = [before, after].map((one) => (typeof one === 'string' ? clientWith(one) : one));
  assert.ok(first && second);
  evaluation.evaluate(first, sampledRowsOf(first, rows));
  const changes = evaluation.evaluate(second, sampledRowsOf(second, rowsAfter));
  return { changes, ...evaluation.notified() };
}

const cpu1x = (name: string, limit: number): string => `<alert type="cpu" name="${name}" limit="${limit}%" for="1x"/>`;
const all = '<alert type="disk" name="all" limit="90%"/>';

for (const { name, before, rows, after, rowsAfter, notified } of [
  {
    name: 'a rule that takes a subject over ends the alert of the other, which has not recovered',
    before: all,
    rows: '08:00 disk /data 96',
    after: `<alert type="disk" name="data" mount="/data" limit="95%"/>${all}`,
    rowsAfter: '08:05 disk /data 96 96',
    notified: ['all /data is over: unwatched', 'data /data fires critical'],
  },
  {
    name: 'a failed unit that another rule evaluates now is no longer watched by the first: it has not recovered',
    before: '',
    rows: '08:00 unit nginx.service failed',
    after: '<alert type="service" name="web" unit="nginx*"/>',
    rowsAfter: '08:05 unit nginx.service failed\n08:10 unit nginx.service failed',
    notified: ['service nginx.service is over: unwatched', 'web nginx.service fires warning'],
  },
  {
    name: 'a rule for the whole client that one further in has taken the place of ends too',
    before: clientWith('', cpu1x('all', 90)),
    rows: '08:00 cpu 95',
    after: clientWith(cpu1x('own', 99), cpu1x('all', 90)),
    rowsAfter: '08:05 cpu 95 95',
    notified: ['all is over: unwatched'],
  },
  {
    name: 'a raised critical limit makes a warning of its alert with the next row',
    before: disk,
    rows: '08:00 disk / 96',
    after: '<alert type="disk" warning="85%" critical="97%"/>',
    rowsAfter: '08:05 disk / 96',
    notified: ['disk / eases'],
  },
  {
    name: 'a critical alert whose rule only warns now eases',
    before: '<alert type="disk" limit="90%"/>',
    rows: '08:00 disk / 96',
    after: single,
    rowsAfter: '08:05 disk / 96 96',
    notified: ['disk / eases'],
  },
] as const) {
  test(name, () => assert.deepEqual(reconfigured(before, rows, after, rowsAfter).changes, notified));
}

test('a raised limit ends its alert with the next row, although the old way back is not reached', () => {
  const notified = reconfigured(cpu1x('cpu', 50), '08:00 cpu 59', cpu1x('cpu', 60), '08:05 cpu 59');
  assert.deepEqual(notified.changes, ['cpu is over: recovered']);
  assert.equal(notified.all[0]?.limitText, 'at least 60 %');
});

test('a lowered limit goes on with its alert and says the new limit, or makes it worse', () => {
  const rows = ['08:00 disk / 91, disk /b 86', '08:05 disk / 91, disk /b 86'] as const;
  const notified = reconfigured(disk, rows[0], '<alert type="disk" warning="80%" critical="90%"/>', rows[1]);
  assert.deepEqual(notified.changes, ['disk / gets worse']);
  assert.deepEqual(pluck(notified.open, 'limitText'), ['at least 90 %', 'at least 80 %']);
});

test('a changed limit keeps its alert', () => {
  const after = '<alert type="disk" warning="70%" critical="97%"/>';
  const notified = reconfigured(disk, '08:00 disk / 96', after, '08:05 disk / 94 94');
  assert.deepEqual(notified.changes, ['disk / eases']);
  assert.deepEqual([notified.all.length, notified.open[0]?.limitText], [1, 'at least 70 %']);
});

test('a backlog in which an alert begins and ends is one alert with both times, for people to know', () => {
  const client = clientWith(disk);
  const rows = `08:00 disk / 50
   08:05 disk / 96 82
   08:15 disk / 82`;
  assert.deepEqual(playAtOnce(client, rows), ['disk / was critical from 08:05 to 08:15, recovered']);
  const evaluation = startTransition();
  evaluation.evaluate(client, sampledRowsOf(client, rows));
  const facts = evaluation.notified().all.map(({ closedOut, past, sequence }) => ({ closedOut, past, sequence }));
  assert.deepEqual(facts, [{ closedOut: false, past: false, sequence: 2 }]);
});

test('an alert says since when, from what, at which value and limit, and which run changed it', () => {
  const client = clientWith(cpu15m);
  const evaluation = startTransition();
  evaluation.evaluate(
    client,
    sampledRowsOf(client, '08:00 cpu 95\n08:05 cpu 96\n08:10 cpu 95\n08:15 cpu 97.25\n08:20 cpu 98'),
  );
  const [alert] = evaluation.notified().open;
  assert.deepEqual(
    {
      firstEvidence: alert?.firstEvidence,
      changedByRun: alert?.changedByRun,
      value: alert?.value,
      valueText: alert?.valueText,
      limitText: alert?.limitText,
    },
    {
      firstEvidence: 'report of 08:00',
      changedByRun: 'run of 08:15',
      value: 98,
      valueText: '98 %',
      limitText: 'at least 90 %',
    },
  );
});

test('of a boot other than the one before a report tells once, and nothing recovers', () => {
  const client = clientWith('');
  assert.deepEqual(
    playAtOnce(client, '08:00 boot 1, uptime 90000\n08:05 boot 2, uptime 180\n08:10 boot 2\n08:15 boot 3, uptime 9'),
    ['rebooted: up for 3m', 'rebooted: up for 9s'],
  );
});

stories(`
  four boots within an hour are one alert, which ends an hour after the last one
    08:00 boot 1
    08:10 boot 2
    08:20 boot 3
    08:30 boot 4
    08:40 boot 5
    09:35 boot 6
    10:30 boot 6
    10:34 boot 7
    11:30 boot 7
    11:34 boot 7
    > 08:10 rebooted: up for 1d
    > 08:20 rebooted: up for 1d
    > 08:30 rebooted: up for 1d
    > 08:40 reboots fires critical
    > 11:34 reboots is over: recovered

  four boots in more than an hour are four events
    08:00 boot 1
    08:10 boot 2
    08:30 boot 3
    08:50 boot 4
    09:10 boot 5
    > 08:10 rebooted: up for 1d
    > 08:30 rebooted: up for 1d
    > 08:50 rebooted: up for 1d
    > 09:10 rebooted: up for 1d

  without the rule every boot is an event
    <alert name="reboots" enabled="no"/>
    08:00 boot 1
    08:10 boot 2
    08:20 boot 3
    08:30 boot 4
    08:40 boot 5
    > 08:10 rebooted: up for 1d
    > 08:20 rebooted: up for 1d
    > 08:30 rebooted: up for 1d
    > 08:40 rebooted: up for 1d

  a rule whose name is removed from the client leaves its alert to those who know the configuration
    <alert type="disk" enabled="no"/>
    08:00 disk / 99
`);
