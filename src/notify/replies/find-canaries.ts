/** src/notify/replies: replies to mails, and canaries: the mailbox, tokens, commands. */
import type { RepliesConfig } from '../../config/config.ts';
import type { FleetError } from '../../platform/errors/errors.ts';
import { dayMs } from '../../platform/units.ts';
import { canarySubject } from '../mail-identity.ts';
import type { AttemptOptions } from '../notify.ts';
import type { OpenMailbox } from './imap-client.ts';
import { kindOfCopy } from './parse-reply.ts';
import { readMessages, type ReadFolder } from './read-messages.ts';

/** The most messages of a folder that are read. */
const maxMessages = 100;

export interface FindCanariesOptions extends AttemptOptions {
  readonly tokens: readonly string[];
  /** The time at which the first of these mails was made. */
  readonly sinceMs: number;
}

/** A message with a token. `bounce` is null unless the message says why a mail was not delivered. */
export interface FoundCanary {
  readonly token: string;
  readonly folder: 'mailbox' | 'junk' | 'other';
  readonly arrivedAtMs: number;
  readonly bounce: string | null;
}

export interface FoundCanaries {
  readonly found: readonly FoundCanary[];
  /** The fault that ended the look early; null if there was none. What was found until then counts. */
  readonly fault: FleetError | null;
}

/**
 * Looks for mails by their tokens: in the mailbox of `<replies>`, in its newest messages too, and by the subject in the
 * folders of junk, of all mails and of deleted ones. Passes over messages that cannot be read; reading the replies
 * names them. Throws the signal's reason.
 */
export async function findCanaries(
  replies: RepliesConfig,
  { tokens, sinceMs, ...options }: FindCanariesOptions,
): Promise<FoundCanaries> {
  const found: FoundCanary[] = [];
  // SINCE compares days, without a zone.
  const since = new Date(sinceMs - dayMs);
  const wanted = new Map<string, readonly number[]>();
  const look = async (mailbox: OpenMailbox, read: ReadFolder, at: { path: string; folder: FoundCanary['folder'] }) => {
    const { path, folder } = at;
    const uids = wanted.get(path) ?? (await wantedIn(mailbox, since, folder));
    wanted.set(path, uids);
    await read({
      folder: path,
      uids,
      take: ({ source, arrivedAtMs }) => {
        const text = Buffer.from(source).toString('latin1').toLowerCase();
        for (const token of tokens) {
          const kind = text.includes(token) ? kindOfCopy(source, token) : 'answer';
          if (kind === 'answer') continue;
          found.push({ token, folder, arrivedAtMs, bounce: kind === 'itself' ? null : kind.bounce });
        }
      },
    });
  };
  const { fault } = await readMessages(replies, options, async (mailbox, read) => {
    await look(mailbox, read, { path: replies.mailbox, folder: 'mailbox' });
    const isThere = (token: string): boolean => found.some((one) => one.token === token && one.bounce === null);
    if (tokens.every(isThere)) return;
    await mailbox.elsewhere(['junk', 'all', 'trash'], (use, path) =>
      look(mailbox, read, { path, folder: use === 'junk' ? 'junk' : 'other' }),
    );
  });
  return { found, fault };
}

async function wantedIn(mailbox: OpenMailbox, since: Date, folder: FoundCanary['folder']): Promise<readonly number[]> {
  const named = await mailbox.search({ since, subject: canarySubject });
  // A bounce or a forwarded mail may have another subject.
  const newest = folder === 'mailbox' ? await mailbox.search({ since }) : [];
  return [...new Set([...newest.slice(-maxMessages), ...named.slice(-maxMessages)])];
}
