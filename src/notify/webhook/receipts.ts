import type { WebhookConfig } from '../../config/config.ts';
import { anyObject, parseJson } from '../../platform/parse-json.ts';
import { withoutSecrets } from '../../platform/errors/revealed-secrets.ts';
import { oneLine } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { post } from '../http/post.ts';
import { formData, formats } from './formats.ts';
import { readTarget, type Webhook } from './read-target.ts';
import { faultOf, faultOfStatus } from './webhook.ts';

/** The most characters of a device's name. */
const maxNameChars = 60;

/** A message as its receiver says (Pushover's Receipts API). */
export interface ReceiptState {
  /** The device on which somebody acknowledged the message first; null if nobody has. */
  readonly acknowledgedOn: string | null;
  /** True if the message signals no longer: it was acknowledged, it has expired, or its receiver has forgotten it. */
  readonly isOver: boolean;
}

export interface ReceiptOptions {
  readonly receipt: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** True if messages of a format have receipts. */
export function givesReceipts({ format }: Pick<WebhookConfig, 'format'>): boolean {
  return formats[format].receipt !== undefined;
}

/**
 * Asks whether a message was acknowledged. Throws FleetError `mail-unavailable` or `secret-missing`, or the signal's
 * reason.
 */
export async function askReceipt(webhook: Webhook, options: ReceiptOptions): Promise<ReceiptState> {
  const body = await request(webhook, options, 'GET', `${options.receipt}.json`);
  const fields = body === null ? null : parseJson(anyObject, body);
  if (body !== null && fields?.['status'] !== 1) throw faultOfStatus(webhook, 'the receipt has another form');
  const device = fields?.['acknowledged_by_device'];
  const name = cut(oneLine(typeof device === 'string' ? withoutSecrets(device) : ''), maxNameChars);
  const isAcknowledged = fields?.['acknowledged'] === 1;
  return {
    acknowledgedOn: isAcknowledged ? name : null,
    isOver: isAcknowledged || fields === null || fields['expired'] === 1,
  };
}

/** Ends the signals of a message. Throws as `askReceipt` does. */
export async function cancelReceipt(webhook: Webhook, options: ReceiptOptions): Promise<void> {
  await request(webhook, options, 'POST', `${options.receipt}/cancel.json`);
}

/** Returns the body of the answer; null if the receiver knows no such receipt. */
async function request(
  webhook: Webhook,
  { timeoutMs, signal }: ReceiptOptions,
  method: 'GET' | 'POST',
  path: string,
): Promise<string | null> {
  const { target, token } = readTarget(webhook);
  const url = new URL(`receipts/${path}`, target.url);
  const login = String(new URLSearchParams({ token }));
  if (method === 'GET') url.search = login;
  const headers = { 'user-agent': 'fleet-health', ...(method === 'GET' ? {} : { 'content-type': formData }) };
  const onDataBegun = (): Promise<void> => Promise.resolve();
  const body = method === 'GET' ? '' : login;
  const sent = { method, headers, body, readsBody: true, signal, onDataBegun };
  const answer = await post({ ...target, url, timeoutMs }, sent).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw faultOf(webhook, thrown);
  });
  if (answer.status === 429 || answer.status >= 500) throw faultOfStatus(webhook, `status ${answer.status}`);
  return answer.status >= 200 && answer.status < 300 ? answer.body : null;
}
