/**
 * Receivers that keep to the documents of their vendors. A request that the document does not allow is refused as
 * documented: Apprise API (README.md, api/views.py), Gotify (docs/spec.json), Telegram (core.telegram.org/bots/api),
 * Matrix (client-server API: room_send.yaml, rate_limited.yaml), Pushover (/api and /api/receipts of pushover.net).
 */
import type { ReceivedPost } from './http-receiver.ts';

export type VendorFormat = 'apprise' | 'gotify' | 'telegram' | 'matrix' | 'pushover';

/** The behaviour of a receiver. `busy`: it asks for a pause of 35 seconds as its vendor documents. */
export type VendorMood = 'takes' | 'busy' | 'refuses';

export interface VendorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Fields = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? `${value}` : '';

export interface Vendor {
  /** Returns the URL for config.xml. */
  readonly url: (origin: string) => string;
  readonly token: string;
  /** The messages that people see, in order: the title, an empty line, and the text. */
  readonly seen: readonly string[];
  readonly answer: (post: ReceivedPost, mood: VendorMood) => VendorAnswer;
}

export interface PushoverReceipt {
  acknowledged: boolean;
  expired: boolean;
  isCancelled: boolean;
}

const answerJson = (status: number, document: object, headers: Record<string, string> = {}): VendorAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(document),
});

/** Returns the fields of a message, from a form or JSON. */
export function fieldsOf({ body, headers }: ReceivedPost): Fields {
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
  return isForm ? Object.fromEntries(new URLSearchParams(body)) : (JSON.parse(body) as Fields);
}

export function openApprise(): Vendor {
  const seen: string[] = [];
  return {
    token: 'K3y-of-Ops',
    url: (origin) => `${origin}/notify/K3y-of-Ops?tag=oncall`,
    seen,
    answer: (post, mood) => {
      if (!/^\/notify\/[\w-]{1,64}\?/.test(post.path)) return { status: 404 };
      if (mood === 'busy') return { status: 503, headers: { 'retry-after': '35' } };
      if (mood === 'refuses') return { status: 424, body: 'One or more notification could not be sent.' };
      const { title, body, type, format, tag } = fieldsOf(post);
      const isKnown = ['info', 'success', 'warning', 'failure'].includes(textOf(type)) && format === 'text';
      if (!isKnown || !body || tag !== 'oncall') return { status: 400, body: 'Bad request' };
      if (!post.path.startsWith('/notify/K3y-of-Ops')) return { status: 204 };
      seen.push(`${textOf(title)}\n\n${textOf(body)}`);
      return { status: 200, body: 'Notification(s) sent.' };
    },
  };
}

export function openGotify(): Vendor {
  const seen: string[] = [];
  const fault = (status: number, error: string, errorDescription: string): VendorAnswer =>
    answerJson(status, { error, errorCode: status, errorDescription });
  return {
    token: 'AWp.gotify8Xq',
    url: (origin) => `${origin.replace('//', '//AWp.gotify8Xq@')}/push`,
    seen,
    answer: (post, mood) => {
      if (post.path !== '/push/message' || post.method !== 'POST') return fault(404, 'Not Found', 'page not found');
      if (mood === 'busy') return { status: 503, headers: { 'retry-after': '35' } };
      if (mood === 'refuses' || post.headers['x-gotify-key'] !== 'AWp.gotify8Xq') {
        return fault(
          401,
          'Unauthorized',
          'you need to provide a valid access token or user credentials to access this api',
        );
      }
      const { title, message, priority, extras } = fieldsOf(post);
      const isPlain = JSON.stringify(extras) === '{"client::display":{"contentType":"text/plain"}}';
      if (!message || typeof priority !== 'number' || !isPlain) return fault(400, 'Bad Request', 'Field is required');
      seen.push(`${textOf(title)}\n\n${textOf(message)}`);
      return answerJson(200, {
        id: seen.length,
        appid: 5,
        message,
        title,
        priority,
        extras,
        date: '2026-11-26T08:00:00Z',
      });
    },
  };
}

