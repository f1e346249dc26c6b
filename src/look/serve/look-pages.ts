import { FleetError } from '../../platform/errors/errors.ts';
import { eventsPath, type LiveDocument, liveHtml } from '../page/live/live-document.ts';
import { markup } from '../page/markup.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { momentInWords } from '../../text/time-words.ts';
import type { Answer, Answerer, Asked } from './answer.ts';
import { fleetQuery, spanOf } from './asked.ts';
import type { Documents } from './documents.ts';
import { type FleetReader, isAway, NothingStored } from './fleet-reader.ts';
import { alertPage, alertsPage, clientPage, eventsPage, fleetPage, NotFound, runsPage } from './pages.ts';
import type { ServedRoute } from './routes.ts';

/** The environment of pages and documents. */
export interface LookOptions {
  readonly reader: FleetReader;
  readonly documents: Documents;
  /** Returns the fault of the changed config.xml; null if the file is valid. */
  readonly configFault: () => string | null;
  readonly zone: () => string | null;
  /** The name of the fleet. */
  readonly title: string;
  readonly onFault: (thrown: unknown) => void;
  /** True if events are accepted and shown. */
  readonly hasEvents: boolean;
}

/** The most time for an answer. */
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

/** Returns the routes of the pages. While the database is away, they show their last version with a notice. */
export function pageRoutes(options: LookOptions): readonly ServedRoute[] {
  const { reader, documents, configFault, zone, title, hasEvents } = options;
  const kept = new KeptPages();
  // After a run all its viewers request the same page, which is made once.
  const making = new Map<string, Promise<LiveDocument>>();
  const makeOnce = (url: string, make: () => Promise<LiveDocument>): Promise<LiveDocument> => {
    const begun = making.get(url) ?? inTime(make).finally(() => making.delete(url));
    making.set(url, begun);
    return begun;
  };
  const answer = async ({ incoming: { url = '/' } }: Asked, make: () => Promise<LiveDocument>): Promise<Answer> => {
    try {
      const document = await makeOnce(url, make);
      kept.keep(url, document);
      return html(liveHtml(document, configFault(), hasEvents), 200);
    } catch (thrown) {
      if (!isAway(thrown)) return failed(thrown, options);
      const last = kept.find(url);
      const sinceMs = reader.awaySinceMs ?? Date.now();
      const since = momentInWords({ zone: zone(), nowMs: Date.now() }, sinceMs);
      if (last === null) return message(503, 'The database is away', `It has not answered since ${since}.`, options);
      const shownAt = momentInWords({ zone: zone(), nowMs: Date.now() }, last.atMs);
      const notice = `The database has been away since ${since}. This is of ${shownAt}.`;
      return html(liveHtml(last.document, notice, hasEvents), 200);
    }
  };
  const page = (path: string, make: (asked: Asked) => Promise<LiveDocument>): ServedRoute => {
    const answerer: Answerer = (asked) => answer(asked, () => make(asked));
    return { path, purpose: 'look', isPacked: true, answer: answerer };
  };
  return [
    page('/', ({ query }) => fleetPage(reader, fleetQuery(query), { zone: zone(), title })),
    page('/alerts', () => alertsPage(reader)),
    page('/alerts/#id', ({ parts: { id = '' } }) => alertPage(reader, documents, Number(id))),
    page('/runs', () => runsPage(reader)),
    ...(hasEvents ? [page(eventsPath, () => eventsPage(reader, zone()))] : []),
    page('/c', async ({ query }) => clientPage(reader, spanOf(query.get('client') ?? '', query))),
    page('/c/*name', async ({ parts: { name = '' }, query }) => clientPage(reader, spanOf(name, query))),
  ];
}

/** Returns the status of an answer that cannot be made. */
export function statusOf(thrown: unknown): 400 | 404 | 500 | 503 {
  if (!(thrown instanceof FleetError)) return 500;
  if (thrown.stage === 'storage') return 503;
  if (thrown.code !== 'usage') return 500;
  return thrown instanceof NotFound ? 404 : 400;
}

/** Returns an error page. */
function failed(thrown: unknown, look: LookOptions): Answer {
  const status = statusOf(thrown);
  if (status === 404) return message(404, 'Not there', 'There is no such client or alert.', look);
  if (thrown instanceof NothingStored) return message(503, 'Nothing is stored yet', thrown.advice, look);
  if (thrown instanceof FleetError && status === 400) {
    return message(400, 'That cannot be asked', `${thrown.message}. ${thrown.advice}`, look);
  }
  look.onFault(thrown);
  return message(500, 'This page cannot be made', 'The log of the server says why.', look);
}

/** Returns a page with one sentence. */
export function message(
  status: 400 | 404 | 500 | 503,
  title: string,
  text: string,
  { zone, hasEvents }: Pick<LookOptions, 'zone' | 'hasEvents'>,
): Answer {
  const document = { title: [title], path: '', body: markup`<p>${text}</p>`, zone: zone() };
  return html(liveHtml(document, null, hasEvents), status, status === 503 ? { 'Retry-After': '30' } : {});
}

/** Returns an answer with a page that must not be cached. */
export function html(body: string, status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    body,
    headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Cache-Control': 'no-store', ...headers },
  };
}

const maxPages = 32;
const maxBytes = 4 * 1024 * 1024;

/** The last version of a page that was shown, and its time. */
interface KeptPage {
  readonly document: LiveDocument;
  readonly atMs: number;
}

/** The most recently requested pages, which are shown while the database is away. */
class KeptPages {
  readonly #pages = new Map<string, KeptPage>();
  #bytes = 0;

  keep(address: string, document: LiveDocument): void {
    this.#remove(address);
    this.#pages.set(address, { document, atMs: Date.now() });
    this.#bytes += document.body.html.length;
    while (this.#pages.size > maxPages || (this.#bytes > maxBytes && this.#pages.size > 1)) {
      const [oldest = ''] = this.#pages.keys();
      this.#remove(oldest);
    }
  }

  find(address: string): KeptPage | null {
    return this.#pages.get(address) ?? null;
  }

  #remove(address: string): void {
    this.#bytes -= this.#pages.get(address)?.document.body.html.length ?? 0;
    this.#pages.delete(address);
  }
}
