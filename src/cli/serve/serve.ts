import { statSync } from 'node:fs';
import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { findConfig } from '../../config/find-config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { configDocument, type ShownElement } from '../../config/vocabulary/config-document.ts';
import type { Element } from '../../config/xml/parse-elements.ts';
import { FleetError, messageOf, usageError } from '../../platform/errors/errors.ts';
import type { Log } from '../../platform/errors/log.ts';
import { partProgram, statePaths } from '../../state-folder/paths.ts';
import { checkStateFolder } from '../../state-folder/state-folder.ts';
import { withoutDatabase } from '../../config/databases/kinds.ts';
import { runServer } from '../../look/serve/serve.ts';
import { withSmallHeap } from '../../platform/heap-growth.ts';
import { parseDuration } from '../../text/durations.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { createOutputLog } from '../terminal/output.ts';

/** The interval at which config.xml is checked for changes. */
const settingsMs = 5_000;

/** Runs `serve`: serves the pages and documents of <serve> in config.xml, until a signal ends the program. */
export async function serveCommand(
  context: Context,
  { idleExit }: { readonly idleExit: string | null },
): Promise<ExitStatus> {
  const idleExitMs = idleExit === null ? null : parseDuration(idleExit);
  if (idleExit !== null && (idleExitMs === null || idleExitMs === 0)) {
    throw usageError(`--idle-exit ${JSON.stringify(idleExit)} is no time`, 'Write it like 10m.');
  }
  await withSmallHeap(async () => {
    const log = createOutputLog(context.output);
    const settings = new FreshSettings(context, log);
    const { serve } = settings.current;
    const { forward } = settings.current.collector;
    if (forward !== null) throw withoutDatabase(forward.url);
    if (serve === null) {
      throw usageError('config.xml has no <serve>', 'Write <serve><look/></serve> into it.');
    }
    await runServer({
      serve,
      settings: () => settings.current,
      configFault: () => settings.fault,
      notThere: settings.missing,
      lookProgram: partProgram(import.meta.filename, 'look-process.ts'),
      shownConfig: () => settings.shown,
      log,
      idleExitMs,
      signal: context.signal,
    });
  });
  return 0;
}

/** The parts of `serve` that work without a config.xml. */
const noConfigWords =
  'Only events are served: /events, UDP, /ping and /status. Pages, metrics and pushes need a config.xml and a restart.';

/** The current config.xml. A change that cannot be used leaves the earlier configuration in force. */
class FreshSettings {
  readonly #context: Context;
  readonly #log: Log;
  #config: Config;
  /** The files of config.xml. Its elements are not kept: they are as large as the configuration. */
  #files: readonly string[] = [];
  #shown: ShownElement | null = null;
  #facts = '';
  #lookedAt = performance.now();
  #fault: string | null = null;
  #missing: string | null = null;

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

  /** The reason why config.xml cannot be used; null if it can. */
  get fault(): string | null {
    return this.#fault;
  }

  /** The parts that are served and the remedy if there was no config.xml at the start; null if there was one. */
  get missing(): string | null {
    return this.#missing;
  }

  /** The configuration as `/status` shows it. The first request after a change reads the elements again. */
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

  /** Loads config.xml, or the defaults if there is no such file. */
  #loadFirst(): Config {
    try {
      return this.#load();
    } catch (thrown) {
      const isNamed = this.#context.configFile !== null || Boolean(process.env['FLEET_HEALTH_CONFIG']);
      if (isNamed || !(thrown instanceof FleetError) || thrown.code !== 'config-missing') throw thrown;
      this.#missing = `${thrown.message}. ${noConfigWords} ${thrown.advice}`;
      this.#log.problem('config-missing', { level: 'WARNING', message: this.#missing });
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

/** Returns the configuration of `serve` if there is no config.xml: events, with every default. */
function usualSettings(file: string): Config {
  const place = path.resolve(file);
  const source = { shown: file, path: place, order: 0, mode: 0o600, uid: 0, gid: 0 };
  const element = (name: string, children: Element[]): Element => ({
    name,
    source,
    line: 1,
    attributes: {},
    children,
    faulty: false,
  });
  const root = element('config', [element('serve', [element('events', [])])]);
  const config = loadConfig({
    file,
    tree: { root, sources: [], digest: '', includes: false },
    checkPermissions: false,
  });
  checkStateFolder(statePaths(config.stateDir));
  return config;
}
