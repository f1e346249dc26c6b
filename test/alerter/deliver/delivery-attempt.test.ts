import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Way } from '../../../src/alerter/deliver/delivery.ts';
import { attempt } from '../../../src/alerter/deliver/delivery-attempt.ts';
import type { Mail } from '../../../src/storage/store/alert-store.ts';
import type { Sending } from '../../../src/alerter/deliver/delivery.ts';

const mail = {
  id: 7,
  recipient: 'ops@example.org',
  messageId: '<7@example.org>',
  content: 'Date: Fri, 20 Nov 2026 12:20:00 +0000\r\nSubject: x\r\n\r\nDate: y\r\n',
  createdAtMs: Date.UTC(2026, 10, 20, 12, 20),
  dataAtMs: null,
} as unknown as Mail;

/** Sends through a way that hands over the content as soon as it may. Returns the fault, and what was handed over. */
async function send(
  claimMs: number,
  markTakesMs: number,
  { waitedMs = 0, of = mail } = {},
): Promise<{ thrown: unknown; sent: readonly string[] }> {
  const sent: string[] = [];
  const way: Way = {
    name: 'a way',
    timeoutMs: 1000,
    answerTimeoutMs: 1000,
    notifier: {
      send: async ({ content }, { onDataBegun }) => {
        await onDataBegun();
        sent.push(content);
      },
      close: () => undefined,
    },
  };
  const store = { markDataBegun: () => sleep(markTakesMs) };
  const signal = new AbortController().signal;
  const now = (): number => mail.createdAtMs + waitedMs;
  const sending = { store, lease: { holder: 'one' }, signal, graceMs: 0, now } as unknown as Sending;
  const thrown: unknown = await attempt(sending, of, way, performance.now() + claimMs).then(
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
