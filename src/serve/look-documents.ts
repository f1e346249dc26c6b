import { FleetError } from '../errors.ts';
import { harmlessJson } from '../log.ts';
import { readFleetPage } from '../look/look.ts';
import { scriptText, styleText } from '../page/assets.ts';
import { contentPolicy } from '../page/document.ts';
import { renderFleetPage } from '../page/fleet-page.ts';
import { shownShellWord } from '../text/shell-word.ts';
import { askedClients, spanOf } from './asked.ts';
import { NothingStored } from './fleet-reader.ts';
import type { Env } from './gate.ts';
import type { Context, Hono } from './hono.ts';
import { answerMs, inTime, isAway, type LookOptions, message } from './look-pages.ts';
import { clientHistory, NotFound } from './pages.ts';
import { seriesDocument } from './series-document.ts';

const historyBytes = 8 * 1024 * 1024;

/** Adds the documents of docs/json.md, and the report as one file. */
export function addDocuments(app: Hono<Env>, options: LookOptions): void {
  const { reader, documents } = options;
  const answer = async (c: Context<Env>, make: () => Promise<object>): Promise<Response> => {
    try {
      return json(c, await inTime(make), 200);
    } catch (thrown) {
      const status = statusOf(thrown);
      if (status === 500) options.onFault(thrown);
      if (status === 503) c.header('Retry-After', '30');
      return json(c, documents.error(faultOf(thrown)), status);
    }
  };
  app.get('/api/v1/alerts', (c) =>
    answer(c, () => reader.read((storage, config) => documents.alerts(config, storage, c.req.query('client') ?? null))),
  );
  app.get('/api/v1/clients/:name/series', (c) =>
    answer(c, async () => {
      const asked = spanOf(c.req.param('name'), (name) => c.req.query(name));
      const { history } = await reader.read((storage, config) => clientHistory(storage, config, asked));
      return seriesDocument(asked.client, history);
    }),
  );
  app.get('/report', (c) => reportAnswer(c, options));
}

/** Adds the document of `status`, which tokens for status alone open too. */
export function addStatus(app: Hono<Env>, { reader, documents, onFault }: LookOptions): void {
  app.get('/api/v1/status', async (c) => {
    try {
      const snapshot = await inTime(() => reader.snapshot());
      const query = { clients: c.req.queries('client') ?? [], group: c.req.query('group') ?? null };
      return json(c, documents.status(snapshot, query), 200);
    } catch (thrown) {
      const status = statusOf(thrown);
      if (status === 500) onFault(thrown);
      return json(c, documents.error(faultOf(thrown)), status);
    }
  });
}

/** Answers with a document as `--json` prints it. */
function json(c: Context<Env>, document: object, status: 200 | ReturnType<typeof statusOf>): Response {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return c.body(harmlessJson(document), status, headers);
}

function statusOf(thrown: unknown): 400 | 404 | 500 | 503 {
  if (thrown instanceof NotFound) return 404;
  if (isAway(thrown) || thrown instanceof NothingStored) return 503;
  return thrown instanceof FleetError && thrown.code === 'usage' ? 400 : 500;
}

function faultOf(thrown: unknown): unknown {
  if (thrown instanceof NotFound) {
    return new FleetError({ code: 'usage', stage: 'usage', message: 'there is no such client or alert' });
  }
  if (thrown instanceof NothingStored) {
    const advice = '`fleet-health collect` makes the first run.';
    return new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'nothing is stored yet', advice });
  }
  if (thrown instanceof FleetError) return thrown;
  const message = isAway(thrown) ? 'no answer in time' : 'the document cannot be made';
  return new FleetError({ code: isAway(thrown) ? 'storage-unavailable' : 'internal', stage: 'storage', message });
}

/** The report of some clients and a span, if it can be made in time. */
async function reportAnswer(c: Context<Env>, { reader, zone, onFault }: LookOptions): Promise<Response> {
  const clients = c.req.queries('client') ?? [];
  const group = c.req.query('group') ?? null;
  const span = c.req.query('since') ?? '24h';
  const ended = new AbortController();
  try {
    const { spanMs } = spanOf('', () => span);
    const page = await inTime(() =>
      reader.read(async (storage, config) => {
        const only = new Set(askedClients(config, clients, group));
        const isWhole = clients.length === 0 && group === null;
        const untilMs = await storage.alerts.nowMs();
        const title = isWhole ? 'Fleet' : [...clients, group].filter((name) => name !== null).join(', ');
        return readFleetPage({
          config,
          history: storage.history,
          alerts: storage.alerts,
          look: storage.look,
          clients: isWhole ? config.clients : config.clients.filter(({ name }) => only.has(name)),
          isWhole,
          title,
          sinceMs: untilMs - spanMs,
          untilMs,
          isPast: false,
          historyBytes,
          signal: ended.signal,
          onProgress: () => undefined,
        });
      }),
    );
    return c.html(renderFleetPage(page), 200, {
      'Cache-Control': 'no-store',
      'Content-Security-Policy': contentPolicy(styleText, scriptText),
    });
  } catch (thrown) {
    const command = ['fleet-health', 'report', ...clients, ...(group === null ? [] : ['--group', group])];
    const words = `${[...command, '--since', span].map(shownShellWord).join(' ')} makes it.`;
    const status = statusOf(thrown);
    if (status === 400) return message(c, 400, 'That cannot be asked', (thrown as Error).message, zone());
    if (status === 500) onFault(thrown);
    const reason = `It takes more than ${answerMs / 1000} s, or the database is away. ${words}`;
    return message(c, status, 'The report cannot be made here', status === 500 ? words : reason, zone());
  } finally {
    ended.abort();
  }
}
