import { errnoOf, FleetError, messageOf, type Stage } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { TakenInPart, TryLater, type Channel, type OutgoingMail, type SendOptions } from '../notify.ts';
import { tlsAdvice } from '../../platform/errors/tls-advice.ts';
import { asError, TooLong } from '../within.ts';
import { parseFrozen, withFields } from './freeze-webhook.ts';
import { ProxyFault } from '../http/proxy.ts';
import {
  answerWords,
  NotConnected,
  post,
  tryConnection,
  type PostAnswer,
  type PostRequest,
  type PostTarget,
} from '../http/post.ts';
import { readAnswer, readsAnswers } from './read-answer.ts';
import { readTarget, type Webhook } from './read-target.ts';

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
  const { target, method = 'POST', fields, headers: own } = readTarget(webhook, messageId);
  const { type, headers, requests } = parseFrozen(content);
  const endsAtMs = performance.now() + severalMs;
  let isMarked = false;
  for (const [index, body] of requests.entries()) {
    if (performance.now() >= endsAtMs) throw tooMany(webhook, index, requests.length);
    const key = requests.length === 1 ? messageId : `${messageId} ${index + 1}`;
    const answer = await postOne(webhook, {
      target,
      method,
      headers: { ...own, 'user-agent': 'fleet-health', 'content-type': type, 'idempotency-key': key, ...headers },
      body: fields === undefined ? body : withFields(type, body, fields),
      readsBody: readsAnswers(webhook.format),
      signal: options.signal,
      onDataBegun: async () => {
        if (!isMarked) await options.onDataBegun();
        isMarked = true;
      },
    });
    const receipt = checkAnswer(webhook, answer, index);
    if (receipt !== null) options.onReceipt?.(receipt);
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

/**
 * Returns the receipt of an accepted request, or null if it has none. Throws unless the receiver accepted it.
 * `accepted`: the number of accepted requests before.
 */
function checkAnswer({ name, format }: Webhook, answer: PostAnswer, accepted: number): string | null {
  const { status } = answer;
  const { meaning, afterMs, words: said, receipt } = readAnswer(format, answer, Date.now());
  if (meaning === 'accepted') return receipt;
  const words = answerWords(said);
  const message = `webhook ${name}: status ${status}${words === '' ? '' : `: ${words}`}`;
  const isLater = meaning === 'later' || passing.includes(status) || busy.has(status) || status >= 500;
  if (isLater) {
    const advice = 'Nothing, if it passes; else see what the receiver says of it.';
    const stage = busy.get(status) ?? 'mail';
    throw new TryLater({ code: 'mail-unavailable', stage, message, advice }, afterMs);
  }
  const advice =
    status >= 300 && status < 400
      ? 'Write the URL that it redirects to: redirects are not followed.'
      : `Mend <webhook name="${name}">, and try it: fleet-health check --webhook ${name}.`;
  const Refused = accepted > 0 ? TakenInPart : FleetError;
  throw new Refused({ code: 'mail-refused', stage: 'mail', message, advice });
}

/** Returns the fault of a post, with words that never repeat the URL. */
export function faultOf({ name }: Webhook, thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  const isAway = thrown instanceof NotConnected;
  const cause = isAway ? thrown.cause : thrown;
  const isShown = thrown instanceof TooLong || cause instanceof ProxyFault;
  const words = isShown ? messageOf(isAway ? cause : thrown) : (errnoOf(cause) ?? 'the connection ended');
  return new FleetError({
    code: 'mail-unavailable',
    stage: isAway || (thrown instanceof TooLong && thrown.message.endsWith('connecting')) ? 'connect' : 'mail',
    message: `webhook ${name}: ${words}`,
    advice: adviceFor(cause, words),
  });
}

function adviceFor(cause: unknown, words: string): string {
  if (cause instanceof ProxyFault) return 'Check proxy="..." of <webhook>, or else HTTPS_PROXY, and the proxy.';
  return tlsAdvice(`${words} ${messageOf(cause)}`, 'webhook') ?? 'Check the URL, the network and the receiver.';
}

/** Returns the fault of an answer that says nothing about a mail. */
export function faultOfStatus({ name }: Webhook, words: string): FleetError {
  const advice = 'Nothing, if it passes; else see what the receiver says of it.';
  return new FleetError({ code: 'mail-unavailable', stage: 'mail', message: `webhook ${name}: ${words}`, advice });
}