export function openTelegram(): Vendor {
  const seen: string[] = [];
  const token = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw';
  const fault = (code: number, description: string, more: object = {}): VendorAnswer =>
    answerJson(code, { ok: false, error_code: code, description, ...more });
  return {
    token,
    url: (origin) => `${origin.replace('//', `//${token}@`)}/-1001234567890?message_thread_id=7`,
    seen,
    answer: (post, mood) => {
      if (post.path !== `/bot${token}/sendMessage`) return fault(404, 'Not Found');
      if (mood === 'busy') {
        return fault(429, 'Too Many Requests: retry after 35', { parameters: { retry_after: 35 } });
      }
      const { chat_id: chat, text, entities, parse_mode: mode, message_thread_id: thread } = fieldsOf(post);
      if (mood === 'refuses' || chat !== '-1001234567890') return fault(400, 'Bad Request: chat not found');
      if (typeof text !== 'string' || text === '') return fault(400, 'Bad Request: message text is empty');
      if (text.length > 4_096) return fault(400, 'Bad Request: message is too long');
      const [entity] = entities as readonly {
        readonly type: string;
        readonly offset: number;
        readonly length: number;
      }[];
      const isPlain = entity?.type === 'pre' && entity.offset === 0 && entity.length === text.length;
      if (mode !== undefined || !isPlain || thread !== '7') return fault(400, "Bad Request: can't parse entities");
      seen.push(text);
      // The answer repeats the message, with characters beyond ASCII as escapes.
      const repeated = JSON.stringify({ ok: true, result: { message_id: seen.length, text, entities } });
      const body = repeated.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
      return { status: 200, body };
    },
  };
}

