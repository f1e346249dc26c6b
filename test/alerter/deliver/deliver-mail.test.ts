import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import PostalMime from 'postal-mime';

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
  const storage = { outbox: { markDataBegun: () => sleep(markTakesMs) } };
  const signal = new AbortController().signal;
  const now = (): number => mail.createdAtMs + waitedMs;
  const delivery = { storage, lease: { holder: 'one' }, signal, graceMs: 0, now } as unknown as Delivery;
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

test('a mail that waited says so in its first line, unless a command gets it', async () => {
  const content =
    'Date: Fri, 20 Nov 2026 12:20:00 +0000\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n' +
    '--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx\r\n--b--\r\n';
  const firstLine = async (over: Partial<Mail>, waitedMs: number): Promise<string | undefined> => {
    const { sent } = await send(60_000, 1, { waitedMs, of: { ...mail, content, attempts: 0, ...over } });
    return (await PostalMime.parse(sent[0] ?? '')).text?.split('\n')[0];
  };
  const hours = 2 * 3_600_000;
  assert.equal(await firstLine({ attempts: 3 }, hours), 'This mail waited 2 hours for the mail server.');
  assert.equal(await firstLine({}, hours + 300_000), 'This mail waited 2 hours 5 minutes.');
  assert.equal(await firstLine({ attempts: 3 }, 4 * 60_000), 'x');
  assert.equal(await firstLine({ attempts: 3, dataAtMs: mail.createdAtMs }, hours), 'x');
  assert.equal(await firstLine({ attempts: 3, recipient: '|/usr/local/bin/page' }, hours), 'x');
});
