import type { RepliesConfig } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { canarySubject } from '../mail-identity.ts';
import type { AttemptOptions } from '../notify.ts';
import { withMailbox, type OpenMailbox } from './imap-client.ts';
import { kindOfCopy } from './parse-reply.ts';

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

/**
 * Looks for mails by their tokens: in the mailbox of `<replies>`, in its newest messages too, and by the subject in the
 * folders of junk, of all mails and of deleted ones. Throws FleetError `replies-unread` and the signal's reason.
 */
export async function findCanaries(
  replies: RepliesConfig,
  { tokens, sinceMs, ...options }: FindCanariesOptions,
): Promise<readonly FoundCanary[]> {
  const found: FoundCanary[] = [];
  // SINCE compares days, without a zone.
  const since = new Date(sinceMs - dayMs);
  const look = async (mailbox: OpenMailbox, folder: FoundCanary['folder']): Promise<void> => {
    const named = await mailbox.search({ since, subject: canarySubject });
    // A bounce or a forwarded mail may have another subject.
    const newest = folder === 'mailbox' ? await mailbox.search({ since }) : [];
    const uids = new Set([...newest.slice(-maxMessages), ...named.slice(-maxMessages)]);
    if (uids.size === 0) return;
    for await (const { source, arrivedAtMs } of mailbox.fetch([...uids])) {
      const text = Buffer.from(source).toString('latin1').toLowerCase();
      for (const token of tokens) {
        const kind = text.includes(token) ? kindOfCopy(source, token) : 'answer';
        if (kind === 'answer') continue;
        found.push({ token, folder, arrivedAtMs, bounce: kind === 'itself' ? null : kind.bounce });
      }
    }
  };
  await withMailbox(replies, options, async (mailbox) => {
    await look(mailbox, 'mailbox');
    const isThere = (token: string): boolean => found.some((one) => one.token === token && one.bounce === null);
    if (tokens.every(isThere)) return;
    await mailbox.elsewhere(['junk', 'all', 'trash'], (use) => look(mailbox, use === 'junk' ? 'junk' : 'other'));
  });
  return found;
}
