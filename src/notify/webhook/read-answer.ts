import type { WebhookConfig } from '../../config/config.ts';
import { anyObject, parseJson } from '../../platform/parse-json.ts';

/** The meaning of an answer with a status of success. `later`: the receiver asks for a pause. */
export type AnswerMeaning = 'accepted' | 'refused' | 'later';

const readers: Partial<Readonly<Record<WebhookConfig['format'], (body: string) => AnswerMeaning>>> = {
  // Slack answers `ok`, and others in its form JSON or nothing. Words such as `no_channel` are its errors.
  slack: (body) => {
    const fields = parseJson(anyObject, body);
    if (body === '' || /^ok$/i.test(body)) return 'accepted';
    const isRefused = fields?.['ok'] === false || fields?.['success'] === false || Boolean(fields?.['error']);
    if (fields !== null && !isRefused) return 'accepted';
    return /rate_?limited/i.test(body) ? 'later' : 'refused';
  },
  // Connectors report errors of Teams with the status 200.
  teams: (body) => {
    if (!/delivery failed|returned HTTP error|^Bad payload/i.test(body)) return 'accepted';
    return /HTTP error (?:429|5\d\d)/i.test(body) ? 'later' : 'refused';
  },
  pagerduty: (body) => {
    const status = parseJson(anyObject, body)?.['status'];
    return typeof status !== 'string' || status === 'success' ? 'accepted' : 'refused';
  },
  ntfy: (body) => (parseJson(anyObject, body)?.['error'] === undefined ? 'accepted' : 'refused'),
  discord: () => 'accepted',
};

/** The beginning of a web page, as of a network that wants a login. No receiver answers with one. */
const pageForm = /^(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body)\b/i;

/** True if the body of an answer with a status of success has a meaning. */
export function readsAnswers(format: WebhookConfig['format']): boolean {
  return readers[format] !== undefined;
}

/** Reads the body of an answer with a status of success, where the vendor documents its form. */
export function meaningOfAnswer(format: WebhookConfig['format'], body: string): AnswerMeaning {
  const read = readers[format];
  if (read === undefined) return 'accepted';
  return pageForm.test(body.trim()) ? 'refused' : read(body.trim());
}
