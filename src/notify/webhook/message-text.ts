import type { Severity } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { withLimit } from '../../text/limit-words.ts';
import { joined } from '../../text/numbers.ts';
import { cutTo, sizeIn, type TextUnit } from './fit-text.ts';
import type { Notice, NoticeAlert } from './notice.ts';

/** The longest texts of a message for people: at most what the vendor accepts, counted in the vendor's unit. */
export interface TextLimits {
  readonly unit: TextUnit;
  readonly title: number;
  readonly lines: number;
}

/** Disables the vendor's markup in a text. `none`: the vendor gives these texts no markup, or programs read them. */
export type TextEscape = 'none' | ((text: string) => string);

/** The text of a message for people. */
export interface MessageText {
  readonly title: string;
  /**
   * A line for each alert that fits, with the changes before it, and the number of further alerts. Unreachable clients
   * that are one line of the mail are one line, with their names below.
   */
  readonly lines: string;
  /** The address of the page, which is no part of the limits; '' if there is none. */
  readonly page: string;
}

/** The most of a line, and the part of all lines that one may take. */
const maxLine = 600;
const maxShare = 4;
/** The place for the number of further alerts. */
const restSize = 40;

/** Returns the text of a notification within limits. A line is escaped before it is measured, and the title after. */
export function messageText(
  { subject, alerts, page = '' }: Notice,
  limits: TextLimits,
  escaping: TextEscape,
): MessageText {
  const { unit, title } = limits;
  const escape = escaping === 'none' ? (text: string): string => text : escaping;
  const lines: string[] = [];
  const changes = new Set<string>();
  const most = Math.min(maxLine, Math.floor(limits.lines / maxShare));
  let left = limits.lines - restSize;
  let rest = alerts.length;
  for (const same of groupBy(alerts, (alert) => alert.line ?? alert).values()) {
    const [alert] = same;
    if (alert === undefined) continue;
    const names = alert.line === undefined ? [] : [same.map(({ client }) => client).join(', ')];
    const parts = [lineOf(alert, same), ...names, ...besideOf(same), ...newChanges(alert, changes)];
    const line = parts.map((part) => escape(cutTo(part, most, unit))).join('\n');
    left -= sizeIn(unit, line) + 1;
    if (left < 0) break;
    lines.push(line);
    rest -= same.length;
  }
  const all = rest === 0 ? lines : [...lines, `and ${rest} more`];
  return { title: escape(cutTo(subject, title, unit)), lines: all.join('\n'), page };
}

/** Returns what clients beside an alert's client saw of it: of a line of several alerts, those of the first. */
export function besideOf(same: readonly NoticeAlert[]): readonly string[] {
  const [told] = same.filter(({ beside }) => beside !== undefined);
  if (told?.beside === undefined) return [];
  return [same.length === 1 ? told.beside : told.beside.replace(/(?<=^Seen (?:from beside|of) )it/, () => told.client)];
}

/** The most sentences about changes in a message. */
const maxSentences = 5;

/** Returns the sentence about changes before an alert, unless an earlier line has it. */
function newChanges({ changes }: NoticeAlert, earlier: Set<string>): readonly string[] {
  if (changes === undefined || earlier.has(changes) || earlier.size >= maxSentences) return [];
  earlier.add(changes);
  return [changes];
}

/** Formats the line of an alert: `CRITICAL web-1: disk /var: 97 % used (limit 95 %)`. */
function lineOf(alert: NoticeAlert, same: readonly NoticeAlert[]): string {
  const { state, severity, limit, why = '', acknowledgedBy: by, comesAndGoes } = alert;
  const { title, value } = alert.line ?? alert;
  const mark = severity === 'critical' ? 'CRITICAL' : 'Warning';
  const head = { firing: mark, event: 'Event', reminder: `Still ${mark}`, resolved: 'Over' }[state];
  const shown = state === 'resolved' ? value : withLimit(value, limit);
  const facts = value === '' ? '' : `: ${shown}`;
  const isAcknowledged = by !== null && same.every(({ acknowledgedBy }) => acknowledgedBy !== null);
  return joined([
    `${head} ${comesAndGoes === true ? 'comes and goes: ' : ''}${title}${facts}`,
    why,
    isAcknowledged ? `acknowledged by ${by}` : '',
  ]);
}

