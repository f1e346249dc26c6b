import type { WebhookConfig } from '../../config/config.ts';
import { anyObject, parseJson } from '../../platform/parse-json.ts';
import { encoded, formats, formData, severalJson, type Placed } from './formats.ts';
import { messageText } from './message-text.ts';
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

/**
 * Returns the frozen form of a notification for a webhook: headers and body as in a mail (RFC 5322), so that it is
 * stored like a mail. `parseFrozen` parses this form. The same notice gives the same text, which has no secret.
 */
export function freezeWebhook(notice: Notice, { format, name }: WebhookForm): string {
  const { body, limits, escape } = formats[format];
  const shown = limits === undefined ? { title: '', lines: '', page: '' } : messageText(notice, limits, escape);
  const { type, text, headers = {} } = body(notice, shown, name);
  const all = { 'Message-ID': notice.messageId, Subject: encoded(notice.subject), 'Content-Type': type, ...headers };
  const head = Object.entries(all).map(([key, value]) => `${key}: ${value}`);
  return `${head.join('\r\n')}\r\n\r\n${text}`;
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

/** Adds fields with secrets to the body of a request. Returns the body of another type unchanged. */
export function withFields(type: string, body: string, fields: Placed['fields'] = {}): string {
  if (type === formData)
    return String(new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(body)), ...fields }));
  const document = type === 'application/json' ? parseJson(anyObject, body) : null;
  return document === null ? body : JSON.stringify({ ...document, ...fields });
}
