import type { WebhookConfig, WebhookFormat } from '../../config/config.ts';
import { encodeWord } from '../nodemailer.ts';
import { alertmanagerDocument } from './alertmanager.ts';
import type { Notice } from './notice.ts';

/** The settings that the body depends on. */
export type WebhookForm = Pick<WebhookConfig, 'name' | 'format' | 'labels'>;

interface Body {
  readonly type: string;
  readonly text: string;
}

const json = (document: object): Body => ({ type: 'application/json', text: JSON.stringify(document) });

const bodies: Readonly<Record<WebhookFormat, (notice: Notice, form: WebhookForm) => Body>> = {
  alertmanager: (notice, { name, labels }) => json(alertmanagerDocument(notice, name, labels)),
  text: ({ subject, text }) => ({ type: 'text/plain; charset=utf-8', text: `${subject}\n\n${text}` }),
};

/**
 * Returns the frozen form of a notification for a webhook: headers and body as in a mail (RFC 5322), so that it is
 * stored as mails are. `parseFrozen` takes it apart. The same notice gives the same text.
 */
export function freezeWebhook(notice: Notice, form: WebhookForm): string {
  const { type, text } = bodies[form.format](notice, form);
  const isPlain = /^[ -~]*$/.test(notice.subject) && !notice.subject.includes('=?');
  const subject = isPlain ? notice.subject : encodeWord(notice.subject, 'B', 52);
  const headers = [`Message-ID: ${notice.messageId}`, `Subject: ${subject}`, `Content-Type: ${type}`];
  return `${headers.join('\r\n')}\r\n\r\n${text}`;
}

/** A frozen notification as it is sent. */
export interface FrozenWebhook {
  readonly type: string;
  readonly body: string;
}

/** Takes a frozen notification apart. */
export function parseFrozen(content: string): FrozenWebhook {
  const end = content.indexOf('\r\n\r\n');
  const head = content.slice(0, Math.max(0, end));
  const [, type = 'application/octet-stream'] = /^Content-Type: (.*)$/m.exec(head.replaceAll('\r', '')) ?? [];
  return { type, body: content.slice(end < 0 ? 0 : end + 4) };
}