/**
 * Returns the value for ended alerts, a warning, a reminder of a critical alert, or a new critical alert. The newest
 * values decide: nobody has to get up for what is good again.
 */
export function byUrgency<T>(notice: Notice, [over, warning, known, fresh]: readonly [T, T, T, T]): T {
  const { severity, newest = severity, state } = notice;
  if (newest === 'none') return over;
  if (newest === 'warning') return warning;
  return state === 'reminder' || state === 'resolved' ? known : fresh;
}

/** The red, yellow and green of the pages. */
const colours: Readonly<Record<Severity | 'none', number>> = { critical: 0xb91c1c, warning: 0xb45309, none: 0x15803d };

/** The limits of a text of Slack, which others cut after some thousand characters. */
const slackTextLimits: TextLimits = { unit: 'bytes', title: 150, lines: 2_000 };

/**
 * Escapes a text for Slack, and disables the mentions, links and images of Markdown for others. An `@` in an address
 * mentions nobody.
 */
function escapeSlack(text: string): string {
  const plain = text
    .replace(/(?<![\p{L}\p{N}.+-])@/gu, '\uff20')
    .replaceAll('](', '] (')
    .replaceAll('`', "'");
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * Returns a message for Slack's incoming webhooks. Blocks of plain text have no mentions, links or emoji. Programs that
 * accept the form of Slack (Mattermost, Rocket.Chat, Zulip) know no blocks and show `text`, and Slack puts it into push
 * messages.
 */
export function slackMessage(notice: Notice, { title, lines, page }: MessageText): object {
  const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });
  const shown = messageText(notice, slackTextLimits, escapeSlack);
  return {
    text: [shown.title, shown.lines, ...(page === '' ? [] : [`<${page}>`])].join('\n'),
    blocks: [
      { type: 'header', text: plain(title) },
      { type: 'section', text: plain(lines) },
      ...(page === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text: `<${page}>` } }]),
    ],
  };
}

/**
 * Returns a message for Discord's webhooks. `allowed_mentions` disables all mentions, and escapes disable the markup.
 */
export function discordMessage({ severity, atMs }: Notice, { title, lines, page }: MessageText): object {
  return {
    content: title,
    embeds: [
      {
        description: page === '' ? lines : `${lines}\n<${page}>`,
        color: colours[severity],
        timestamp: new Date(atMs).toISOString(),
      },
    ],
    allowed_mentions: { parse: [] },
  };
}

/** Returns an Adaptive Card for Teams' webhooks. A TextRun has no markup, and mentions need entities of the card. */
export function teamsMessage({ title, lines, page }: MessageText): object {
  const run = (text: string, more: object = {}): object => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, ...more }],
  });
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    body: [run(title, { weight: 'Bolder' }), run(lines)],
    ...(page === '' ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: page }] }),
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content: card }] };
}

/**
 * Returns a message for Telegram's bots. Even without a parse mode Telegram makes commands of paths such as `/var`, and
 * mentions and links of other words; a `pre` entity can contain no other entity. Its length counts as in JavaScript.
 */
export function telegramMessage(text: string, page = ''): object {
  return {
    text: withPage(text, page),
    entities: [{ type: 'pre', offset: 0, length: text.length }],
    link_preview_options: { is_disabled: true },
  };
}

/** Adds the address of the page below a text. */
export function withPage(text: string, page: string): string {
  return page === '' ? text : `${text}\n\n${page}`;
}

/** Disables Discord's Markdown. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|<>[\]()#@:-]/g, String.raw`\$&`);
}
