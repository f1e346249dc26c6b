import { FleetError } from '../../../platform/errors/errors.ts';
import { type LiveDocument, liveHtml } from '../../page/live/live-document.ts';
import { momentInWords } from '../../../text/time-words.ts';
import type { Answer } from '../answer.ts';
import { type FleetReader, isAway, NothingStored } from '../fleet-reader.ts';
import { html, inTime, message, type PageFrame, statusOf } from '../look-answer.ts';
import { fleetQuery, spanOf } from './asked.ts';
import type { Documents, LookAnswerer, LookAsked } from './documents.ts';
import { alertPage, alertsPage, clientPage, eventsPage, fleetPage, runsPage } from './pages.ts';

/** The environment of pages and documents. */
export interface LookOptions extends PageFrame {
  readonly reader: FleetReader;
  readonly documents: Documents;
  /** Returns the fault of the changed config.xml; null if the file is valid. */
  readonly configFault: () => string | null;
  /** The name of the fleet. */
  readonly title: string;
  readonly onFault: (thrown: unknown) => void;
}

/** Returns what answers with pages. While the database is away, they show their last version with a notice. */
export function pageAnswerers(options: LookOptions) {
  const { reader, documents, configFault, zone, title } = options;
  const kept = new KeptPages();
  const answer = async (asked: LookAsked, make: () => Promise<LiveDocument>): Promise<Answer> => {
    const { mayAcknowledge } = asked;
    const url = `${mayAcknowledge ? 'button' : ''} ${asked.url}`;
    // By the usual policy a form that old browsers send, or any over HTTP, would not say where it comes from.
    const headers = mayAcknowledge ? { 'Referrer-Policy': 'same-origin' } : {};
    try {
      const document = await inTime(make);
      kept.keep(url, document);
      return html(liveHtml(document, configFault(), options), 200, headers);
    } catch (thrown) {
      if (!isAway(thrown)) return failed(thrown, options);
      const last = kept.find(url);
      const sinceMs = reader.awaySinceMs ?? Date.now();
      const since = momentInWords({ zone: zone(), nowMs: Date.now() }, sinceMs);
      if (last === null) return message(503, 'The database is away', `It has not answered since ${since}.`, options);
      const shownAt = momentInWords({ zone: zone(), nowMs: Date.now() }, last.atMs);
      const notice = `The database has been away since ${since}. This is of ${shownAt}.`;
      return html(liveHtml(last.document, notice, options), 200, headers);
    }
  };
  const page = (make: (asked: LookAsked) => Promise<LiveDocument>): LookAnswerer => {
    return (asked) => answer(asked, () => make(asked));
  };
  return {
    fleet: page(({ query }) => fleetPage(reader, fleetQuery(query), { zone: zone(), title })),
    alerts: page(() => alertsPage(reader)),
    alert: page(({ parts: { id = '' }, mayAcknowledge }) =>
      alertPage(reader, documents, { id: Number(id), mayAcknowledge }),
    ),
    runs: page(() => runsPage(reader)),
    newestEvents: page(() => eventsPage(reader, zone())),
    client: page(({ query }) => clientPage(reader, spanOf(query.get('client') ?? '', query))),
    namedClient: page(({ parts: { name = '' }, query }) => clientPage(reader, spanOf(name, query))),
  };
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
