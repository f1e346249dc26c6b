import { decodeWords } from 'postal-mime';

import { freezeMail } from '../../notify/mime.ts';
import type { NewMail } from '../../storage/store/alert-store.ts';
import type { Fallback, RefusedMail } from './delivery.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';

/** In the Message-ID of a notice; those of other mails have no dot before their @. */
const mark = '.refused@';

export interface NoticeOptions {
  readonly refused: RefusedMail;
  /** The other side's words. */
  readonly reason: string;
  /** False: it is tried for some hours more. */
  readonly isFinal: boolean;
  readonly fallback: Fallback;
  readonly nowMs: number;
}

/**
 * A mail that says whose mail was refused and why, with that mail in it; its Message-ID follows from that one's,
 * so there is one of it. null: the refused mail is such a notice itself, or went to the very address that would be told.
 */
export async function composeRefusalNotice({
  refused,
  reason,
  isFinal,
  fallback,
  nowMs,
}: NoticeOptions): Promise<NewMail | null> {
  if (refused.messageId.includes(mark) || refused.recipient === fallback.to) return null;
  const messageId = refused.messageId.replace('@', mark);
  const who = refused.recipient.replace(/^\|/, '');
  const text = [
    `A mail to ${who} was refused${isFinal ? ' for good' : ''}:`,
    '',
    `  ${reason}`,
    '',
    ...(isFinal
      ? ['It follows below and is not sent again. Mend the address, or what refused it,', 'in config.xml;']
      : [
          'It follows below, and is tried for some hours more: this may be lifted. There',
          'will be no other notice about it. Ask whoever runs the mail server;',
        ]),
    '`fleet-health status` counts what was not delivered.',
    '',
  ].join('\n');
  const content = await freezeMail({
    mail: {
      subject: `Not delivered to ${who}: ${subjectOf(refused.content)}`,
      text,
      html: `<pre>${escapeMarkup(text)}</pre>`,
      messageId,
      inReplyTo: null,
      references: [],
      headers: { 'Auto-Submitted': 'auto-generated' },
    },
    from: fallback.from,
    to: fallback.to,
    dateMs: nowMs,
    enclosed: refused.content,
  });
  const { severity } = refused;
  return { recipient: fallback.to, messageId, content, severity, ordinary: false, notifications: [], replaces: [] };
}

/** The subject of a mail as it was written, unfolded and decoded (RFC 5322, RFC 2047). */
function subjectOf(content: string): string {
  const [, folded = ''] = /^Subject: (.*(?:\r\n[ \t].*)*)\r$/m.exec(content) ?? [];
  return decodeWords(folded.replace(/\r\n/g, ''));
}
