import { statSync } from 'node:fs';

import type { Config } from '../../config/config.ts';
import { findConfig } from '../../config/find-config.ts';
import { configDocument, type ShownElement } from '../../config/vocabulary/config-document.ts';
import { FleetError, messageOf, usageError } from '../../errors.ts';
import type { ParsedEvent } from '../../events/parse-event.ts';
import { sortAlerts, viewAlerts } from '../../look/alert-views.ts';
import { fleetPart, type FleetSnapshot } from '../../look/live-fleet.ts';
import { askedClients, checkPatterns } from '../../serve/asked.ts';
import type { Documents, DocumentQuery } from '../../serve/documents.ts';
import { runServer, type ServeEvent } from '../../serve/serve.ts';
import { withSmallHeap } from '../../platform/heap-growth.ts';
import { parseDuration } from '../../text/durations.ts';
import { clientFilter, clientNames } from '../alerts/client-filter.ts';
import { alertExplanation } from '../alerts/explain.ts';
import { alertJson } from '../command/alert-words.ts';
import { errorDocument } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { usualSettings } from './usual-settings.ts';
import { statusJson } from '../status/status-json.ts';
import { createOutputLog, type Log } from '../terminal/output.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** config.xml is looked at so often. */
const settingsMs = 5_000;

export interface ServeCommandOptions {
  readonly idleExit: string | null;
}

/** `serve`: shows what <serve> of config.xml says, until a signal ends it. */
export async function serveCommand(context: Context, { idleExit }: ServeCommandOptions): Promise<ExitStatus> {
  const idleExitMs = idleExit === null ? null : parseDuration(idleExit);
  if (idleExit !== null && (idleExitMs === null || idleExitMs === 0)) {
    throw usageError(`--idle-exit ${JSON.stringify(idleExit)} is no time`, 'Write it like 10m.');
  }
  await withSmallHeap(async () => {
    const log = createOutputLog(context.output);
    const settings = new FreshSettings(context, log);
    const { serve } = settings.current;
    if (serve === null) {
      throw usageError('config.xml has no <serve>', 'Write <serve><look/></serve> into it.');
    }
    await runServer({
      serve,
      settings: () => settings.current,
      configFault: () => settings.fault,
      documents,
      shownConfig: () => settings.shown,
      observe: (event) => tell(log, event),
      idleExitMs,
      signal: context.signal,
    });
  });
  return 0;
}

/** config.xml as it is now. A change that cannot be used leaves what was read before. */
class FreshSettings {
  readonly #context: Context;
  readonly #log: Log;
  #config: Config;
  /** The files of config.xml. Its elements are as large as the configuration. */
  #files: readonly string[] = [];
  #shown: ShownElement | null = null;
  #facts = '';
  #lookedAt = performance.now();
  #fault: string | null = null;

  constructor(context: Context, log: Log) {
    this.#context = context;
    this.#log = log;
    this.#config = this.#loadFirst();
    this.#facts = this.#factsNow();
  }

  get current(): Config {
    if (performance.now() - this.#lookedAt >= settingsMs) this.#look();
    return this.#config;
  }

  /** The reason why the file cannot be used; null: it can. */
  get fault(): string | null {
    return this.#fault;
  }

  /** The configuration as `/status` shows it. Its elements are read again for who asks first. */
  get shown(): ShownElement {
    const { serve } = this.current;
    if (this.#shown === null && this.#files.length > 0) {
      loadSettings(this.#context, ({ root }) => {
        if (root !== null) this.#shown = configDocument(root, serve?.hiddenOpts ?? []);
      });
    }
    return this.#shown ?? {};
  }

  #look(): void {
    this.#lookedAt = performance.now();
    const facts = this.#factsNow();
    if (facts === this.#facts) return;
    this.#facts = facts;
    try {
      this.#config = this.#load();
      this.#shown = null;
      this.#facts = this.#factsNow();
      this.#fault = null;
      this.#log.event('config-read', { clients: this.#config.clients.length });
    } catch (thrown) {
      const [first = ''] = messageOf(thrown).split('\n');
      this.#fault = `config.xml cannot be used since it was changed: ${first}`;
      this.#log.problem('config-broken', { message: first });
    }
  }

