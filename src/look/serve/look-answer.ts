import { FleetError } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { type LiveDocument, liveHtml, type PageSurroundings } from '../page/live/live-document.ts';
import { markup } from '../page/markup.ts';
import type { Answer } from './answer.ts';

/** The most time for making an answer. */
export const answerMs = 5_000;

/** The error of an answer that did not arrive in time. */
class TooSlow extends FleetError {
  constructor() {
    super({ code: 'storage-unavailable', stage: 'storage', message: 'no answer in time' });
  }
}

/** Runs work with a deadline. Throws TooSlow. */
export function inTime<Result>(work: () => Promise<Result>): Promise<Result> {
  return withDeadline({ timeoutMs: answerMs, late: () => new TooSlow() }, work);
}

/** The error of an unknown client or alert. */
export class NotFound extends FleetError {
  constructor() {
    super({ code: 'usage', stage: 'usage', message: 'there is no such client or alert' });
  }
}

/** Returns the status of an answer that cannot be made. */
export function statusOf(thrown: unknown): 400 | 404 | 500 | 503 {
  if (!(thrown instanceof FleetError)) return 500;
  if (thrown.stage === 'storage') return 503;
  if (thrown.code !== 'usage') return 500;
  return thrown instanceof NotFound ? 404 : 400;
}

/** The surroundings of the content of every page. */
export interface PageFrame extends PageSurroundings {
  readonly zone: () => string | null;
}

/** Returns a page with one sentence. */
export function message(status: 400 | 403 | 404 | 500 | 503, title: string, text: string, frame: PageFrame): Answer {
  const document: LiveDocument = { title: [title], path: '', body: markup`<p>${text}</p>`, zone: frame.zone() };
  return html(liveHtml(document, null, frame), status, status === 503 ? { 'Retry-After': '30' } : {});
}

/** Returns an answer with a page that must not be cached. */
export function html(body: string, status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    body,
    headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Cache-Control': 'no-store', ...headers },
  };
}
