import type { Severity, WebhookConfig, WebhookFormat } from '../../config/config.ts';
import { withLimit } from '../../text/limit-words.ts';
import { encodeWord } from '../nodemailer.ts';
import { alertmanagerDocument } from './alertmanager.ts';
import { cutBytes } from './cut-bytes.ts';
import { jugglerEvents, pagerdutyEvents } from './incidents.ts';
import type { Notice, NoticeAlert } from './notice.ts';

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

// Forms of the body for people: chats and telephones. Each respects the size limits of its vendor.

/** The red, yellow and green of the pages. */
const colours: Readonly<Record<Severity | 'none', number>> = { critical: 0xb91c1c, warning: 0xb45309, none: 0x15803d };

/** The limits of Slack: a header has 150 characters, a section 3,000. */
const slackHeader = 150;
const slackSection = 2_900;
/** The limits of Discord: content has 2,000 characters, the description of an embed 4,096. */
const discordContent = 1_000;
const discordDescription = 4_000;
/** The limit of Teams: 28 KB in all. */
const teamsText = 20_000;
/** The limit of ntfy: 4,096 bytes; a longer message becomes an attachment. */
const ntfyMessage = 4_000;

/**
 * Returns a message for Slack's incoming webhooks. Blocks of plain text have no mentions, links or emoji. The text of
 * push messages has them, so it is escaped.
 */
function slackMessage(notice: Notice): object {
  const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });
  return {
    text: escapeSlack(cutBytes(notice.subject, 600)),
    blocks: [
      { type: 'header', text: plain(cutBytes(notice.subject, slackHeader)) },
      { type: 'section', text: plain(linesWithin(notice.alerts, slackSection)) },
    ],
  };
}

/**
 * Returns a message for Discord's webhooks. `allowed_mentions` disables all mentions, and escapes disable the markup.
 */
function discordMessage(notice: Notice): object {
  const { subject, severity, alerts, atMs } = notice;
  return {
    content: escapeMarkdown(cutBytes(subject, discordContent / 2)),
    embeds: [
      {
        description: linesWithin(alerts, discordDescription, escapeMarkdown),
        color: colours[severity],
        timestamp: new Date(atMs).toISOString(),
      },
    ],
    allowed_mentions: { parse: [] },
  };
}

/** Returns an Adaptive Card for Teams' webhooks. A TextRun has no markup, and mentions need entities of the card. */
function teamsMessage(notice: Notice): object {
  const run = (text: string, more: object = {}): object => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, ...more }],
  });
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    body: [run(cutBytes(notice.subject, 1_000), { weight: 'Bolder' }), run(linesWithin(notice.alerts, teamsText))],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content: card }] };
}

/** A message for ntfy: the text, and the values of headers. */
interface NtfyMessage {
  readonly title: string;
  /** From 1 to 5. */
  readonly priority: 2 | 3 | 5;
  readonly tags: string;
  readonly message: string;
}

/** Returns a message for a topic of ntfy. */
function ntfyMessageOf({ subject, severity, state, alerts }: Notice): NtfyMessage {
  const isNews = state === 'firing' || state === 'event';
  return {
    title: cutBytes(subject, 250),
    priority: severity === 'none' ? 2 : severity === 'critical' && isNews ? 5 : 3,
    tags: severity === 'none' ? 'white_check_mark' : severity === 'critical' ? 'rotating_light' : 'warning',
    message: linesWithin(alerts, ntfyMessage),
  };
}

/**
 * Returns a line for each alert within the size, and the number of further alerts. Applies `escape` to each line before
 * measuring it.
 */
function linesWithin(
  alerts: readonly NoticeAlert[],
  maxBytes: number,
  escape = (text: string): string => text,
): string {
  const lines: string[] = [];
  let left = maxBytes - 40;
  for (const alert of alerts) {
    const line = escape(cutBytes(lineOf(alert), 600));
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.push(line);
  }
  const rest = alerts.length - lines.length;
  return [...lines, ...(rest === 0 ? [] : [`and ${rest} more`])].join('\n');
}

/** Formats the line of an alert: `CRITICAL web-1: disk /var: 97 % used (limit 95 %)`. */
function lineOf({ state, severity, title, value, limit, acknowledgedBy, comesAndGoes }: NoticeAlert): string {
  const mark = severity === 'critical' ? 'CRITICAL' : 'Warning';
  const head = { firing: mark, event: 'Event', reminder: `Still ${mark}`, resolved: 'Over' }[state];
  const shown = state === 'resolved' ? value : withLimit(value, limit);
  const facts = value === '' ? '' : `: ${shown}`;
  return `${head} ${comesAndGoes === true ? 'comes and goes: ' : ''}${title}${facts}${acknowledgedBy === null ? '' : `, acknowledged by ${acknowledgedBy}`}`;
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|<>[\]()#@:-]/g, String.raw`\$&`);
}
