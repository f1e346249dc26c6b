import { readFileSync } from 'node:fs';

import type { WebhookConfig } from '../../config/config.ts';
import { parseHeaderLine } from '../../config/values/header-line.ts';
import { errnoOf, FleetError, messageOf, type Stage } from '../../errors.ts';
import { rememberSecret, withoutSecrets } from '../../revealed-secrets.ts';
import { percentDecoded } from '../../text/percent-decoded.ts';
import { cut } from '../../text/text-columns.ts';
import { minuteMs } from '../../platform/units.ts';
import { oneLine } from '../../text/plain-text.ts';
import { TakenInPart, TryLater, type Channel, type OutgoingMail, type SendOptions } from '../notify.ts';
import { takeLogin } from '../http/url-login.ts';
import { asError, TooLong } from '../within.ts';
import { parseFrozen } from './freeze-webhook.ts';
import { withRoutingKey } from './incidents.ts';
import { ProxyFault } from '../http/proxy.ts';
import { NotConnected, post, tryConnection, type PostAnswer, type PostRequest, type PostTarget } from '../http/post.ts';
import { meaningOfAnswer, readsAnswers } from './read-answer.ts';
import { retryAfterMs } from '../http/retry-after.ts';

/** The most characters of an answer that are kept as the reason. */
const maxWords = 300;
/**
 * Statuses that concern one request: "request timeout" and "too early". After the statuses in `busy`, all requests
 * wait.
 */
const passing: readonly number[] = [408, 425];
/** Statuses of a receiver that accepts nothing at present, with the stage that determines how long its mails wait. */
const busy: ReadonlyMap<number, Stage> = new Map([
  [429, 'channel'],
  [503, 'connect'],
]);

type Webhook = Pick<WebhookConfig, 'name' | 'format' | 'url' | 'header' | 'ca' | 'proxy' | 'timeoutMs'>;

/** The deadline of a notification that consists of several requests, however many. */
const severalMs = 2 * minuteMs;

/**
 * Creates a channel that posts frozen notifications to the URL of a `<webhook>`, with their Message-ID as
 * Idempotency-Key. 2xx accepts a notification, unless the body has an error of the vendor. 408, 425, 429 and 5xx are
 * retried, not before Retry-After. 3xx, which is not followed, and other 4xx are permanent refusals. No fault contains
 * the URL, or any part of it that may be a token.
 */
export function createWebhookChannel(webhook: Webhook): Channel {
  const { name, timeoutMs, format } = webhook;
  return {
    name: `webhook ${name}`,
    timeoutMs,
    answerTimeoutMs: format === 'pagerduty' ? severalMs : timeoutMs,
    send: (mail, options) => send(webhook, mail, options),
    close: () => undefined,
  };
}

