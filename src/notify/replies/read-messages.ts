import { greatest } from '../../platform/group-by.ts';
import type { RepliesConfig } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../platform/errors/errors.ts';
import type { AttemptOptions } from '../notify.ts';
import { isOfMessage, withMailbox, type FetchedMessage, type OpenMailbox } from './imap-client.ts';

/** The most connections of one reading, and those in a row that yield no message. */
const maxConnections = 6;
const maxVain = 3;
/** The part of the timeout after which a server that sends nothing of a message has stalled. */
const stallPart = 1 / 4;

/** The requested messages of one folder. */
interface Folder {
  uids: readonly number[];
  isOptional: boolean;
  /** The ids of messages that were read. */
  readonly read: Set<number>;
  /** The ids at which a connection broke, and those at which it broke twice. */
  readonly broke: Set<number>;
  readonly isTwice: Set<number>;
  /** The reasons why messages are passed over, by id. */
  readonly passedOver: Map<number, string>;
}

/** The outcome of a reading. */
export interface Reading {
  /** The fault that ended the reading early; null if each message was read or passed over. */
  readonly fault: FleetError | null;
  /** Returns the reasons why messages of a folder are passed over, by id. */
  readonly passedOver: (folder: string) => ReadonlyMap<number, string>;
}

/** Reads those messages of a folder that no earlier connection has read. */
export type ReadFolder = (wanted: {
  readonly folder: string;
  readonly uids: readonly number[];
  /** Is called once for each message. */
  readonly take: (message: FetchedMessage) => void;
  /** True if a message that cannot be read is no fault. */
  readonly isOptional?: boolean;
}) => Promise<void>;

/**
 * Passes the open mailbox to `work`, which reads messages by its second argument, and does so again on a new connection
 * if the reading breaks. A message at which it breaks is read once more by itself. If that fails too and later messages
 * can be read, or if its form is the reason, the message is passed over. Throws the signal's reason.
 */
export async function readMessages(
  replies: RepliesConfig,
  options: AttemptOptions,
  work: (mailbox: OpenMailbox, read: ReadFolder) => Promise<void>,
): Promise<Reading> {
  const folders = new Map<string, Folder>();
  const endsAtMs = performance.now() + options.timeoutMs;
  const under: { folder: Folder | null; count: number } = { folder: null, count: 0 };
  const readOn =
    (mailbox: OpenMailbox): ReadFolder =>
    async ({ folder: name, uids, take, isOptional = false }) => {
      const folder = folders.get(name) ?? newFolder();
      folders.set(name, Object.assign(folder, { uids, isOptional }));
      under.folder = folder;
      for (const part of partsOf(folder))
        for await (const message of mailbox.fetch(part)) {
          folder.read.add(message.uid);
          under.count += 1;
          take(message);
        }
      under.folder = null;
      // The server answered the request, and left these out.
      for (const uid of leftOf(folder))
        if (!folder.isTwice.has(uid)) folder.passedOver.set(uid, 'the server did not send it');
    };
  const beginAnew = (): void => void (under.folder = null);
  let fault: FleetError | null = null;
  let isAnswered = false;
  for (let tries = 0, vain = 0; tries < maxConnections && vain < maxVain; tries += 1) {
    const timeoutMs = endsAtMs - performance.now();
    if (timeoutMs <= 0) break;
    const before = under.count;
    beginAnew();
    try {
      const limits = { ...options, timeoutMs, stallMs: options.timeoutMs * stallPart };
      await withMailbox(replies, limits, (mailbox) => work(mailbox, readOn(mailbox)));
      isAnswered = true;
      break;
    } catch (thrown) {
      options.signal.throwIfAborted();
      fault = asFleetError(thrown, { code: 'replies-unread', stage: 'mail' });
    }
    vain = under.count > before ? 0 : vain + 1;
    if (under.folder !== null) blame(under.folder, fault);
    else if (folders.size === 0) break;
  }
  for (const { isTwice, read, passedOver } of folders.values()) {
    const newest = greatest([-1, ...read]);
    for (const uid of isTwice) if (uid < newest) passedOver.set(uid, 'the reading breaks there');
  }
  const isWhole = [...folders.values()].every((folder) => folder.isOptional || leftOf(folder).length === 0);
  return {
    fault: isAnswered && isWhole ? null : fault,
    passedOver: (name) => folders.get(name)?.passedOver ?? new Map<number, string>(),
  };
}

const newFolder = (): Folder => ({
  uids: [],
  isOptional: false,
  read: new Set(),
  broke: new Set(),
  isTwice: new Set(),
  passedOver: new Map(),
});

/** Notes the message at which the reading broke, if any is left. */
function blame(folder: Folder, fault: FleetError): void {
  const [at] = partsOf(folder)[0] ?? [];
  if (at === undefined) return;
  if (folder.broke.has(at) || isOfMessage(fault)) folder.isTwice.add(at);
  folder.broke.add(at);
  if (isOfMessage(fault)) folder.passedOver.set(at, 'its form or size is not accepted');
}

/** Returns the ids of messages that are neither read nor passed over. */
function leftOf({ uids, read, passedOver }: Folder): readonly number[] {
  return uids.filter((uid) => !read.has(uid) && !passedOver.has(uid));
}

/** Returns the order in which ids are requested: the one at which the reading broke once by itself, then the others. */
function partsOf(folder: Folder): readonly (readonly number[])[] {
  const { broke, isTwice } = folder;
  const pending = leftOf(folder).filter((uid) => !isTwice.has(uid));
  const again = pending.filter((uid) => broke.has(uid));
  return [...again.map((uid) => [uid]), pending.filter((uid) => !broke.has(uid))].filter((part) => part.length > 0);
}
