import type { WebhookFormat } from '../../config/config.ts';
import { secondMs } from '../../platform/units.ts';
import { encodeWord } from '../nodemailer.ts';
import { alertmanagerDocument } from './alertmanager.ts';
import { jugglerEvents, pagerdutyEvents } from './incidents.ts';
import {
  byUrgency,
  discordMessage,
  escapeMarkdown,
  type MessageText,
  slackMessage,
  teamsMessage,
  telegramMessage,
  type TextEscape,
  type TextLimits,
  withPage,
} from './message-text.ts';
import type { Notice } from './notice.ts';

export interface Body {
  readonly type: string;
  /** The body. The lines of `application/x-ndjson` are sent one by one. */
  readonly text: string;
  /** Headers of the request besides its type. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The parts of the URL in config.xml, decoded. */
export interface Address {
  /** The login: `TOKEN` of `https://TOKEN@host/`, with its colon. */
  readonly token: string;
  /** The path without the target. */
  readonly base: string;
  /** The last part of the path; empty for a format whose URL has none. */
  readonly target: string;
  /** The query: `sound=siren`. */
  readonly query: Readonly<Record<string, string>>;
  /** The id of the mail. */
  readonly id: string;
}

/** The parts of a request that have a secret, or that the address decides. */
export interface Placed {
  /** Default: POST. */
  readonly method?: 'PUT';
  /** Default: the path of the URL. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields of the body. */
  readonly fields?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

/** The meaning of an answer with a status of success. `later`: the receiver asks for a pause. */
export type AnswerMeaning = 'accepted' | 'refused' | 'later';

/** The words of the documents for a format. */
export interface FormatWords {
  /** The name that its vendor writes. */
  readonly title: string;
  readonly to: 'services' | 'chat' | 'telephone' | 'on call' | 'own';
  readonly request: string;
  readonly body: string;
  /** The longest text; empty if there is no limit. */
  readonly longest: string;
  /** The URL of a format that has a token or a target in it. */
  readonly url?: string;
}

/** A form of webhooks: what is posted where, how long its texts may be, and what the answer says. */
export interface Format {
  readonly words: FormatWords;
  /** The form of the URL in config.xml if it has a token. Default: the URL is posted to as it is. */
  readonly url?: `https://${string}`;
  /** Places the token, the target and the query. Default: they stay in the URL. */
  readonly place?: (address: Address) => Placed;
  /** The longest texts; a format for programs has none. */
  readonly limits?: TextLimits;
  readonly escape: TextEscape;
  readonly body: (notice: Notice, text: MessageText, name: string) => Body;
  /** Reads the body of a success, as an object too (`{}` for other bodies). Default: whatever it is, it is accepted. */
  readonly meaning?: (fields: Json, body: string) => AnswerMeaning;
  /** Returns the pause that the body of an answer asks for besides `Retry-After`. Default: none. */
  readonly pauseMs?: (fields: Json) => unknown;
  /** The words for a success without a body, which is a refusal. Default: the meaning decides. */
  readonly silence?: string;
  /** Returns the receipt by which a message can be asked for its acknowledgement. */
  readonly receipt?: (fields: Json) => unknown;
}

export const severalJson = 'application/x-ndjson';
export const formData = 'application/x-www-form-urlencoded';
const json = (document: object): Body => ({ type: 'application/json', text: JSON.stringify(document) });
const plainText = 'text/plain; charset=utf-8';
const acceptedIf = (isAccepted: boolean): AnswerMeaning => (isAccepted ? 'accepted' : 'refused');

/** True if an object of an answer says that its message was not taken: in the words of Slack, Zulip, or by a number. */
function namesError(fields: Json): boolean {
  if (fields['ok'] === false || fields['success'] === false || Boolean(fields['error'])) return true;
  const outcome = fields['result'] ?? fields['status'];
  if (typeof outcome === 'string' && /^(?:error|fail)/i.test(outcome)) return true;
  // Chats such as DingTalk, Feishu and WeCom answer 0, or the number of an error, with the status 200.
  const code = fields['errcode'] ?? fields['StatusCode'] ?? fields['code'];
  return typeof code === 'number' && code !== 0 && code !== 200;
}

/** The most seconds between two signals of an emergency, and until it ends (Pushover: from 30, to 10,800). */
const emergency = { retry: '60', expire: '3600' };

/**
 * The table of formats. The limits leave room below those of the vendors: Slack's header has 150 characters and its
 * section 3,000; Discord's content 2,000 and its description 4,096; Teams' message 28 KB; ntfy's message 4,096 bytes;
 * Telegram's text 4,096 code units of UTF-16; Pushover's title 250 characters and its message 1,024; Matrix' event
 * 65,536 bytes of JSON, in which a quotation mark takes two. Apprise and Gotify name none.
 */
export const formats: Readonly<Record<WebhookFormat, Format>> = {
  alertmanager: {
    words: {
      title: "Alertmanager's document",
      to: 'own',
      request: 'POST, JSON',
      body: "the document that Prometheus's Alertmanager posts, version 4, which dozens of receivers accept",
      longest: '1,000 alerts',
    },
    escape: 'none',
    body: (notice, _, name) => json(alertmanagerDocument(notice, name)),
  },
  slack: {
    words: {
      title: 'Slack',
      to: 'chat',
      request: 'POST, JSON',
      body: [
        'for an incoming webhook: the subject as header, a line for each alert; the same as text,',
        'for Mattermost, Rocket.Chat and Zulip',
      ].join(' '),
      longest: '2,900 bytes',
    },
    limits: { unit: 'bytes', title: 150, lines: 2_900 },
    escape: 'none',
    body: (notice, text) => json(slackMessage(notice, text)),
    // Slack answers `ok`, and others in its form JSON or nothing. Words such as `no_channel` are its errors.
    meaning: (fields, body) => {
      if (body === '' || /^ok$/i.test(body)) return 'accepted';
      if (body.startsWith('{') && !namesError(fields)) return 'accepted';
      return /rate_?limited|freq(?:uency)? (?:out of )?limit|too many requests/i.test(body) ? 'later' : 'refused';
    },
  },
  discord: {
    words: {
      title: 'Discord',
      to: 'chat',
      request: 'POST, JSON',
      body: "for a channel's webhook: the subject, and an embed with a line for each alert",
      longest: '4,000 bytes',
    },
    limits: { unit: 'bytes', title: 500, lines: 4_000 },
    escape: escapeMarkdown,
    body: (notice, text) => json(discordMessage(notice, text)),
    meaning: () => 'accepted',
    pauseMs: ({ retry_after: seconds }) => Number(seconds) * secondMs,
  },
  teams: {
    words: {
      title: 'Teams',
      to: 'chat',
      request: 'POST, JSON',
      body: 'an Adaptive Card, for a workflow that posts the content of a webhook request',
      longest: '20,000 bytes',
    },
    limits: { unit: 'bytes', title: 1_000, lines: 20_000 },
    escape: 'none',
    body: (_, text) => json(teamsMessage(text)),
    // Connectors report errors of Teams with the status 200.
    meaning: (_, body) => {
      if (!/delivery failed|returned HTTP error|^Bad payload/i.test(body)) return 'accepted';
      return /HTTP error (?:429|5\d\d)/i.test(body) ? 'later' : 'refused';
    },
  },
  ntfy: {
    words: {
      title: 'ntfy',
      to: 'telephone',
      request: 'POST, text',
      body: [
        'a line for each alert; `Title`, `Priority` (5 for new critical alerts, 2 for ended alerts)',
        'and `Tags` as headers. The URL is that of the topic',
      ].join(' '),
      longest: '4,000 bytes',
    },
    limits: { unit: 'bytes', title: 250, lines: 4_000 },
    escape: 'none',
    body: (notice, { title, lines }) => ({
      type: plainText,
      text: lines,
      headers: {
        Title: encoded(title),
        Priority: byUrgency(notice, ['2', '3', '3', '5']),
        Tags: byUrgency(notice, ['white_check_mark', 'warning', 'rotating_light', 'rotating_light']),
        ...(notice.page === undefined ? {} : { Click: notice.page }),
      },
    }),
    meaning: ({ error }) => acceptedIf(error === undefined),
  },
  pagerduty: {
    words: {
      title: 'PagerDuty',
      to: 'on call',
      request: 'POST, JSON',
      body: [
        'events of the Events API v2, a request each:',
        '`trigger` and `resolve` with the same `dedup_key`, and `acknowledge`',
      ].join(' '),
      longest: '500 events',
      url: '`https://KEY@events.pagerduty.com/v2/enqueue`, with the routing key',
    },
    url: 'https://KEY@events.pagerduty.com/v2/enqueue',
    place: ({ token }) => ({ fields: { routing_key: token } }),
    escape: 'none',
    body: (notice) => {
      const text = pagerdutyEvents(notice).map((event) => JSON.stringify(event));
      return { type: severalJson, text: text.join('\n') };
    },
    meaning: ({ status }) => acceptedIf(typeof status !== 'string' || status === 'success'),
  },
  juggler: {
    words: {
      title: 'Juggler',
      to: 'on call',
      request: 'POST, JSON',
      body: 'raw events: `host`, `service`, `instance`, `status` (`CRIT`, `WARN`, `OK`), `description`, `tags`',
      longest: '500 events',
    },
    escape: 'none',
    body: (notice) => json(jugglerEvents(notice)),
  },
  text: {
    words: {
      title: 'text',
      to: 'own',
      request: 'POST, text',
      body: 'the subject of the mail, an empty line, and its text',
      longest: '',
    },
    escape: 'none',
    body: ({ subject, text }) => ({ type: plainText, text: `${subject}\n\n${text}` }),
  },
  apprise: {
    words: {
      title: 'Apprise',
      to: 'services',
      request: 'POST, JSON',
      body: '`title`, a line for each alert as `body`, `type` (`failure`, `warning`, `success`), `format` `text`',
      longest: '16,000 bytes',
      url: '`https://apprise.example.org/notify/KEY`; `?tag=oncall` chooses among the services of the KEY',
    },
    limits: { unit: 'bytes', title: 250, lines: 16_000 },
    escape: 'none',
    body: (notice, { title, lines, page }) => {
      const type = byUrgency(notice, ['success', 'warning', 'failure', 'failure']);
      return json({ title, body: withPage(lines, page), type, format: 'text' });
    },
    place: ({ query }) => ({ fields: query }),
    meaning: () => 'accepted',
    silence: 'nothing is stored under this KEY',
  },
  gotify: {
    words: {
      title: 'Gotify',
      to: 'telephone',
      request: 'POST `/message`, JSON, the token in `X-Gotify-Key`',
      body: [
        'the subject, a line for each alert, and `priority` (8 for new critical alerts,',
        '7 for reminders of them, 5 for warnings, 2 for ended alerts)',
      ].join(' '),
      longest: '8,000 bytes',
      url: '`https://TOKEN@gotify.example.org/`, with the token of an application',
    },
    url: 'https://TOKEN@gotify.example.org/',
    place: ({ token, base, query }) => ({
      path: `${base}/message`,
      headers: { 'x-gotify-key': token },
      fields: query,
    }),
    limits: { unit: 'bytes', title: 250, lines: 8_000 },
    escape: 'none',
    body: (notice, { title, lines }) => {
      const click = notice.page === undefined ? {} : { 'client::notification': { click: { url: notice.page } } };
      const extras = { 'client::display': { contentType: 'text/plain' }, ...click };
      return json({ title, message: lines, priority: byUrgency(notice, [2, 5, 7, 8]), extras });
    },
    meaning: ({ id }) => acceptedIf(typeof id === 'number'),
  },
  telegram: {
    words: {
      title: 'Telegram',
      to: 'chat',
      request: 'POST `/botTOKEN/sendMessage`, JSON',
      body: 'the subject and a line for each alert, as preformatted text',
      longest: '4,000 code units of UTF-16',
      url: [
        '`https://TOKEN@api.telegram.org/CHAT`, with the token of @BotFather, whole;',
        '`CHAT` is `-1001234567890` or `@channel`',
      ].join(' '),
    },
    url: 'https://TOKEN@api.telegram.org/CHAT',
    // Other programs want the token with the `bot` of the API's path.
    place: ({ token, base, target, query }) => ({
      path: `${base}/bot${token.replace(/^bot(?=\d+:)/i, '')}/sendMessage`,
      fields: { ...query, chat_id: target },
    }),
    limits: { unit: 'utf16', title: 400, lines: 3_600 },
    escape: 'none',
    body: (_, { title, lines, page }) => json(telegramMessage(`${title}\n\n${lines}`, page)),
    meaning: ({ ok, error_code: code }) => (code === 429 ? 'later' : acceptedIf(ok === true)),
    pauseMs: ({ parameters }) => Number((parameters as Json | undefined)?.['retry_after']) * secondMs,
  },
  matrix: {
    words: {
      title: 'Matrix',
      to: 'chat',
      request: 'PUT `/_matrix/client/v3/rooms/ROOM/send/m.room.message/ID`, JSON',
      body: '`m.text` with the subject and a line for each alert',
      longest: '28,000 bytes',
      url: [
        '`https://TOKEN@matrix.example.org/!room:example.org`,',
        'with the access token of an account that is in the room',
      ].join(' '),
    },
    url: 'https://TOKEN@matrix.example.org/ROOM',
    // The server drops a second request with the same transaction id.
    place: ({ token, base, target, query, id }) => ({
      method: 'PUT',
      path: `${base}/_matrix/client/v3/rooms/${encodeURIComponent(target)}/send/m.room.message/${encodeURIComponent(id)}`,
      headers: { authorization: `Bearer ${token}` },
      fields: query,
    }),
    limits: { unit: 'bytes', title: 400, lines: 28_000 },
    escape: 'none',
    // Empty mentions: else a client looks for the names of people in the text.
    body: (_, { title, lines, page }) =>
      json({ msgtype: 'm.text', body: withPage(`${title}\n\n${lines}`, page), 'm.mentions': {} }),
    meaning: ({ event_id: id }) => acceptedIf(typeof id === 'string'),
    pauseMs: ({ retry_after_ms: ms }) => Number(ms),
  },
  pushover: {
    words: {
      title: 'Pushover',
      to: 'telephone',
      request: 'POST `/1/messages.json`, a form',
      body: [
        'the subject, a line for each alert,',
        'and `priority` (2 for critical alerts, 0 for warnings, -1 for ended alerts)',
      ].join(' '),
      longest: '1,024 characters',
      url: [
        '`https://TOKEN@api.pushover.net/USER`,',
        'with the token of an application and the key of a user or a group',
      ].join(' '),
    },
    url: 'https://TOKEN@api.pushover.net/USER',
    place: ({ token, base, target, query }) => ({
      path: `${base}/1/messages.json`,
      fields: { ...query, token, user: target },
    }),
    limits: { unit: 'characters', title: 250, lines: 1_024 },
    escape: 'none',
    body: (notice, { title, lines }) => {
      // An event is over at once: nobody could acknowledge it.
      const priority = notice.state === 'event' ? '1' : '2';
      const url = notice.page === undefined ? {} : { url: notice.page };
      const fields = { title, message: lines, ...url, priority: byUrgency(notice, ['-1', '0', priority, priority]) };
      const all = fields.priority === '2' ? { ...fields, ...emergency } : fields;
      return { type: formData, text: String(new URLSearchParams(all)) };
    },
    meaning: ({ status }) => acceptedIf(status === 1),
    receipt: ({ receipt }) => receipt,
  },
};

/** Returns the value of a header in ASCII (RFC 2047). */
export function encoded(text: string): string {
  return /^[ -~]*$/.test(text) && !text.includes('=?') ? text : encodeWord(text, 'B', 52);
}
