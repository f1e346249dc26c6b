import assert from 'node:assert/strict';
import { test } from 'node:test';

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