/** Connects to the URL of a webhook without posting. Throws FleetError `mail-unavailable`, `secret-missing`. */
export async function verifyWebhook(webhook: Webhook, signal: AbortSignal): Promise<void> {
  const { target } = readTarget(webhook);
  try {
    await tryConnection(target, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw faultOf(webhook, thrown);
  }
}

async function send(webhook: Webhook, { content, messageId }: OutgoingMail, options: SendOptions): Promise<void> {
  options.signal.throwIfAborted();
  const { target, headers: own, routingKey } = readTarget(webhook);
  const { type, headers, requests } = parseFrozen(content);
  const endsAtMs = performance.now() + severalMs;
  let isMarked = false;
  for (const [index, body] of requests.entries()) {
    if (performance.now() >= endsAtMs) throw tooMany(webhook, index, requests.length);
    const key = requests.length === 1 ? messageId : `${messageId} ${index + 1}`;
    const answer = await postOne(webhook, {
      target,
      headers: { ...own, 'user-agent': 'fleet-health', 'content-type': type, 'idempotency-key': key, ...headers },
      body: routingKey === null ? body : withRoutingKey(body, routingKey),
      readsBody: readsAnswers(webhook.format),
      signal: options.signal,
      onDataBegun: async () => {
        if (!isMarked) await options.onDataBegun();
        isMarked = true;
      },
    });
    checkAnswer(webhook, answer, index);
  }
}

async function postOne(
  webhook: Webhook,
  { target, ...request }: PostRequest & { readonly target: PostTarget },
): Promise<PostAnswer> {
  const begun: { failed: Error | null } = { failed: null };
  const onDataBegun = async (): Promise<void> => {
    try {
      await request.onDataBegun();
    } catch (thrown) {
      begun.failed = asError(thrown);
      throw thrown;
    }
  };
  try {
    return await post(target, { ...request, onDataBegun });
  } catch (thrown) {
    if (begun.failed !== null) throw begun.failed;
    request.signal.throwIfAborted();
    throw faultOf(webhook, thrown);
  }
}

function tooMany({ name }: Webhook, done: number, all: number): FleetError {
  const message = `webhook ${name}: took ${done} of ${all} events within ${severalMs / 1000} s`;
  return new FleetError({ code: 'mail-unavailable', stage: 'mail', message, advice: 'Nothing: all are sent again.' });
}

/** The URL of a webhook and its headers, with their secrets. */
export interface Secrets {
  readonly target: PostTarget;
  readonly headers: Readonly<Record<string, string>>;
  /** The routing key of PagerDuty, which is the user name in the URL; null for another format. */
  readonly routingKey: string | null;
}

/** Reads the secrets of a webhook. Throws FleetError `secret-missing`, or `mail-unavailable` of stage `config`. */
export function readTarget(webhook: Webhook): Secrets {
  const { url: secret, ca, proxy, timeoutMs, format } = webhook;
  const text = secret.reveal();
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw unusable(webhook, `${secret.origin} has no web address`);
  for (const part of partsOf(url)) rememberSecret(part);
  const header = webhook.header?.reveal() ?? null;
  const line = header === null ? null : parseHeaderLine(header);
  if (header !== null && line === null) throw unusable(webhook, `${webhook.header?.origin ?? ''} has no header`);
  // A receiver may repeat `Bearer T0KEN`, the token alone, or its decoded form.
  const words = line === null ? [] : [line[1], ...line[1].split(/[ =,;]+/)];
  for (const word of words.flatMap((one) => [one, percentDecoded(one)])) rememberSecret(word);
  const routingKey = format === 'pagerduty' ? percentDecoded(url.username) : null;
  if (routingKey === '') {
    throw unusable(webhook, `${secret.origin} has no routing key: https://KEY@events.pagerduty.com/v2/enqueue`);
  }
  const login = takeLogin(url);
  const own = line === null ? {} : { [line[0].toLowerCase()]: line[1] };
  const headers = routingKey === null ? { ...login, ...own } : own;
  return { target: { url, ca: readAuthority(webhook, ca), proxy, timeoutMs }, headers, routingKey };
}

/** Returns the parts of a URL that may be a token, raw and decoded. A receiver may repeat any of them. */
function partsOf({ pathname, search, searchParams, username, password }: URL): readonly string[] {
  const parts = [`${pathname}${search}`, ...pathname.split('/'), ...searchParams.values(), username, password];
  return [...new Set([...parts, ...parts.map(percentDecoded)])].filter((part) => part.length > 1);
}

function readAuthority(webhook: Webhook, file: string | null): Buffer | null {
  try {
    return file === null ? null : readFileSync(file);
  } catch (thrown) {
    throw unusable(webhook, `<webhook ca>: ${messageOf(thrown)}`);
  }
}

/** Throws unless the receiver accepted the request. `accepted`: the number of accepted requests before. */
function checkAnswer({ name, format }: Webhook, { status, retryAfter, body }: PostAnswer, accepted: number): void {
  const isSuccess = status >= 200 && status < 300;
  const meaning = isSuccess ? meaningOfAnswer(format, body) : 'refused';
  if (meaning === 'accepted') return;
  const words = cut(oneLine(withoutSecrets(body)), maxWords);
  const message = `webhook ${name}: status ${status}${words === '' ? '' : `: ${words}`}`;
  const isLater = meaning === 'later' || passing.includes(status) || busy.has(status) || status >= 500;
  if (isLater) {
    const advice = 'Nothing, if it passes; else see what the receiver says of it.';
    const stage = busy.get(status) ?? 'mail';
    throw new TryLater({ code: 'mail-unavailable', stage, message, advice }, retryAfterMs(retryAfter, Date.now()));
  }
  const advice =
    !isSuccess && status < 400
      ? 'Write the URL that it redirects to: redirects are not followed.'
      : `Mend <webhook name="${name}">, and try it: fleet-health check --webhook ${name}.`;
  const Refused = accepted > 0 ? TakenInPart : FleetError;
  throw new Refused({ code: 'mail-refused', stage: 'mail', message, advice });
}

/** Returns the fault of a post, with words that never repeat the URL. */
function faultOf({ name }: Webhook, thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  const isAway = thrown instanceof NotConnected;
  const cause = isAway ? thrown.cause : thrown;
  const isShown = thrown instanceof TooLong || cause instanceof ProxyFault;
  const words = isShown ? messageOf(isAway ? cause : thrown) : (errnoOf(cause) ?? 'the connection ended');
  return new FleetError({
    code: 'mail-unavailable',
    stage: isAway || (thrown instanceof TooLong && thrown.message.endsWith('connecting')) ? 'connect' : 'mail',
    message: `webhook ${name}: ${words}`,
    advice: /CERT|SIGN|ISSUER/.test(words)
      ? 'Name its authority with <webhook ca="FILE">, or write the host as its certificate has it.'
      : 'Check the URL, the network and the receiver.',
  });
}

function unusable({ name }: Webhook, what: string): FleetError {
  return new FleetError({
    code: 'mail-unavailable',
    stage: 'config',
    message: `webhook ${name}: ${what}`,
    advice: 'Mend <webhook> in config.xml, or the file that it names.',
  });
}
