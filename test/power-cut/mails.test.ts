import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { deliver } from '../../src/alerter/deliver/deliver.ts';
import { openSentMails } from '../../src/alerter/deliver/sent-mails.ts';
import { openChannels } from '../../src/notify/channels.ts';
import type { Channel } from '../../src/notify/notify.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { mail } from '../storage/support/alert-samples.ts';
import { makeFleet, type Fleet } from '../support/fleets/fleet.ts';
import { tryEveryCut, type Recovered } from './every-cut.ts';

const { signal } = new AbortController();
const numbers = [1, 2];
const contentOf = (number: number): string => `Subject: disk ${number}\r\n\r\n${'full '.repeat(300)}\r\n`;

interface Sending {
  /** Called with the Message-ID of each mail that a folder took, or that `handOver` took. */
  readonly onSent?: (messageId: string) => void;
  /** Takes a mail in place of the folder. */
  readonly handOver?: (messageId: string) => void;
}

/** Sends the mails that are due. */
async function sendAll(fleet: Fleet, storage: Storage, { onSent, handOver }: Sending = {}): Promise<void> {
  const sent = openSentMails({ file: statePaths(fleet.stateDir).sent, now: Date.now, onFault: assert.fail });
  const folder = openChannels({ smtp: null, notify: [], webhooks: [], stateDir: fleet.stateDir });
  const taker: Channel = {
    ...{ name: 'test', timeoutMs: 60_000, answerTimeoutMs: 60_000, close: () => undefined },
    send: async ({ messageId }, { onDataBegun }) => {
      await onDataBegun();
      handOver?.(messageId);
    },
  };
  const channels = handOver === undefined ? folder : { channelFor: () => taker, close: () => undefined };
  await deliver({
    storage,
    takeLease: async () => (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('the lease is taken'),
    observe: ({ kind, messageId }) => {
      if (kind === 'sent') onSent?.(messageId);
    },
    ...{ channels, sent, signal, isNamed: () => true, fallback: null, now: Date.now },
  });
}

/** Stores the mails. */
async function putMails(storage: Storage): Promise<void> {
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('the lease is taken');
  const mails = numbers.map((number) =>
    mail({ messageId: `<${number}@example.org>`, content: contentOf(number), notifications: [] }),
  );
  await storage.notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
}

/** Sends what is due as an alerter does after an hour, when the claims of the one before have ended. */
async function sendLater(fleet: Fleet, sending: Sending = {}): Promise<void> {
  const database = openSqlite(path.join(fleet.stateDir, 'fleet.db'));
  database.exec('UPDATE mails SET next_attempt_at = NULL, claimed_until = NULL');
  database.close();
  const storage = await fleet.openStorage();
  try {
    await sendAll(fleet, storage, sending);
  } finally {
    await storage.close();
  }
}

/** Sends what is due. Returns the mails in the folder. */
async function recover(fleet: Fleet): Promise<Recovered> {
  await sendLater(fleet);
  const { outbox } = statePaths(fleet.stateDir);
  const names = existsSync(outbox) ? readdirSync(outbox).filter((name) => !name.startsWith('.')) : [];
  const isWhole = (name: string): boolean =>
    contentOf(Number.parseInt(name)) === readFileSync(path.join(outbox, name), 'utf8');
  return { kept: names.filter(isWhole), wrong: names.filter((name) => !isWhole(name)) };
}

test('a mail that a folder took is there once, and whole, after every power cut', async () => {
  const fleet = makeFleet();
  const before = await fleet.openStorage();
  await before.close();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const storage = await fleet.openStorage();
      try {
        await putMails(storage);
        for (const number of numbers) promise(`${number}.eml`);
        await sendAll(fleet, storage);
      } finally {
        await storage.close();
      }
    },
    recover: () => recover(fleet),
  });
  assert.equal(promises, 2);
});

test('a mail that somebody took is not sent again after a power cut at which the database forgets it', async () => {
  const fleet = makeFleet();
  const storage = await fleet.openStorage();
  try {
    await putMails(storage);
  } finally {
    await storage.close();
  }
  const promises = await tryEveryCut({
    dir: fleet.dir,
    isForgetful: true,
    run: (promise) => sendLater(fleet, { onSent: promise, handOver: () => undefined }),
    recover: async () => {
      const again: string[] = [];
      await sendLater(fleet, { handOver: (messageId) => again.push(messageId) });
      return { kept: numbers.map((number) => `<${number}@example.org>`).filter((id) => !again.includes(id)) };
    },
  });
  assert.equal(promises, 2);
});
