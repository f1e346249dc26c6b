import { FleetError } from '../../../platform/errors/errors.ts';
import { harmlessJson } from '../../../platform/errors/log.ts';
import { readFleetPage } from '../../data/look.ts';
import { scriptText, styleText } from '../../page/assets.ts';
import { fleetOutliers } from '../../../alerter/outliers/outliers.ts';
import { contentPolicy } from '../../page/document.ts';
import type { ClientHistory } from '../../page/encode-series.ts';
import type { EventsView } from '../../page/live/events-view.ts';
import { renderFleetPage } from '../../page/fleet-page.ts';
import { shownShellWord } from '../../../text/shell-word.ts';
import type { Answer } from '../answer.ts';
import { answerMs, html, inTime, message, statusOf } from '../look-answer.ts';
import { askedClients, fleetPartAsked, spanOf } from './asked.ts';
import type { LookAnswerer, LookAsked } from './documents.ts';
import type { LookOptions } from './look-pages.ts';
import { clientHistory, newestEvents } from './pages.ts';

const historyBytes = 8 * 1024 * 1024;

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Returns what answers with the documents of docs/json.md, and with the report in one file. */
export function documentAnswerers(options: LookOptions) {
  const { reader, documents } = options;
  const answer = async (make: () => Promise<object>): Promise<Answer> => {
    try {
      return json(await inTime(make), 200);
    } catch (thrown) {
      const status = statusOf(thrown);
      if (status === 500) options.onFault(thrown);
      const fallback = { code: 'internal', stage: 'storage', message: 'the document cannot be made' } as const;
      return json(documents.error(thrown instanceof FleetError ? thrown : new FleetError(fallback)), status);
    }
  };
  const series: LookAnswerer = ({ query, parts: { name = query.get('client') ?? '' } }) =>
    answer(async () => {
      const asked = spanOf(name, query);
      const { history } = await reader.read((storage, config) => clientHistory(storage, config, asked));
      return seriesDocument(asked.client, history);
    });
  return {
    apiStatus: (({ query }) =>
      answer(async () => {
        const snapshot = await reader.snapshot();
        const part = fleetPartAsked(query);
        return documents.status(snapshot, { clients: query.getAll('client'), group: query.get('group'), part });
      })) satisfies LookAnswerer,
    apiAlerts: (({ query }) =>
      answer(() =>
        reader.read((storage, config) => documents.alerts(config, storage, query.get('client'))),
      )) satisfies LookAnswerer,
    apiSeries: series,
    apiNamedSeries: series,
    apiEvents: (() => answer(async () => eventsDocument(await newestEvents(reader)))) satisfies LookAnswerer,
    report: ((asked) => reportAnswer(asked, options)) satisfies LookAnswerer,
  };
}

/** Returns an answer with a document as `--json` prints it. */
function json(document: object, status: 200 | ReturnType<typeof statusOf>): Answer {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return {
    status,
    body: harmlessJson(document),
    headers: status === 503 ? { ...headers, 'Retry-After': '30' } : headers,
  };
}

/** Returns the figures of a client over a span. docs/json.md describes the fields. */
function seriesDocument(client: string, history: ClientHistory): object {
  const { start, step, points, series, limits, alerts, boots, moreSeries } = history;
  return {
    client,
    since: time(start),
    until: time(start + step * points),
    step_s: step,
    points,
    series: series.map(({ group, name, plot, unit, values }) => ({
      group,
      name,
      ...(plot !== undefined && { plot }),
      ...(unit !== undefined && { unit }),
      values: values.map((value) => (value === null ? null : Math.round(value * 100) / 100)),
    })),
    limits: limits.map(({ group, severity, value }) => ({ group, severity, value })),
    alerts: alerts.map(({ rule, subject, severity, from, to }) => ({
      rule,
      subject,
      severity,
      since: time(from),
      until: to === null ? null : time(to),
    })),
    boots: boots.map(time),
    more_series: moreSeries,
  };
}

/** Returns the newest event of each service. docs/json.md describes the fields. */
function eventsDocument({ nowMs, events }: Omit<EventsView, 'zone'>): object {
  return {
    at: new Date(nowMs).toISOString(),
    events: events.map(({ host, service, instance, status, description, receivedAtMs, silentAtMs, isSilent }) => ({
      ...{ host, service, instance, status, description },
      received_at: new Date(receivedAtMs).toISOString(),
      silence_due: silentAtMs === null ? null : new Date(silentAtMs).toISOString(),
      silent: isSilent,
    })),
  };
}

/** Returns the report of some clients and a span, or a message if it cannot be made in time. */
async function reportAnswer({ query, signal }: LookAsked, look: LookOptions): Promise<Answer> {
  const { reader, onFault } = look;
  const clients = query.getAll('client');
  const group = query.get('group');
  const span = query.get('since') ?? '24h';
  const ended = new AbortController();
  signal.addEventListener('abort', () => ended.abort(), { once: true });
  try {
    const { spanMs } = spanOf('', query);
    const page = await inTime(() =>
      reader.read(async (storage, config) => {
        const only = new Set(askedClients(config, clients, group));
        const isWhole = clients.length === 0 && group === null;
        const untilMs = await storage.nowMs();
        const title = isWhole ? 'Fleet' : [...clients, group].filter((name) => name !== null).join(', ');
        return readFleetPage({
          config,
          storage,
          clients: isWhole ? config.clients : config.clients.filter(({ name }) => only.has(name)),
          isWhole,
          title,
          sinceMs: untilMs - spanMs,
          untilMs,
          isPast: false,
          outliers: await fleetOutliers({ config, figures: storage.figures, groups: null, nowMs: untilMs }),
          historyBytes,
          signal: ended.signal,
          onProgress: () => undefined,
        });
      }),
    );
    return html(renderFleetPage(page), 200, { 'Content-Security-Policy': contentPolicy(styleText, scriptText) });
  } catch (thrown) {
    const command = ['fleet-health', 'report', ...clients, ...(group === null ? [] : ['--group', group])];
    const words = `${[...command, '--since', span].map(shownShellWord).join(' ')} makes it.`;
    const status = statusOf(thrown);
    if (status === 400) return message(400, 'That cannot be asked', (thrown as Error).message, look);
    if (status === 500) onFault(thrown);
    const reason = `It takes more than ${answerMs / 1000} s, or the database is away. ${words}`;
    return message(status, 'The report cannot be made here', status === 500 ? words : reason, look);
  } finally {
    ended.abort();
  }
}
