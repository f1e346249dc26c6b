import assert from 'node:assert/strict';
import { test } from 'node:test';

import { regain, type Remembered } from '../../../src/alerter/dispatch/forgotten.ts';
import { startDispatch } from '../support/dispatch-world.ts';
import { at } from '../support/rows.ts';

const fleet = `
  <alerts repeat="12h" groupInterval="1s">
    <mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;
const known = { state: 'firing', severity: 'critical' } as const;

/** Returns the ids of the mails that count as sent. A mail about the alert waits, and a forgotten one was sent. */
function settled(
  waiting: { created: string; sequence: number; before: string | null },
  told: number,
): readonly number[] {
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
  return regain(input, facts).settled.map(({ id }) => id);
}

for (const created of ['08:00', '12:00']) {
  test(`a waiting mail that a later one repeated is not sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 1, before: null }, 2), [7]);
  });

  test(`a mail that follows from a forgotten one is sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 2, before: '10:00' }, 2), []);
    assert.deepEqual(settled({ created, sequence: 3, before: null }, 2), []);
  });
}
