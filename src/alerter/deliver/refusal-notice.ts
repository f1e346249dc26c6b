import { freezeNotice } from '../../notify/mime.ts';
import { canaryMark } from '../../notify/mail-identity.ts';
import { parseFrozen } from '../../notify/webhook/freeze-webhook.ts';
import type { Mail, NewMail } from '../../storage/store/outbox-store.ts';
import type { DeliverOptions } from './delivery.ts';
import { kindOfRecipient, recipientInWords } from '../../config/values/recipient-kinds.ts';

/** The mark in the Message-ID of a notice. The ids of other mails have no dot before their @. */
const mark = '.refused@';

export interface RefusalNoticeOptions {
  readonly refused: Pick<Mail, 'recipient' | 'messageId' | 'content' | 'severity'>;
  /** The reply of the other side. */
  readonly reason: string;
  /** False if the mail is retried. */
  readonly isFinal: boolean;
  readonly fallback: NonNullable<DeliverOptions['fallback']>;
  readonly nowMs: number;
}

/**
 * Composes a notice that names the recipient of a refused mail and the reason, and contains the mail. The notice's
 * Message-ID is derived from that of the refused mail, so there is one notice of each mail. Returns null if the refused
 * mail is itself a notice, is a canary, about which `mail-path` notifies, or was for the fallback address.
 */
export async function composeRefusalNotice({
  refused,
  reason,
  isFinal,
  fallback,
  nowMs,
}: RefusalNoticeOptions): Promise<NewMail | null> {
  const isCanary = refused.messageId.startsWith(`<${canaryMark}`);
  if (isCanary || refused.messageId.includes(mark) || refused.recipient === fallback.to) return null;
  const messageId = refused.messageId.replace('@', mark);
  const who = recipientInWords(refused.recipient);
  const isWebhook = kindOfRecipient(refused.recipient).kind === 'webhook';
  const content = await freezeNotice({
    subject: `Not delivered to ${who}: ${await subjectOf(refused.content)}`,
    lines: [
      `A mail to ${who} was refused${isFinal ? ' for good' : ''}:`,
      '',
      `  ${reason}`,
      '',
      ...(isFinal
        ? ['It follows below and is not sent again. Mend the address, or what refused it,', 'in config.xml;']
        : [
            'It follows below, and is tried for some hours more, and as long as one of its',
            'alerts is open: this may be lifted. There will be no other notice about it.',
            'Mend the address in config.xml, or ask whoever runs the receiving server;',
          ]),
      '`fleet-health status` counts what was not delivered.',
      '',
    ],
    messageId,
    from: fallback.from,
    to: fallback.to,
    dateMs: nowMs,
    ...(isWebhook ? { attached: parseFrozen(refused.content) } : { enclosed: refused.content }),
  });
  const { severity } = refused;
  return { recipient: fallback.to, messageId, content, severity, ordinary: false, notifications: [], replaces: [] };
}

/** Returns the subject of a mail as it was written, unfolded and decoded (RFC 5322, RFC 2047). */
async function subjectOf(content: string): Promise<string> {
  const [, folded = ''] = /^Subject: (.*(?:\r\n[ \t].*)*)\r$/m.exec(content) ?? [];
  // Loaded only when a mail was refused.
  const { decodeWords } = await import('../../notify/postal-mime.ts');
  return decodeWords(folded.replace(/\r\n/g, ''));
}
