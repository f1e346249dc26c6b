import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { attempt } from '../../../src/alerter/deliver/deliver-mail.ts';
import type { Delivery } from '../../../src/alerter/deliver/delivery.ts';
import type { Channel } from '../../../src/notify/notify.ts';
import type { Mail } from '../../../src/storage/store/outbox-store.ts';

const mail = {
  id: 7,
  recipient: 'ops@example.org',
  messageId: '<7@example.org>',
  content: 'Date: Fri, 20 Nov 2026 12:20:00 +0000\r\nSubject: x\r\n\r\nDate: y\r\n',
  createdAtMs: Date.UTC(2026, 10, 20, 12, 20),
  dataAtMs: null,
} as unknown as Mail;

/** Sends over a channel that transfers the content as soon as possible. Returns the fault, and the contents sent. */
async function send(
  claimMs: number,
  markTakesMs: number,
  { waitedMs = 0, of = mail } = {},
): Promise<{ thrown: unknown; sent: readonly string[] }> {
  const sent: string[] = [];
  const channel: Channel = {
    name: 'a channel',
    timeoutMs: 1000,
    answerTimeoutMs: 1000,
    send: async ({ content }, { onDataBegun }) => {
      await onDataBegun();
      sent.push(content);
    },
    close: () => undefined,
  };
  const store = { markDataBegun: () => sleep(markTakesMs) };
  const signal = new AbortController().signal;
  const now = (): number => mail.createdAtMs + waitedMs;
  const delivery = { store, lease: { holder: 'one' }, signal, graceMs: 0, now } as unknown as Delivery;
  const thrown: unknown = await attempt(delivery, of, channel, performance.now() + claimMs).then(
    () => null,
    (fault: unknown) => fault,
  );
  return { thrown, sent };
}

test('a mail whose claim runs out while the mark is made, for the program was suspended, is not sent', async () => {
  const { thrown, sent } = await send(20, 40);
  assert.deepEqual(sent, []);
  assert.ok(thrown instanceof Error && 'code' in thrown && 'stage' in thrown);
  assert.deepEqual([thrown.code, thrown.stage], ['locked', 'mail']);
});

test('with time left it is', async () => {
  const { thrown, sent } = await send(60_000, 1);
  assert.deepEqual([thrown, sent], [null, [mail.content]]);
});

test('a mail that waited two hours bears the time of its sending, unless it may have arrived already', async () => {
  const waitedMs = 2 * 3_600_000;
  const { sent } = await send(60_000, 1, { waitedMs });
  assert.deepEqual(sent, ['Date: Fri, 20 Nov 2026 14:20:00 +0000\r\nSubject: x\r\n\r\nDate: y\r\n']);
  const again = await send(60_000, 1, { waitedMs, of: { ...mail, dataAtMs: mail.createdAtMs } });
  assert.deepEqual(again.sent, [mail.content]);
});
