import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { deliver } from '../../src/alerter/deliver/deliver.ts';
import { openSentMails } from '../../src/alerter/deliver/sent-mails.ts';
import { openChannels } from '../../src/notify/channels.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { statePaths } from '../../src/state/paths.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { mail } from '../storage/support/alert-samples.ts';
import { makeFleet, type Fleet } from '../support/fleet.ts';
import { tryEveryCut, type Recovered } from './every-cut.ts';

const { signal } = new AbortController();
const numbers = [1, 2];
const contentOf = (number: number): string => `Subject: disk ${number}\r\n\r\n${'full '.repeat(300)}\r\n`;

/** Sends the mails that are due. */
async function sendAll(fleet: Fleet, storage: Storage): Promise<void> {
  const sent = openSentMails({ file: statePaths(fleet.stateDir).sent, now: Date.now, onFault: assert.fail });
  const channels = openChannels({ smtp: null, notify: [], webhooks: [], stateDir: fleet.stateDir });
  await deliver({
    storage,
    takeLease: async () => (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('the lease is taken'),
    ...{ channels, sent, signal, isNamed: () => true, fallback: null, observe: () => undefined, now: Date.now },
  });
}

/** Sends what is due once the claims of the alerter before have ended. Returns the mails in the folder. */
async function recover(fleet: Fleet): Promise<Recovered> {
  const database = openSqlite(path.join(fleet.stateDir, 'fleet.db'));
  database.exec('UPDATE mails SET next_attempt_at = NULL, claimed_until = NULL');
  database.close();
  const storage = await fleet.openStorage();
  await sendAll(fleet, storage).finally(() => storage.close());
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
        const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('the lease is taken');
        const mails = numbers.map((number) =>
          mail({ messageId: `<${number}@example.org>`, content: contentOf(number), notifications: [] }),
        );
        await storage.notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
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
