import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, errnoOf, messageOf, usageError } from '../../platform/errors/errors.ts';
import { eventStatus } from '../../collector/events/parse-event.ts';
import { answerWords, NotConnected, post, type PostAnswer, type PostTarget } from '../../notify/http/post.ts';
import type { WrittenProxy } from '../../notify/http/proxy.ts';
import { retryAfterMs } from '../../notify/http/retry-after.ts';
import { readTarget } from '../../notify/webhook/read-target.ts';
import { takeLogin } from '../../notify/http/url-login.ts';
import { secondMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';
import { oneLine } from '../../text/plain-text.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { loadLastSettings } from '../command/settings.ts';
import { checkedName, localUrl } from './events.ts';
import type { sendParameters } from './parameters.ts';

export type EventsSendOptions = OptionsOf<typeof sendParameters>;

/** The receiver of an event. */
interface Receiver {
  /** The name for people, without anything secret. */
  readonly name: string;
  readonly target: PostTarget;
  readonly headers: Readonly<Record<string, string>>;
}

const usualMs = 60 * secondMs;
/** The time limit of one attempt. */
const attemptMs = 20 * secondMs;
const firstPauseMs = 500;
const longestPauseMs = 30 * secondMs;

/**
 * Runs `events send`: sends an event to a `serve`, or to a `<webhook>` of the same form, until it is accepted or the
 * time is over. The event has an id, so an event that is sent again after a lost answer is the same. Throws FleetError
 * `event-refused` or `event-unsent`.
 */
export async function eventsSendCommand(context: Context, options: EventsSendOptions): Promise<ExitStatus> {
  const event = eventOf(options);
  const limitMs = options.timeout === null ? usualMs : parseDuration(options.timeout);
  if (limitMs === null || limitMs === 0) throw usageError('--timeout is no time', 'Write it like 30s.');
  const receiver = receiverOf(context, options.to);
  const attempts = await sendUntilTaken(receiver, JSON.stringify({ source: 'fleet-health', events: [event] }), {
    limitMs,
    signal: context.signal,
  });
  return printDone(
    context.output,
    () => ({ command: 'events send', ...event, to: receiver.name, attempts }),
    () => `${receiver.name} has the event`,
  );
}

/** Returns the event as receivers read it. Throws FleetError `usage`. */
function eventOf(options: EventsSendOptions) {
  const status = eventStatus(options.status);
  if (status === null) throw usageError(`there is no status ${options.status}`, 'Give OK, WARN, CRIT or UNKNOWN.');
  const value = options.value === null ? null : Number(options.value);
  if (value !== null && (!Number.isFinite(value) || options.value?.trim() === '')) {
    throw usageError('--value is no number', 'Write it like 3.5.');
  }
  const ttlMs = options.ttl === null ? null : parseDuration(options.ttl);
  if (options.ttl !== null && (ttlMs === null || ttlMs === 0)) {
    throw usageError('--ttl is no time', 'Write it like 26h.');
  }
  return {
    host: checkedName('the host', options.host),
    service: checkedName('the service', options.service),
    instance: options.instance === null ? '' : checkedName('--instance', options.instance),
    status,
    description: oneLine(options.description),
    tags: options.tags === null ? [] : options.tags.split(',').filter((tag) => tag !== ''),
    ...(value === null ? {} : { value }),
    ...(ttlMs === null ? {} : { ttl: Math.ceil(ttlMs / secondMs) }),
    id: options.id ?? randomUUID(),
  };
}

/** Returns the receiver that --to names: a URL, a `<webhook>`, or else the `serve` of this machine. */
function receiverOf(context: Context, to: string | null): Receiver {
  if (to !== null && /^https?:/i.test(to)) return receiverAt(to);
  // A job that sends an event has only this moment. `collect` and `alert` say that config.xml is broken.
  const { serve, webhooks } = loadLastSettings(context).config;
  if (to === null) {
    if (serve === null || serve.events === null) {
      throw usageError('it is not set where the event goes', 'Give --to URL, or write <serve><events/></serve>.');
    }
    return receiverAt(localUrl(serve).href, 'none');
  }
  const webhook = webhooks.find(({ name }) => name === to);
  if (webhook === undefined) {
    // The text is not printed: even if it is no URL, it may contain a password.
    const advice = 'Give a URL such as https://collector.example.org/, or the name of a <webhook>.';
    throw usageError('the value of --to is no URL of https or http, and no <webhook> has that name', advice);
  }
  if (webhook.format !== 'juggler') {
    throw usageError(`webhook ${to} has another form of events`, 'Name one with format="juggler".');
  }
  const { target, headers } = readTarget(webhook);
  return { name: `webhook ${to}`, target: { ...target, timeoutMs: attemptMs }, headers };
}

/** Returns the receiver at a URL. `proxy` is `none` for the `serve` of this machine. */
function receiverAt(text: string, proxy: WrittenProxy = null): Receiver {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw usageError('the value of --to is no URL', 'Write it like https://collector.example.org/.');
  const headers = takeLogin(url);
  if (url.pathname.endsWith('/')) url.pathname += 'events';
  return { name: `${url.origin}${url.pathname}`, target: { url, ca: null, proxy, timeoutMs: attemptMs }, headers };
}

interface Limits {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Sends the event until it is accepted. Returns the number of attempts. Throws FleetError `event-unsent`. */
async function sendUntilTaken(receiver: Receiver, body: string, { limitMs, signal }: Limits): Promise<number> {
  const endsAt = performance.now() + limitMs;
  for (let attempt = 1; ; attempt++) {
    const leftMs = endsAt - performance.now();
    const { why, pauseMs } = await attemptOf(receiver, body, { limitMs: Math.min(attemptMs, leftMs), signal });
    if (why === null) return attempt;
    const backoffMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
    const waitMs = Math.max(pauseMs, backoffMs);
    if (performance.now() + waitMs >= endsAt) {
      const message = `${receiver.name}: ${why}; nobody has the event after ${attempt} attempts`;
      throw new FleetError({ code: 'event-unsent', stage: 'run', message });
    }
    await sleep(waitMs, undefined, { signal });
  }
}

/** The result of an attempt: the reason of a failure, else null, and the wait that the receiver asks for. */
interface Attempt {
  readonly why: string | null;
  readonly pauseMs: number;
}

/** Makes one attempt. Throws FleetError `event-refused` if another attempt would not help. */
async function attemptOf({ name, target, headers }: Receiver, body: string, limits: Limits): Promise<Attempt> {
  const { limitMs, signal } = limits;
  let answer: PostAnswer;
  try {
    answer = await post(
      { ...target, timeoutMs: limitMs },
      {
        headers: { 'content-type': 'application/json', 'user-agent': 'fleet-health', ...headers },
        body,
        signal,
        onDataBegun: () => Promise.resolve(),
      },
    );
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = thrown instanceof NotConnected ? thrown.cause : thrown;
    return { why: errnoOf(cause) ?? messageOf(cause), pauseMs: 0 };
  }
  const { status, retryAfter, body: reply } = answer;
  if (status >= 200 && status < 300) return { why: null, pauseMs: 0 };
  const words = answerWords(reply);
  const why = `status ${status}${words === '' ? '' : `: ${words}`}`;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { why, pauseMs: retryAfterMs(retryAfter, Date.now()) };
  }
  throw new FleetError({ code: 'event-refused', stage: 'run', message: `${name}: ${why}` });
}
