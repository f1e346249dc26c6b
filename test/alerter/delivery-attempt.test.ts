import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Sending } from '../../src/alerter/deliver.ts';
import type { Way } from '../../src/alerter/delivery.ts';
import { attempt } from '../../src/alerter/delivery-attempt.ts';
import type { Mail } from '../../src/storage/alert-store.ts';

const mail = { id: 7, recipient: 'ops@example.org', messageId: '<7@example.org>', content: 'x' } as unknown as Mail;

/** Sends through a way that hands over the content as soon as it may. Returns the fault, and what was handed over. */
async function send(claimMs: number, markTakesMs: number): Promise<{ thrown: unknown; sent: readonly string[] }> {
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
  const sending = { store, lease: { holder: 'one' }, signal, graceMs: 0 } as unknown as Sending;
  const thrown: unknown = await attempt(sending, mail, way, performance.now() + claimMs).then(
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
  assert.deepEqual([thrown, sent], [null, ['x']]);
});
