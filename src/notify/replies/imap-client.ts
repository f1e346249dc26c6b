/** The only file that imports imapflow. */

import { type FetchMessageObject, ImapFlow, type MailboxObject } from 'imapflow';

import type { RepliesConfig } from '../../config/config.ts';
import { FleetError, messageOf, type Stage } from '../../platform/errors/errors.ts';
import { readAuthority } from '../../platform/read-named-file.ts';
import { rememberSecret, withoutSecrets } from '../../platform/errors/revealed-secrets.ts';
import { oneLine } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import type { AttemptOptions } from '../notify.ts';
import { tlsAdvice } from '../../platform/errors/tls-advice.ts';
import { passwordAdvice } from '../smtp-fault.ts';
import { TooLong, within } from '../within.ts';

/** The most bytes of a message that are read. */
export const maxMessageBytes = 64 * 1024;
const maxLineBytes = 1024 * 1024;
/** The most characters of the server's reply that are kept as the reason. */
const maxWords = 300;
/** The most characters of a UIDVALIDITY: the width of its column. A number of 32 bits has ten. */
const maxValidityChars = 32;
/** The bytes that a server may send beside messages, such as lists of ids and folders, and with each message. */
const maxBesideBytes = 2 * 1024 * 1024;
const maxBesideMessageBytes = 8 * 1024;
/** The most FETCH responses for each requested message: a server may send several, also about others. */
const maxResponses = 100;
/** The pause between two looks at the number of received bytes. */
const lookEveryMs = 5;

const floodWords = 'the server sent more than was asked for';

type Wanted = { readonly uid: number } | { readonly since: Date; readonly subject?: string };

/** The special uses of folders that may have a mail which the mailbox lacks (RFC 6154). */
export type SpecialUse = 'junk' | 'all' | 'trash';

/** A mailbox that is open for reading. */
export interface OpenMailbox {
  /** Empty if the server gives none. */
  readonly uidValidity: string;
  /** An id that is greater than the id of every message; null if the server gives none. */
  readonly uidNext: number | null;
  /**
   * Returns the ids of messages from an id on, or of those that arrived on a day or later, in ascending order. With
   * `subject` only of those with these words in their subject.
   */
  search(from: Wanted): Promise<readonly number[]>;
  /**
   * Yields the requested messages, each once, in the order of the server's replies, without marking them as read. Omits
   * messages that the server does not send, and all replies about other messages.
   */
  fetch(uids: readonly number[]): AsyncIterable<FetchedMessage>;
  /**
   * Opens the folders with these special uses one after the other, and passes the use and the path of each to `work`.
   * Passes over folders that the server does not open.
   */
  elsewhere(uses: readonly SpecialUse[], work: (use: SpecialUse, path: string) => Promise<void>): Promise<void>;
}

export interface FetchedMessage {
  readonly uid: number;
  readonly arrivedAtMs: number;
  /** The first 64 KiB of the message. */
  readonly source: Uint8Array;
}

export interface MailboxOptions extends AttemptOptions {
  /** The time without a byte of requested messages after which the server has stalled. The default is the timeout. */
  readonly stallMs?: number;
}

/**
 * Logs in, opens the mailbox read-only and passes it to `work`, all within the timeout. Throws FleetError
 * `replies-unread`, `secret-missing`, or the signal's reason.
 */