  /** Loads config.xml, or the defaults if nobody has written one. */
  #loadFirst(): Config {
    try {
      return this.#load();
    } catch (thrown) {
      const isNamed = this.#context.configFile !== null || Boolean(process.env['FLEET_HEALTH_CONFIG']);
      if (isNamed || !(thrown instanceof FleetError) || thrown.code !== 'config-missing') throw thrown;
      this.#log.problem('config-missing', { level: 'WARNING', message: `${thrown.message}; defaults are used` });
      return usualSettings(findConfig(undefined));
    }
  }

  #load(): Config {
    return loadSettings(this.#context, ({ sources }) => (this.#files = sources.map(({ path }) => path)));
  }

  #factsNow(): string {
    return this.#files
      .map((file) => statSync(file, { throwIfNoEntry: false }))
      .map((facts) => (facts === undefined ? '-' : `${facts.ino} ${facts.mtimeMs} ${facts.size}`))
      .join('\n');
  }
}

function tell(log: Log, event: ServeEvent): void {
  switch (event.kind) {
    case 'started':
      log.event('serve-started', { on: event.where.join(' '), pid: process.pid });
      break;
    case 'stopping':
      log.event('serve-stopping', { reason: event.reason });
      break;
    case 'stopped':
      log.event('serve-stopped', {});
      break;
    case 'database-away':
      log.problem('database-away', { code: event.fault.code, message: event.fault.message });
      break;
    case 'database-back':
      log.event('database-back', { away_s: Math.round(event.awayMs / 1000) });
      break;
    case 'refused':
      log.problem('token-refused', { address: event.address });
      break;
    case 'push-refused':
      log.problem('push-refused', {
        address: event.address,
        client: event.client,
        status: event.status,
        reason: event.reason,
      });
      break;
    case 'events-received':
      for (const one of event.events) tellEvent(log, one, event.address);
      break;
    case 'events-waiting':
      log.problem('events-waiting', { message: messageOf(event.thrown) });
      break;
    case 'events-taken-up':
      log.event('events-taken-up', {});
      break;
    case 'events-dropped':
      log.problem('events-dropped', { datagrams: event.datagrams });
      break;
    case 'fault':
      log.problem('answer-failed', { message: messageOf(event.thrown) });
  }
}

function tellEvent(log: Log, event: ParsedEvent, address: string): void {
  const { eventId, host, service, instance, status, description, raw } = event;
  const named = { id: eventId, host, service, instance, status, description };
  const fields = raw === null ? named : { id: eventId, raw: raw.slice(0, 200) };
  const said = Object.entries(fields).filter(([, value]) => value !== '');
  const { doubt } = event;
  const shown = { address, ...Object.fromEntries(said), doubt };
  if (doubt === undefined) log.event('event-received', shown);
  else log.problem('event-received', shown);
}

const documents: Documents = {
  status: statusDocument,
  alerts: async (config, { alerts }, client) => {
    if (client !== null) checkPatterns([client]);
    const nowMs = await alerts.nowMs();
    const open = await alerts.openAlerts(null);
    const isWanted = client === null ? () => true : clientFilter(clientNames(config, open), client);
    const shown = sortAlerts(open.filter((alert) => isWanted(alert.client)));
    const views = await viewAlerts(config, alerts, shown, nowMs);
    return { command: 'alerts', at: jsonTime(nowMs), alerts: views.map(alertJson) };
  },
  explain: alertExplanation,
  error: (thrown) =>
    errorDocument(
      thrown instanceof FleetError
        ? thrown
        : new FleetError({ code: 'internal', stage: 'run', message: messageOf(thrown) }),
    ),
};

function statusDocument({ config, status, nowMs }: FleetSnapshot, { clients, group, part }: DocumentQuery): object {
  const asked = new Set(askedClients(config, clients, group));
  const members = status.members.filter(({ client }) => asked.has(client));
  if (part === null) return statusJson({ ...status, members }, nowMs);
  const { from, limit } = part;
  const { counts, matching } = fleetPart(members, part);
  const shown = { ...status, members: matching.slice(from, from + limit) };
  const document = statusJson({ ...shown, unlisted: status.unlisted.slice(0, limit) }, nowMs);
  return {
    ...document,
    unlisted: status.unlisted.length,
    total: members.length,
    matching: matching.length,
    counts: Object.fromEntries(counts.map((count) => [count.state, count.clients])),
  };
}
