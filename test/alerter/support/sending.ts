/** Helpers for tests of delivery: mails in a real database, a channel for them, and their outcomes. */
import type { TestContext } from 'node:test';

import { deliver } from '../../../src/alerter/deliver/deliver.ts';
import type { DeliveryEvent } from '../../../src/alerter/alert-options.ts';
import type { Delivered, DeliverOptions } from '../../../src/alerter/deliver/delivery.ts';
import type { NotifyConfig, SmtpConfig, WebhookConfig } from '../../../src/config/config.ts';
import { openChannels } from '../../../src/notify/channels.ts';
import type { Lease } from '../../../src/storage/store/lease-store.ts';
import type { Mail, NewMail, OutboxStore } from '../../../src/storage/store/outbox-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { mail } from '../../storage/support/alert-samples.ts';
import type { Kit, Opened } from '../../storage/support/databases.ts';
import { startSmtpServer, type SmtpServer, type SmtpServerOptions } from '../../support/servers/smtp-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';

export interface Post {
  readonly opened: Opened;
  readonly lease: Lease;
  readonly stateDir: string;
  readonly events: DeliveryEvent[];
  /** Stores mails to these recipients, in this order; Message-IDs are `<1@...>`, `<2@...>` ... */
  put(...recipients: readonly string[]): Promise<void>;
  putMails(...mails: readonly Partial<NewMail>[]): Promise<void>;
  /** Makes all mails due now. */
  makeDue(): Promise<void>;
  /** Runs the delivery once. */
  run(smtp: SmtpConfig | null, options?: RunOptions): Promise<Delivered>;
  rows(): Promise<readonly Row[]>;
}

export type RunOptions = Partial<DeliverOptions> & {
  readonly notify?: readonly NotifyConfig[];
  readonly webhooks?: readonly WebhookConfig[];
};

export type Row = Pick<Mail, 'id' | 'recipient' | 'messageId' | 'attempts' | 'error' | 'content'> & {
  readonly state: 'sent' | 'failed' | 'waiting';
  readonly dataBegun: boolean;
  /** Seconds until the next attempt, rounded. `null` if there is no wait. */
  readonly pauseS: number | null;
};

export const never = new AbortController().signal;

/** Opens a post office on an empty database. */
export async function openPost(t: TestContext, kit: Kit): Promise<Post> {
  const opened = await kit.open();
  const { storage } = opened;
  const lease = await storage.leases.takeLease('alerter', 'one');
  if (lease === null) throw new Error('the lease is taken');
  const stateDir = tempFolder(t);
  const events: DeliveryEvent[] = [];
  let count = 0;
  const putMails = async (...mails: readonly Partial<NewMail>[]): Promise<void> => {
    const numbered = mails.map((one) => {
      count += 1;
      return mail({ messageId: `<${count}@example.org>`, notifications: [], content: contentOf(count), ...one });
    });
    await storage.notifications.saveNotifications(lease, { mails: numbered, notified: [], closedOut: [] });
  };
  return {
    opened,
    lease,
    stateDir,
    events,
    putMails,
    put: (...recipients) => putMails(...recipients.map((recipient) => ({ recipient }))),
    makeDue: async () => {
      await opened.database.write((session) =>
        session.run('UPDATE mails SET next_attempt_at = NULL, claimed_until = NULL', []),
      );
    },
    run: async (smtp, { notify = [], webhooks = [], ...options } = {}) => {
      const channels = openChannels({ smtp, notify, webhooks, stateDir });
      const { fallback: to } = smtp ?? { fallback: null };
      try {
        return await deliver({
          storage,
          takeLease: () => Promise.resolve(lease),
          channels,
          sent: { find: () => null, note: () => undefined },
          isNamed: () => true,
          fallback: smtp === null || to === null ? null : { to, from: smtp.from },
          signal: never,
          observe: (event) => void events.push(event),
          now: () => Date.now(),
          ...options,
        });
      } finally {
        channels.close();
      }
    },
    rows: async () => {
      const nowMs = await storage.nowMs();
      const rows = await opened.database.read((session) => session.all('SELECT * FROM mails ORDER BY id', []));
      return rows.map((row) => {
        const next = row['next_attempt_at'];
        const isFinal = row['sent_at'] !== null || row['failed_at'] !== null;
        return {
          id: Number(row['id']),
          recipient: String(row['recipient']),
          messageId: String(row['message_id']),
          content: String(row['content']),
          attempts: Number(row['attempts']),
          error: row['error'] === null ? null : String(row['error']),
          state: row['sent_at'] !== null ? 'sent' : row['failed_at'] !== null ? 'failed' : 'waiting',
          dataBegun: row['data_at'] !== null,
          pauseS: isFinal || next === null ? null : Math.round((Date.parse(`${String(next)}Z`) - nowMs) / 1000),
        };
      });
    },
  };
}

export function contentOf(number: number): string {
  return (
    `Message-ID: <${number}@example.org>\r\nSubject: ` + `disk ${number}\r\n\r\n/data is full on web-${number}\r\n.\r\n`
  );
}

/** Starts a scripted server that is stopped after the test. */
export async function openServer(t: TestContext, options: SmtpServerOptions = {}): Promise<SmtpServer> {
  const server = await startSmtpServer(options);
  t.after(() => server.stop());
  return server;
}

/** Opens a post office with mails to these recipients, and a server for them. */
export async function openOffice(
  t: TestContext,
  kit: Kit,
  recipients: readonly string[],
  options: SmtpServerOptions = {},
): Promise<{ readonly post: Post; readonly server: SmtpServer }> {
  const post = await openPost(t, kit);
  await post.put(...recipients);
  return { post, server: await openServer(t, options) };
}

/** Returns the recipients of the mails that a server accepted, in their order. */
export function recipientsOf({ mails }: SmtpServer): readonly string[] {
  return mails.map(({ to }) => to);
}

/** Returns a storage with some methods of the outbox replaced. */
export function withOutbox(storage: Storage, changed: Partial<OutboxStore>): Storage {
  return { ...storage, outbox: { ...storage.outbox, ...changed } };
}