export async function withMailbox<T>(
  replies: RepliesConfig,
  options: MailboxOptions,
  work: (mailbox: OpenMailbox) => Promise<T>,
): Promise<T> {
  options.signal.throwIfAborted();
  const client = openClient(replies);
  // The request under way, or the next one, fails too, without this reason.
  let broken: unknown = null;
  client.on('error', (reason) => (broken ??= reason));
  const { stallMs = options.timeoutMs } = options;
  const watch = watchServer(client, stallMs);
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
        const opened: Partial<MailboxObject> = await client.mailboxOpen(replies.mailbox, { readOnly: true });
        const done = await work({
          uidValidity: String(opened.uidValidity ?? '').slice(0, maxValidityChars),
          uidNext: opened.uidNext ?? null,
          search: (from) => search(client, from),
          fetch: (uids) => {
            watch.allow(uids.length * (maxMessageBytes + maxBesideMessageBytes));
            return fetch(client, uids, watch);
          },
          elsewhere: (uses, each) => elsewhere(client, replies.mailbox, uses, each),
        });
        // All is read: a server that answers this badly is none of our concern.
        await client.logout().catch(() => undefined);
        return done;
      },
    );
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (watch.isOver()) throw fault(replies, stage, floodWords, thrown);
    if (watch.isStalled()) throw fault(replies, stage, stallWords(stallMs), thrown);
    throw faultOf(
      replies,
      stage,
      thrown instanceof FleetError || thrown instanceof TooLong ? thrown : (broken ?? thrown),
    );
  } finally {
    watch.end();
    client.close();
  }
}

