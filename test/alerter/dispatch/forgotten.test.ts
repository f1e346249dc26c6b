import assert from 'node:assert/strict';
import { test } from 'node:test';

import { regain, type Remembered } from '../../../src/alerter/dispatch/forgotten.ts';
import { startDispatch } from '../support/dispatch-world.ts';
import { at } from '../support/rows.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `
  <alerts repeat="12h" groupInterval="1s">
    <mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;
const known = { state: 'firing', severity: 'critical' } as const;

interface Waiting {
  readonly created: string;
  readonly sequence: number;
  readonly before: string | null;
}

/** Returns the arguments of `regain` for an alert about which one mail waits, and a forgotten one was sent. */
function forgotten(waiting: Waiting, told: number): Parameters<typeof regain> {
  const world = startDispatch(fleet);
  world.fires('web-1 disk /');
  const [alert] = world.alerts();
  assert.ok(alert?.id);
  const { id: alertId, client, rule, subject, firstEvidence, pendingSinceMs: sinceMs } = alert;
  const { created, sequence, before } = waiting;
  const item = { alertId, sequence, transition: 'firing' } as const;
  const knowledge = before === null ? null : { ...known, sequence: told, notifiedAtMs: at(before) };
  const mail = { id: 7, recipient: 'ops@example.org', messageId: '<7@x>', createdAtMs: at(created) };
  const telling = { client, rule, subject, firstEvidence, ...known, transition: 'firing' } as const;
  const sent: Remembered = {
    ...{ atMs: at('10:00'), messageId: '<8@x>', recipient: 'ops@example.org', ordinary: false },
    told: [{ ...telling, sequence: told, sinceMs, asOfMs: at('09:59'), notifiedAtMs: at('10:00') }],
  };
  const input = { ...world.world(), waiting: [{ ...mail, items: [{ ...item, before: knowledge }] }] };
  const facts = { sent: [sent], storedIds: new Set<string>(), episodes: new Set<string>(), mayMiss: true };
  return [input, facts];
}

/** Returns the ids of the waiting mails that count as sent. */
function settled(waiting: Waiting, told: number): readonly number[] {
  return regain(...forgotten(waiting, told)).settled.map(({ id }) => id);
}

test('what the database has forgotten that a recipient knows is stored again, once', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const { notified } = regain(input, facts);
  assert.deepEqual(pluck(notified, 'recipient'), ['ops@example.org']);
  assert.deepEqual(regain({ ...input, notified }, facts).notified, []);
});

for (const created of ['08:00', '12:00']) {
  test(`a waiting mail that a later one repeated is not sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 1, before: null }, 2), [7]);
  });

  test(`a mail that follows from a forgotten one is sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 2, before: '10:00' }, 2), []);
    assert.deepEqual(settled({ created, sequence: 3, before: null }, 2), []);
  });
}
