import type { WebhookConfig } from '../../config/config.ts';
import { hourMs } from '../../platform/units.ts';
import { anyObject, parseJson } from '../../platform/parse-json.ts';
import type { PostAnswer } from '../http/post.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import { withoutSecrets } from '../../platform/errors/revealed-secrets.ts';
import { formats, type AnswerMeaning } from './formats.ts';

/** An answer, read by the table of formats. */
export interface ReadAnswer {
  /** `refused` for each status other than 2xx. */
  readonly meaning: AnswerMeaning;
  /** The pause that the receiver asks for, at most an hour; 0 for none. */
  readonly afterMs: number;
  /** The answer in words. */
  readonly words: string;
  /** The receipt of an accepted message; null if there is none. */
  readonly receipt: string | null;
}

/** The beginning of a web page, as of a network that wants a login. No receiver answers with one. */
const pageForm = /^(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body)\b/i;
const receiptForm = /^[A-Za-z0-9]{1,64}$/;

/** True if the body of an answer with a status of success has a meaning. */
export function readsAnswers(format: WebhookConfig['format']): boolean {
  return formats[format].meaning !== undefined;
}

/** Reads an answer by its status, its Retry-After, and its body where the vendor documents the form. */
export function readAnswer(format: WebhookConfig['format'], answer: PostAnswer, nowMs: number): ReadAnswer {
  const { meaning: meaningOf, pauseMs, silence = '', receipt: receiptOf } = formats[format];
  const body = answer.body.trim();
  const parsed = parseJson(anyObject, body);
  const fields = parsed ?? {};
  const isSuccess = answer.status >= 200 && answer.status < 300;
  const isSilent = isSuccess && silence !== '' && body === '';
  const asked = Number(pauseMs?.(fields));
  const afterMs = Math.max(retryAfterMs(answer.retryAfter, nowMs), asked > 0 ? Math.min(asked, hourMs) : 0);
  const read = (): AnswerMeaning => {
    if (!isSuccess || isSilent) return 'refused';
    if (meaningOf === undefined) return 'accepted';
    // An object without its end broke off: the message may have arrived.
    if (parsed === null && body.startsWith('{')) return 'later';
    return pageForm.test(body) ? 'refused' : meaningOf(fields, body);
  };
  const receipt = receiptOf?.(fields);
  // A receiver may repeat a token as the receipt, which is stored.
  const isReceipt = typeof receipt === 'string' && receiptForm.test(receipt) && withoutSecrets(receipt) === receipt;
  return { meaning: read(), afterMs, words: isSilent ? silence : answer.body, receipt: isReceipt ? receipt : null };
}
