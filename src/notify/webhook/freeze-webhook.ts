import type { WebhookConfig, WebhookFormat } from '../../config/config.ts';
import { encodeWord } from '../nodemailer.ts';
import { alertmanagerDocument } from './alertmanager.ts';
import { discordMessage, ntfyMessageOf, slackMessage, teamsMessage } from './chat.ts';
import { jugglerEvents, pagerdutyEvents } from './incidents.ts';
import type { Notice } from './notice.ts';

/** The settings that the body depends on. */
export type WebhookForm = Pick<WebhookConfig, 'name' | 'format'>;

/**
 * Returns the form of a webhook by its name. A webhook that left config.xml gets text: a notification of an alert's end
 * may still be due.
 */
export function webhookForm(webhooks: readonly WebhookForm[], name: string): WebhookForm {
  return webhooks.find((one) => one.name === name) ?? { name, format: 'text' };
}

interface Body {
  readonly type: string;
  /** The body. The lines of `application/x-ndjson` are sent one by one. */
  readonly text: string;
  /** Headers of the request besides its type. */
  readonly headers?: Readonly<Record<string, string>>;
}

const severalJson = 'application/x-ndjson';
const json = (document: object): Body => ({ type: 'application/json', text: JSON.stringify(document) });
const plainText = 'text/plain; charset=utf-8';

const bodies: Readonly<Record<WebhookFormat, (notice: Notice, form: WebhookForm) => Body>> = {
  alertmanager: (notice, { name }) => json(alertmanagerDocument(notice, name)),
  slack: (notice) => json(slackMessage(notice)),
  discord: (notice) => json(discordMessage(notice)),
  teams: (notice) => json(teamsMessage(notice)),
  ntfy: (notice) => {
    const { title, priority, tags, message } = ntfyMessageOf(notice);
    return {
      type: plainText,
      text: message,
      headers: { Title: encoded(title), Priority: String(priority), Tags: tags },
    };
  },
  pagerduty: (notice) => {
    const text = pagerdutyEvents(notice).map((event) => JSON.stringify(event));
    return { type: severalJson, text: text.join('\n') };
  },
  juggler: (notice) => json(jugglerEvents(notice)),
  text: ({ subject, text }) => ({ type: plainText, text: `${subject}\n\n${text}` }),
};

/**
 * Returns the frozen form of a notification for a webhook: headers and body as in a mail (RFC 5322), so that it is
 * stored like a mail. `parseFrozen` parses this form. The same notice gives the same text.
 */
export function freezeWebhook(notice: Notice, form: WebhookForm): string {
  const { type, text, headers = {} } = bodies[form.format](notice, form);
  const all = { 'Message-ID': notice.messageId, Subject: encoded(notice.subject), 'Content-Type': type, ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${head.join('\r\n')}\r\n\r\n${text}`;
}

/** Returns the value of a header in ASCII (RFC 2047). */
function encoded(text: string): string {
  return /^[ -~]*$/.test(text) && !text.includes('=?') ? text : encodeWord(text, 'B', 52);
}

/** A frozen notification, parsed for sending. */
export interface FrozenWebhook {
  readonly type: string;
  /** Headers of the request besides its type, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body. */
  readonly body: string;
  /** The bodies of the requests: the whole body, or each of its lines if each is a document. */
  readonly requests: readonly string[];
}

const ofStorage = ['message-id', 'subject', 'content-type'];

/** Parses a frozen notification. */
export function parseFrozen(content: string): FrozenWebhook {
  const end = content.indexOf('\r\n\r\n');
  const lines = content.slice(0, Math.max(0, end)).split('\r\n');
  const all = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = content.slice(end < 0 ? 0 : end + 4);
  const type = all.get('content-type') ?? 'application/octet-stream';
  const headers = Object.fromEntries([...all].filter(([name]) => name !== '' && !ofStorage.includes(name)));
  if (type !== severalJson) return { type, headers, body, requests: [body] };
  return { type: 'application/json', headers, body, requests: body === '' ? [] : body.split('\n') };
}