export function openMatrix(): Vendor {
  const seen: string[] = [];
  const transactions = new Map<string, string>();
  const room = '!636q39766251:example.com';
  return {
    token: 'syt_b3Bz_TOKEN_2xY7',
    url: (origin) => `${origin.replace('//', '//syt_b3Bz_TOKEN_2xY7@')}/${room}`,
    seen,
    answer: (post, mood) => {
      const place = '/_matrix/client/v3/rooms/';
      const [name = '', send, type, transaction = ''] = post.path
        .slice(place.length)
        .split('/')
        .map(decodeURIComponent);
      if (!post.path.startsWith(place) || post.method !== 'PUT' || `${send}/${type}` !== 'send/m.room.message') {
        return answerJson(404, { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' });
      }
      if (post.headers.authorization !== 'Bearer syt_b3Bz_TOKEN_2xY7') {
        return answerJson(401, { errcode: 'M_UNKNOWN_TOKEN', error: 'Unrecognised access token' });
      }
      if (mood === 'busy') {
        return answerJson(429, { errcode: 'M_LIMIT_EXCEEDED', error: 'Too many requests', retry_after_ms: 35_000 });
      }
      if (mood === 'refuses' || name !== room) {
        return answerJson(403, { errcode: 'M_FORBIDDEN', error: 'User not in room' });
      }
      const { msgtype, body, format, 'm.mentions': mentions } = fieldsOf(post);
      const isPlain = msgtype === 'm.text' && format === undefined && JSON.stringify(mentions) === '{}';
      if (!isPlain || typeof body !== 'string') return answerJson(400, { errcode: 'M_BAD_JSON', error: 'Bad event' });
      if (post.body.length > 65_536) return answerJson(413, { errcode: 'M_TOO_LARGE', error: 'event too large' });
      if (!transactions.has(transaction)) seen.push(body);
      transactions.set(transaction, transactions.get(transaction) ?? `$YUwRidLecu${seen.length}:example.com`);
      return answerJson(200, { event_id: transactions.get(transaction) });
    },
  };
}

export interface Pushover extends Vendor {
  readonly receipts: ReadonlyMap<string, PushoverReceipt>;
}

export function openPushover(): Pushover {
  const seen: string[] = [];
  const receipts = new Map<string, PushoverReceipt>();
  const [token, user, request] = ['azGDORePK8gMaC0QOYAMyEEuzJnyUi', 'uQiRzpo4DXghDmr9QzzfQu27cmVRsG', 'e460545a8b'];
  const fault = (field: string, error: string): VendorAnswer =>
    answerJson(400, { [field]: 'invalid', errors: [error], status: 0, request });
  const takeMessage = (fields: Fields): VendorAnswer => {
    const [title = '', message = '', priority = ''] = ['title', 'message', 'priority'].map((name) =>
      textOf(fields[name]),
    );
    if (message === '') return fault('message', 'message cannot be blank');
    // Measured in characters, each of at most four bytes of UTF-8.
    if (Array.from(message).length > 1_024 || Array.from(title).length > 250)
      return fault('message', 'message is too long');
    if (fields['html'] !== undefined || fields['monospace'] !== undefined) return fault('html', 'markup');
    const [retry, expire] = [Number(fields['retry']), Number(fields['expire'])];
    if (priority === '2' && !(retry >= 30)) return fault('retry', 'retry must be at least 30 seconds');
    if (priority === '2' && !(expire > 0 && expire <= 10_800)) return fault('expire', 'expire must be at most 10800');
    seen.push(`${title}\n\n${message}`);
    if (priority !== '2') return answerJson(200, { status: 1, request });
    const receipt = `r${String(receipts.size).padStart(3, '0')}KAWXTswy4cekx6vZbHBKbCKk1c`;
    receipts.set(receipt, { acknowledged: false, expired: false, isCancelled: false });
    return answerJson(200, { status: 1, request, receipt });
  };
  const answerReceipt = (path: string): VendorAnswer => {
    const url = new URL(path, 'http://x');
    const [, id = '', action] = /^\/1\/receipts\/(\w{30})(?:\/(cancel))?\.json$/.exec(url.pathname) ?? [];
    const receipt = receipts.get(id);
    if (receipt === undefined)
      return answerJson(404, { receipt: 'not found', errors: ['receipt not found'], status: 0 });
    if (action === 'cancel') {
      receipt.isCancelled = true;
      return answerJson(200, { status: 1, request });
    }
    if (url.searchParams.get('token') !== token) return fault('token', 'application token is invalid');
    const [acknowledged, expired] = [Number(receipt.acknowledged), Number(receipt.expired || receipt.isCancelled)];
    return answerJson(200, {
      status: 1,
      acknowledged,
      acknowledged_by: user,
      acknowledged_by_device: 'kim-phone',
      expired,
    });
  };
  return {
    token,
    url: (origin) => `${origin.replace('//', `//${token}@`)}/${user}?sound=siren`,
    seen,
    receipts,
    answer: (post, mood) => {
      if (post.path.startsWith('/1/receipts/')) return answerReceipt(post.path);
      if (post.path !== '/1/messages.json') return { status: 404 };
      const limits = { 'x-limit-app-remaining': '0', 'retry-after': '35' };
      if (mood === 'busy') return answerJson(429, { errors: ['message limit reached'], status: 0, request }, limits);
      const fields = fieldsOf(post);
      if (fields['token'] !== token) return fault('token', 'application token is invalid');
      if (mood === 'refuses' || fields['user'] !== user) return fault('user', 'user identifier is invalid');
      return fields['sound'] === 'siren' ? takeMessage(fields) : fault('sound', 'sound is invalid');
    },
  };
}

/** Opens the receiver of each format. */
export const vendors: Readonly<Record<VendorFormat, () => Vendor>> = {
  apprise: openApprise,
  gotify: openGotify,
  telegram: openTelegram,
  matrix: openMatrix,
  pushover: openPushover,
};
