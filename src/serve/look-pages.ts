import { FleetError } from '../errors.ts';
import { type LiveDocument, liveHtml } from '../page/live/live-document.ts';
import { markup } from '../page/markup.ts';
import { withDeadline } from '../platform/deadline.ts';
import { momentInWords } from '../text/time-words.ts';
import { fleetQuery, spanOf } from './asked.ts';
import type { Documents } from './documents.ts';
import { type FleetReader, NothingStored } from './fleet-reader.ts';
import type { Env } from './gate.ts';
import type { Context, Hono } from './hono.ts';
import { KeptPages } from './kept-pages.ts';
import { alertPage, alertsPage, clientPage, fleetPage, NotFound, runsPage } from './pages.ts';

/** The surroundings of pages and documents. */
export interface LookOptions {
  readonly reader: FleetReader;
  readonly documents: Documents;
  /** Returns the fault of config.xml since it was changed; null if it can be used. */
  readonly configFault: () => string | null;
  readonly zone: () => string | null;
  readonly onFault: (thrown: unknown) => void;
}

/** The most time for an answer. */
export const answerMs = 5_000;

/** An answer did not come in time. */
export class TooSlow extends Error {}

/** Runs work that has to end in time. Throws TooSlow. */
export function inTime<Result>(work: () => Promise<Result>): Promise<Result> {
  return withDeadline({ timeoutMs: answerMs, late: () => new TooSlow() }, work);
}

/** Adds the pages. While the database is away they stand as they were shown last, and say so. */
export function addPages(app: Hono<Env>, options: LookOptions): void {
  const { reader, documents, configFault, zone } = options;
  const kept = new KeptPages();
  const answer = async (c: Context<Env>, make: () => Promise<LiveDocument>): Promise<Response> => {
    const { url = '/' } = c.env.incoming;
    try {
      const document = await inTime(make);
      kept.keep(url, document);
      return html(c, liveHtml(document, configFault()), 200);
    } catch (thrown) {
      if (!isAway(thrown)) return failed(c, thrown, options);
      const last = kept.find(url);
      const sinceMs = reader.awaySinceMs ?? Date.now();
      const since = momentInWords({ zone: zone(), nowMs: Date.now() }, sinceMs);
      if (last === null) return message(c, 503, 'The database is away', `It has not answered since ${since}.`, zone());
      const shownAt = momentInWords({ zone: zone(), nowMs: Date.now() }, last.atMs);
      return html(c, liveHtml(last.document, `The database has been away since ${since}. This is of ${shownAt}.`), 200);
    }
  };
  const parameter = (c: Context<Env>) => (name: string) => c.req.query(name);
  app.get('/', (c) => answer(c, () => fleetPage(reader, fleetQuery(parameter(c)))));
  app.get('/alerts', (c) => answer(c, () => alertsPage(reader)));
  app.get('/alerts/:id{[0-9]{1,15}}', (c) => answer(c, () => alertPage(reader, documents, Number(c.req.param('id')))));
  app.get('/runs', (c) => answer(c, () => runsPage(reader)));
  app.get('/c/:name', (c) => answer(c, async () => clientPage(reader, spanOf(c.req.param('name'), parameter(c)))));
}

/** True if the database does not answer, or not in time. */
export function isAway(thrown: unknown): boolean {
  return thrown instanceof TooSlow || (thrown instanceof FleetError && thrown.stage === 'storage');
}

/** Answers for what cannot be shown. */
function failed(c: Context<Env>, thrown: unknown, { zone, onFault }: LookOptions): Response {
  if (thrown instanceof NotFound) return message(c, 404, 'Not there', 'There is no such client or alert.', zone());
  if (thrown instanceof NothingStored) {
    return message(c, 503, 'Nothing is stored yet', '`fleet-health collect` makes the first run.', zone());
  }
  if (thrown instanceof FleetError && thrown.code === 'usage') {
    return message(c, 400, 'That cannot be asked', `${thrown.message}. ${thrown.advice}`, zone());
  }
  onFault(thrown);
  return message(c, 500, 'This page cannot be made', 'The log of the server says why.', zone());
}

/** A page with a sentence. */
export function message(
  c: Context<Env>,
  status: 400 | 404 | 500 | 503,
  title: string,
  words: string,
  zone: string | null,
): Response {
  const document = { title, path: '', lead: null, body: markup`<p>${words}</p>`, zone };
  if (status === 503) c.header('Retry-After', '30');
  return html(c, liveHtml(document, null), status);
}

function html(c: Context<Env>, text: string, status: 200 | 400 | 404 | 500 | 503): Response {
  return c.html(text, status, { 'Cache-Control': 'no-store' });
}
