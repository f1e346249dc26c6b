/** Forms of the body for people: chats and telephones. Each respects the size limits of its vendor. */
import type { Severity } from '../../config/config.ts';
import { withLimit } from '../../text/limit-words.ts';
import { cutBytes } from './cut-bytes.ts';
import type { Notice, NoticeAlert } from './notice.ts';

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
export function slackMessage(notice: Notice): object {
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
export function discordMessage(notice: Notice): object {
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
export function teamsMessage(notice: Notice): object {
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
export interface NtfyMessage {
  readonly title: string;
  /** From 1 to 5. */
  readonly priority: 2 | 3 | 5;
  readonly tags: string;
  readonly message: string;
}

/** Returns a message for a topic of ntfy. */
export function ntfyMessageOf({ subject, severity, state, alerts }: Notice): NtfyMessage {
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
