import type { AlertmanagerConfig } from '../../config/config.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { readAuthority } from '../../platform/read-named-file.ts';
import { takeLogin } from '../http/url-login.ts';
import { TooLong } from '../within.ts';
import { annotationsOf, labelsOf } from './alertmanager.ts';
import type { NoticeAlert } from './notice.ts';
import { answerWords, NotConnected, post, tryConnection, type PostTarget } from '../http/post.ts';

/** The most alerts of one request. */
const batch = 500;

export interface PostAlertsOptions {
  /** The time at which an alert without an end ends, unless it is posted again before. */
  readonly validUntilMs: number;
  readonly signal: AbortSignal;
}

/**
 * Posts alerts to every Alertmanager (`/api/v2/alerts`) in parallel. Returns the faults, which name only the hosts.
 * Throws only the signal's reason.
 */
export async function postAlerts(
  config: AlertmanagerConfig,
  alerts: readonly NoticeAlert[],
  options: PostAlertsOptions,
): Promise<readonly FleetError[]> {
  const documents = alerts.map((alert) => documentOf(alert, config, options.validUntilMs));
  const bodies: string[] = [];
  for (let from = 0; from < documents.length; from += batch) {
    bodies.push(JSON.stringify(documents.slice(from, from + batch)));
  }
  const faults = await Promise.all(config.urls.map((url) => postBatches(config, url, bodies, options.signal)));
  options.signal.throwIfAborted();
  return faults.filter((fault) => fault !== null);
}

/** Connects to an Alertmanager without posting. Throws FleetError `mail-unavailable`. */
export async function verifyAlertmanager(config: AlertmanagerConfig, url: string, signal: AbortSignal): Promise<void> {
  try {
    await tryConnection(targetOf(config, url).target, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw faultOf(url, wordsOf(thrown));
  }
}

/** Returns the host of a URL, the only part that is shown. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

function documentOf(alert: NoticeAlert, { labels }: AlertmanagerConfig, validUntilMs: number): object {
  const endsAtMs = alert.endsAtMs ?? validUntilMs;
  // Alertmanager refuses an end before the beginning, which a client's fast clock can cause.
  const startsAtMs = Math.min(alert.startsAtMs, endsAtMs);
  return {
    labels: labelsOf(alert, labels),
    annotations: annotationsOf(alert),
    ...(alert.page === undefined ? {} : { generatorURL: alert.page }),
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
  };
}

/**
 * Posts batches. After a refused batch the others are still posted; without an answer the rest is skipped. Returns the
 * first fault.
 */
async function postBatches(
  config: AlertmanagerConfig,
  url: string,
  bodies: readonly string[],
  signal: AbortSignal,
): Promise<FleetError | null> {
  let first: FleetError | null = null;
  try {
    const { target, login } = targetOf(config, url);
    const headers = { ...login, 'user-agent': 'fleet-health', 'content-type': 'application/json' };
    for (const body of bodies) {
      const answer = await post(target, { headers, body, signal, onDataBegun: () => Promise.resolve() });
      if (answer.status >= 200 && answer.status < 300) continue;
      first ??= faultOf(url, `status ${answer.status}: ${answerWords(answer.body)}`);
    }
    return first;
  } catch (thrown) {
    return first ?? faultOf(url, wordsOf(thrown));
  }
}

function targetOf(
  { ca, proxy, timeoutMs }: AlertmanagerConfig,
  text: string,
): { readonly target: PostTarget; readonly login: { readonly authorization?: string } } {
  const url = new URL(text);
  const login = takeLogin(url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
  return { target: { url, ca: readAuthority('alertmanager', ca), proxy, timeoutMs }, login };
}

function wordsOf(thrown: unknown): string {
  const cause = thrown instanceof NotConnected ? thrown.cause : thrown;
  return cause instanceof TooLong ? cause.message : (errnoOf(cause) ?? messageOf(cause));
}

function faultOf(url: string, words: string): FleetError {
  const message = `alertmanager ${hostOf(url)}: ${words}`;
  return new FleetError({ code: 'mail-unavailable', stage: 'mail', message, advice: 'Check <alertmanager>.' });
}
