import assert from 'node:assert/strict';
import { test } from 'node:test';

import { transitionClient } from '../support/transition-client.ts';
import { clientWith } from '../support/config-of.ts';
import { at } from '../support/rows.ts';
import { stories } from '../support/story.ts';
import { everyMs, sampledRowsOf, startTransition } from '../support/time-line.ts';

const disk = '<alert type="disk" warning="85%" critical="95%"/>';
const memory2x = '<alert type="memory" limit="90%" for="2x"/>';

stories(`
  what late rows began and ended is notified as past, once, and the present stays as it is
    ${disk}
    10:00 disk / 50
    08:00 disk / 96 96 50 50 50
    10:05 disk / 50
    > 08:15 disk / was critical from 08:00 to 08:15

  late rows that would have begun nothing are no news
    ${memory2x}
    10:00 memory 50
    08:00 memory 95 50 95
    10:05 memory 50

  what late rows left open is over when the present goes on
    ${disk}
    10:00 disk / 50
    09:00 disk / 96 97
    10:05 disk / 50
    > 10:05 disk / was critical from 09:00 to 09:05

  late rows that lead up to an open alert are its own beginning
    ${disk}
    10:00 disk / 96
    09:50 disk / 96 97
    10:05 disk / 96
    > 10:00 disk / fires critical

  late rows within an open alert say nothing new
    ${disk}
    08:00 disk / 96
    10:00 disk / 96
    09:00 disk / 97 50 50
    10:05 disk / 96
    > 08:00 disk / fires critical

  late rows never recover what fires, nor make it worse
    ${disk}
    08:00 disk / 50
    10:00 disk / 90
    09:00 disk / 50 50 99
    10:05 disk / 90
    > 10:00 disk / fires warning
    > 10:05 disk / was critical from 09:10 to 09:10

  late rows with a gap between them are two stories
    ${disk}
    10:00 disk / 50
    07:00 disk / 96
    09:00 disk / 97
    10:05 disk / 50
    > 09:00 disk / was critical from 07:00 to 07:00
    > 10:05 disk / was critical from 09:00 to 09:00

  late rows that are out of order among themselves are not lost
    ${disk}
    10:00 disk / 50
    08:00 disk / 96
    07:00 disk / 97
    10:05 disk / 50
    > 07:00 disk / was critical from 08:00 to 08:00
    > 10:05 disk / was critical from 07:00 to 07:00

  a late report of an earlier boot is no reboot
    08:00 boot 2
    07:00 boot 1
    08:05 boot 2
`);

test('late rows give the same one by one and at once', () => {
  const client = clientWith(disk);
  const present = sampledRowsOf(client, '10:00 disk / 50');
  const late = sampledRowsOf(
    client,
    '08:00 disk / 96\n08:05 disk / 97\n08:10 disk / 90\n08:15 disk / 90\n08:20 disk / 50\n08:25 disk / 50',
  );
  const [single, whole] = [startTransition(), startTransition()];
  for (const evaluation of [single, whole]) evaluation.evaluate(client, present);
  for (const row of late) single.evaluate(client, [row]);
  whole.evaluate(client, late);
  assert.deepEqual(single.notified(), whole.notified());
  assert.equal(whole.notified().all.length, 1);
  assert.equal(whole.notified().memory?.late, undefined);
});

test('a clock that was ahead for a while does not make the present old', () => {
  const client = clientWith('<alert type="disk" warning="85%" critical="95%" for="1x"/>');
  const ahead = transitionClient({
    rules: client.rules,
    memory: null,
    alerts: [],
    sampledRows: sampledRowsOf(client, '+1 08:00 disk / 96'),
    everyMs,
  });
  const after = transitionClient({
    rules: client.rules,
    memory: ahead.memory,
    alerts: ahead.alerts.map((alert) => ({ ...alert, id: 1 })),
    sampledRows: sampledRowsOf(client, '08:05 disk / 50\n08:10 disk / 50'),
    everyMs,
    nowMs: at('08:05'),
  });
  const late = after.alerts.map(({ state, past }) => ({ state, past }));
  assert.deepEqual(late, [{ state: 'resolved', past: false }]);
});
