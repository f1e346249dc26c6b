import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onBothDatabases } from '../../storage/support/databases.ts';
import { clientWith } from '../support/config-of.ts';
import { at } from '../support/rows.ts';
import { openStation } from '../support/station.ts';
import { story } from '../support/story.ts';
import { everyMs, sampledRowsOf, startTransition } from '../support/time-line.ts';

/**
 * Visits every five minutes from 08:00 on: `.` is good, `t` and `a` fail, `f` fails in a filtered run, `k` at the host
 * key.
 */
function visits(ends: string): string {
  const words: Readonly<Record<string, string>> = {
    '.': 'visit ok',
    t: 'visit fails connect-timeout',
    a: 'visit fails auth-timeout',
    f: 'filtered visit fails connect-timeout',
    k: 'visit fails host-key-changed',
    i: 'visit fails interrupted',
  };
  return Array.from(ends)
    .map((end, index) => {
      const minutes = 8 * 60 + 5 * index;
      const time = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
      return `${time} ${words[end] ?? ''}`;
    })
    .join('\n');
}

const unreachableOff = '<alert name="unreachable" enabled="no"/>';
const others = '<alert name="host-key-changed" enabled="no"/>';

story(
  'a client whose every second visit fails is told of at the sixth failure',
  others,
  visits('.t.a.a.a.t.a'),
  `08:05 unreachable is pending
   08:10 unreachable was not confirmed
   08:15 unreachable is pending
   08:20 unreachable was not confirmed
   08:25 unreachable is pending
   08:30 unreachable was not confirmed
   08:35 unreachable is pending
   08:40 unreachable was not confirmed
   08:45 unreachable is pending
   08:50 unreachable was not confirmed
   08:55 unreachable is pending
   08:55 unreliable fires warning`,
);

story(
  'it has recovered when at most three of twelve visits failed, in two visits',
  unreachableOff,
  visits('t.t.t.t.t.t......t..'),
  `08:50 unreliable fires warning
   09:35 unreliable is over: recovered`,
);

story('five failures of twelve are not enough', unreachableOff, visits('t.t.t.t.t..........'), '');

story(
  'failures in a row are told of by unreachable, and count no more after it',
  unreachableOff.replace('enabled="no"', 'for="2x"'),
  visits('t.t.t.t.tt.t.t'),
  `08:00 unreachable is pending
   08:05 unreachable was not confirmed
   08:10 unreachable is pending
   08:15 unreachable was not confirmed
   08:20 unreachable is pending
   08:25 unreachable was not confirmed
   08:30 unreachable is pending
   08:35 unreachable was not confirmed
   08:40 unreachable is pending
   08:45 unreachable fires critical
   08:50 unreachable is over: recovered
   08:55 unreachable is pending
   09:00 unreachable was not confirmed
   09:05 unreachable is pending`,
);

story(
  'what is no fault of the client, filtered runs that failed and host keys do not count',
  `${unreachableOff}${others}`,
  visits('t.f.t.i.k.t.f.t.t.i.'),
  '',
);

test('the words name how many visits failed and the most frequent error', () => {
  const client = clientWith(unreachableOff);
  const judging = startTransition();
  judging.judge(client, sampledRowsOf(client, visits('.t.a.a.a.t.a')));
  const [alert] = judging.told().open;
  assert.equal(alert?.valueText, '6 of the last 12 visits failed, most often: auth-timeout');
});

onBothDatabases('a client whose visits fail every second time', (kit) => {
  test('each pass goes on from what is stored, rows that waited count in order, and one mail tells of it', async () => {
    const elements = `<alerts><mail to="ops@example.org"/></alerts>
      <client name="web-1" ip="192.0.2.1" username="u"/><client name="db-1" ip="192.0.2.2" username="u"/>`;
    const station = await openStation({ storage: await kit.create(), elements });
    try {
      const mails: string[] = [];
      for (let visit = 0; visit < 14; visit++) {
        station.at(at('08:00') + visit * everyMs);
        await station.collect(visit % 2 === 1 ? { 'web-1': 'fails auth-timeout' } : {});
        // No alerter runs for half an hour.
        if (visit > 2 && visit < 8) continue;
        station.at(station.nowMs() + 60_000);
        mails.push(...(await station.pass()).arrived.map(({ sentence }) => sentence));
      }
      assert.deepEqual(mails, ['ops: firing warning web-1 unreliable']);
      const [open] = await station.storage.alerts.openAlerts(['web-1']);
      assert.equal(open?.valueText, '6 of the last 12 visits failed, most often: auth-timeout');
    } finally {
      await station.close();
    }
  });
});
