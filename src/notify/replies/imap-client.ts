/** The only file that imports imapflow. */
import { readFileSync } from 'node:fs';

import { ImapFlow } from 'imapflow';

import type { RepliesConfig } from '../../config/config.ts';
import { FleetError, messageOf, type Stage } from '../../errors.ts';
import { rememberSecret, withoutSecrets } from '../../revealed-secrets.ts';
import { oneLine } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import type { AttemptOptions } from '../notify.ts';
import { TooLong, within } from '../within.ts';

/** The most bytes of a message that are read. */
export const maxMessageBytes = 64 * 1024;
const maxLineBytes = 1024 * 1024;
/** The most characters of the server's reply that are kept as the reason. */
const maxWords = 300;

type Wanted = { readonly uid: number } | { readonly since: Date; readonly subject?: string };

/** The special uses of folders that may have a mail which the mailbox lacks (RFC 6154). */
export type SpecialUse = 'junk' | 'all' | 'trash';

/** A mailbox that is open for reading. */
export interface OpenMailbox {
  readonly uidValidity: string;
  /** An id that is greater than the id of every message. */
  readonly uidNext: number;
  /**
   * Returns the ids of messages from an id on, or of those that arrived on a day or later, in ascending order. With
   * `subject` only of those with these words in their subject.
   */
  search(from: Wanted): Promise<readonly number[]>;
  /** Yields messages in the order of the server's replies, without marking them as read. */
  fetch(uids: readonly number[]): AsyncIterable<FetchedMessage>;
  /**
   * Opens the folders with these special uses one after the other, and passes the use of each to `work`. Passes over
   * folders that the server does not open.
   */
  elsewhere(uses: readonly SpecialUse[], work: (use: SpecialUse) => Promise<void>): Promise<void>;
}

export interface FetchedMessage {
  readonly uid: number;
  readonly arrivedAtMs: number;
  /** The first 64 KiB of the message. */
  readonly source: Uint8Array;
}

/**
 * Logs in, opens the mailbox read-only and passes it to `work`, all within the timeout. Throws FleetError
 * `replies-unread`, `secret-missing`, or the signal's reason.
 */
export async function withMailbox<T>(
  replies: RepliesConfig,
  options: AttemptOptions,
  work: (mailbox: OpenMailbox) => Promise<T>,
): Promise<T> {
  options.signal.throwIfAborted();
  const client = openClient(replies);
  // If the connection breaks between two requests, the next request fails too.
  client.on('error', () => undefined);
  let stage: Stage = 'connect';
  try {
    return await within(
      options,
      () => client.close(),
      async (clock) => {
        clock.now('logging in');
        await client.connect();
        stage = 'mail';
        clock.now('reading the mailbox');
        const { uidValidity, uidNext } = await client.mailboxOpen(replies.mailbox, { readOnly: true });
        const done = await work({
          uidValidity: String(uidValidity),
          uidNext,
          search: (from) => search(client, from),
          fetch: (uids) => fetch(client, uids),
          elsewhere: (uses, each) => elsewhere(client, replies.mailbox, uses, each),
        });
        await client.logout();
        return done;
      },
    );
  } catch (thrown) {
    options.signal.throwIfAborted();
    throw faultOf(replies, stage, thrown);
  } finally {
    client.close();
  }
}

function openClient(replies: RepliesConfig): ImapFlow {
  const { host, port, security, username, password, ca } = replies;
  const pass = password.reveal();
  // The credentials as the protocol sends them, so that the server's replies may repeat them.
  rememberSecret(`\0${username}\0${pass}`);
  return new ImapFlow({
    host,
    port,
    secure: security === 'tls',
    ...(security === 'tls' ? {} : { doSTARTTLS: security === 'starttls' }),
    auth: { user: username, pass },
    tls: ca === null ? {} : { ca: readAuthority(replies, ca) },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    disableAutoEnable: true,
    disableBinary: true,
    clientInfo: { name: 'fleet-health', version: false, vendor: false, 'support-url': false, os: false },
    maxLineLength: maxLineBytes,
    maxLiteralSize: 2 * maxMessageBytes,
    maxResponseSize: 2 * maxLineBytes,
  });
}

function readAuthority(replies: RepliesConfig, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw fault(replies, 'config', `<replies ca>: ${messageOf(thrown)}`, thrown);
  }
}

async function search(client: ImapFlow, from: Wanted): Promise<readonly number[]> {
  const query = 'uid' in from ? { uid: `${from.uid}:*` } : from;
  const found = await client.search(query, { uid: true });
  return (Array.isArray(found) ? found : []).sort((a, b) => a - b);
}

async function* fetch(client: ImapFlow, uids: readonly number[]): AsyncGenerator<FetchedMessage> {
  const query = { uid: true, internalDate: true, source: { maxLength: maxMessageBytes } };
  for await (const { uid, internalDate, source } of client.fetch(uids.join(','), query, { uid: true })) {
    const arrivedAtMs = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
    yield { uid, arrivedAtMs: Number.isNaN(arrivedAtMs) ? 0 : arrivedAtMs, source: source ?? new Uint8Array() };
  }
}

async function elsewhere(
  client: ImapFlow,
  mailbox: string,
  uses: readonly SpecialUse[],
  work: (use: SpecialUse) => Promise<void>,
): Promise<void> {
  for (const { path, specialUse = '', flags } of await client.list()) {
    const use = uses.find((one) => specialUse.toLowerCase() === `\\${one}`);
    if (use === undefined || path === mailbox || flags.has('\\Noselect')) continue;
    if (await opens(client, path)) await work(use);
  }
}

/** Opens a folder read-only. False if the server refuses it: other folders may still be read. */
async function opens(client: ImapFlow, path: string): Promise<boolean> {
  try {
    await client.mailboxOpen(path, { readOnly: true });
    return true;
  } catch (thrown) {
    if ((thrown as ImapError).responseStatus === 'NO') return false;
    throw thrown;
  }
}

/** The fields of imapflow's errors besides the message. */
interface ImapError {
  readonly authenticationFailed?: unknown;
  readonly responseStatus?: unknown;
  readonly response?: unknown;
  readonly responseText?: unknown;
  readonly code?: unknown;
}

function faultOf(replies: RepliesConfig, stage: Stage, thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  if (thrown instanceof TooLong) return fault(replies, stage, thrown.message, thrown);
  const { authenticationFailed, response, responseText, code } = thrown as ImapError;
  const words = [responseText, response].find((one): one is string => typeof one === 'string') ?? messageOf(thrown);
  if (authenticationFailed === true) return fault(replies, 'login', `the login was refused: ${words}`, thrown);
  const name = typeof code === 'string' && !words.includes(code) ? ` (${code})` : '';
  return fault(replies, stage, `${words}${name}`, thrown);
}

function fault({ host, port }: RepliesConfig, stage: Stage, words: string, cause: unknown): FleetError {
  const message = `replies at ${host}:${port}: ${cut(oneLine(withoutSecrets(words)), maxWords)}`;
  return new FleetError({ code: 'replies-unread', stage, message, cause });
}

/** Logs in and opens the mailbox without reading messages. Throws FleetError `replies-unread`, `secret-missing`. */
export async function verifyReplies(replies: RepliesConfig, options: AttemptOptions): Promise<void> {
  await withMailbox(replies, options, () => Promise.resolve());
}