function openClient(replies: RepliesConfig): ImapFlow {
  const { host, port, security, username, password } = replies;
  const pass = password.reveal();
  // The credentials as the protocol sends them, so that the server's replies may repeat them.
  rememberSecret(`\0${username}\0${pass}`);
  return new ImapFlow({
    host,
    port,
    secure: security === 'tls',
    ...(security === 'tls' ? {} : { doSTARTTLS: security === 'starttls' }),
    auth: { user: username, pass },
    tls: tlsOf(replies),
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

function tlsOf(replies: RepliesConfig): { readonly ca?: Buffer } {
  try {
    const ca = readAuthority('replies', replies.ca);
    return ca === null ? {} : { ca };
  } catch (thrown) {
    throw fault(replies, 'config', messageOf(thrown), thrown);
  }
}

/**
 * Closes the connection once the server has sent more than is allowed: a server that sends without end would use up the
 * memory. imapflow bounds a single response alone. Closes it after a BYE too, which imapflow leaves to the server, and
 * if the server stalls while it sends messages: they may be read on another connection.
 */
function watchServer(client: ImapFlow, stallMs: number) {
  let allowed = maxBesideBytes;
  let [isOver, isStalled] = [false, false];
  let isAwaited = false;
  let received = 0;
  /** The time since the newest byte. Counts little of a time in which this process did not run. */
  let quietMs = 0;
  let lookedAtMs = performance.now();
  const timer = setInterval(() => {
    const now = client.stats().received;
    const passedMs = Math.min(performance.now() - lookedAtMs, 10 * lookEveryMs);
    lookedAtMs = performance.now();
    quietMs = isAwaited && now === received ? quietMs + passedMs : 0;
    received = now;
    isOver ||= received > allowed;
    isStalled ||= quietMs > stallMs;
    if (isOver || isStalled || byeOf(client) !== null) client.close();
  }, lookEveryMs);
  return {
    /** Allows more bytes. */
    allow: (bytes: number): void => void (allowed += bytes),
    isOver: (): boolean => isOver,
    isStalled: (): boolean => isStalled,
    /** Begins and ends the time in which messages are awaited. */
    await: (isNow: boolean): void => void (isAwaited = isNow),
    end: (): void => clearInterval(timer),
  };
}

const stallWords = (stallMs: number): string =>
  `no answer within ${Math.ceil(stallMs / 100) / 10} s while reading a message`;

/** Returns the words of the server's BYE; null if it has said none. */
function byeOf(client: ImapFlow): string | null {
  const words: unknown = Reflect.get(client, 'byeReason');
  return typeof words === 'string' ? words : null;
}

async function search(client: ImapFlow, from: Wanted): Promise<readonly number[]> {
  const query = 'uid' in from ? { uid: `${from.uid}:*` } : from;
  const found = await client.search(query, { uid: true });
  // imapflow returns no list if the server refuses, or says BYE.
  if (!Array.isArray(found)) throw new Error(byeOf(client) || 'the server refused to search the mailbox');
  return found.sort((a, b) => a - b);
}

async function* fetch(
  client: ImapFlow,
  uids: readonly number[],
  watch: ReturnType<typeof watchServer>,
): AsyncGenerator<FetchedMessage> {
  const query = { uid: true, internalDate: true, source: { maxLength: maxMessageBytes } };
  const wanted = new Set(uids);
  const arrivals = new Map<number, Date | string>();
  let left = maxResponses * (uids.length + 1);
  watch.await(true);
  try {
    // A server may send a FETCH response at any time, about any message, and with any part (RFC 3501, section 7.4.2).
    for await (const response of client.fetch(uids.join(','), query, { uid: true })) {
      const { uid, internalDate, source } = response as { uid?: number } & Partial<FetchMessageObject>;
      if ((left -= 1) < 0) throw new Error(floodWords);
      if (uid === undefined || !wanted.has(uid)) continue;
      if (internalDate !== undefined) arrivals.set(uid, internalDate);
      if (!(source instanceof Uint8Array)) continue;
      wanted.delete(uid);
      const arrivedAtMs = new Date(arrivals.get(uid) ?? Number.NaN).getTime();
      yield {
        uid,
        arrivedAtMs: Number.isNaN(arrivedAtMs) ? 0 : arrivedAtMs,
        source: source.length > maxMessageBytes ? source.subarray(0, maxMessageBytes) : source,
      };
    }
  } finally {
    watch.await(false);
  }
}

async function elsewhere(
  client: ImapFlow,
  mailbox: string,
  uses: readonly SpecialUse[],
  work: (use: SpecialUse, path: string) => Promise<void>,
): Promise<void> {
  for (const { path, specialUse = '', flags } of await client.list()) {
    const use = uses.find((one) => specialUse.toLowerCase() === `\\${one}`);
    if (use === undefined || path === mailbox || flags.has('\\Noselect')) continue;
    if (await opens(client, path)) await work(use, path);
  }
}

/** Returns the fault of a message that cannot be read; the mailbox can. */
export function unreadMessage(replies: RepliesConfig, uid: number, words: string): FleetError {
  return fault(replies, 'mail', `message ${uid} cannot be read and is passed over: ${words}`, null);
}

/** True if a fault is due to the form or size of what was read, and not to the server or the network. */
export function isOfMessage({ cause }: FleetError): boolean {
  const code = (cause as ImapError | null)?.code;
  return (
    typeof code === 'string' &&
    /^(ParserError|MAX_IMAP_NESTING|(Line|Literal|Response)TooLarge|ResponseProc)/.test(code)
  );
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
  /** The words of a BYE. */
  readonly reason?: unknown;
  readonly code?: unknown;
}

function faultOf(replies: RepliesConfig, stage: Stage, thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  if (thrown instanceof TooLong) return fault(replies, stage, thrown.message, thrown);
  const { authenticationFailed, response, responseText, reason, code } = thrown as ImapError;
  const said = [responseText, response, reason].find((one): one is string => typeof one === 'string' && one !== '');
  const words = said ?? messageOf(thrown);
  if (authenticationFailed === true) return fault(replies, 'login', `the login was refused: ${words}`, thrown);
  const name = typeof code === 'string' && said === undefined && !words.includes(code) ? ` (${code})` : '';
  return fault(replies, stage, `${words}${name}`, thrown);
}

function fault({ host, port }: RepliesConfig, stage: Stage, words: string, cause: unknown): FleetError {
  const message = `replies at ${host}:${port}: ${cut(oneLine(withoutSecrets(words)), maxWords)}`;
  const tls = tlsAdvice([(cause as ImapError | null)?.code, words].join(' '), 'replies');
  const advice = stage === 'login' ? (passwordAdvice(words) ?? tls) : tls;
  return new FleetError({ code: 'replies-unread', stage, message, cause, ...(advice === null ? {} : { advice }) });
}

/** Logs in and opens the mailbox without reading messages. Throws FleetError `replies-unread`, `secret-missing`. */
export async function verifyReplies(replies: RepliesConfig, options: AttemptOptions): Promise<void> {
  await withMailbox(replies, options, () => Promise.resolve());
}
