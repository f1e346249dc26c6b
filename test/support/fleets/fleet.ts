/**
 * A fleet on this machine for tests of the collector: a state folder, a real SQLite storage, and clients in memory. Its
 * clients can also be child processes with a HOME of their own that run the real agent.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import type { CollectEvent, CollectOptions, CollectResult } from '../../../src/collector/collect-options.ts';
import { collect } from '../../../src/collector/collector.ts';
import type { Client, CollectorConfig, Config, SshSettings } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import type { Transport } from '../../../src/transport/transport.ts';
import { buildBundles } from '../clients/agent-bundles.ts';
import { makeMigrated } from '../databases/migrated.ts';
import { namesBelow } from '../names-below.ts';
import { bareSsh } from '../ssh/run-shared.ts';
import { scriptedAgent, type ScriptedAgent } from '../clients/scripted-agents.ts';
import { shellConnection } from '../clients/shell-connection.ts';

export const bundles = buildBundles();

export const sshSettings: SshSettings = { ...bareSsh, username: null, node: process.execPath };

export function makeClient(name: string, more: Partial<Client> = {}): Client {
  return {
    name,
    address: name,
    addressExplicit: true,
    port: 22,
    was: null,
    state: 'active',
    untilMs: null,
    arrival: { kind: 'ssh', via: 'ssh2' },
    changes: 'yes',
    neighbours: false,
    groups: [],
    labels: {},
    on: [],
    ssh: sshSettings,
    rules: [],
    recipients: [],
    muted: false,
    windows: [],
    probeOptions: {},
    checks: [],
    file: 'config.xml',
    line: null,
    ...more,
  };
}

export const collectorConfig: CollectorConfig = {
  everyMs: 300_000,
  concurrency: 16,
  tcpTimeoutMs: 60_000,
  connectTimeoutMs: 60_000,
  agentTimeoutMs: 60_000,
  clientDeadlineMs: 120_000,
  runDeadlineMs: 240_000,
  perBastion: 100,
  perSubnet: 1000,
  pipelining: true,
  changes: 'yes',
  neighbours: false,
  spoolBytes: 10 * 2 ** 30,
  keepStoredMs: 15 * 60_000,
  open: true,
  sharedSite: null,
  forward: null,
};

export function makeConfig(
  stateDir: string,
  clients: readonly Client[],
  collector: Partial<CollectorConfig> = {},
): Config {
  return {
    file: path.join(stateDir, 'config.xml'),
    digest: '0'.repeat(64),
    stateDir,
    labels: {},
    storage: { kind: 'sqlite', path: path.join(stateDir, 'fleet.db'), migrate: true },
    retention: {
      changesMs: 400 * 86_400_000,
      rawMs: 30 * 86_400_000,
      detailMs: 2 * 86_400_000,
      logsMs: 30 * 86_400_000,
      alertsMs: 30 * 86_400_000,
      visitsMs: 30 * 86_400_000,
      hourlyMs: null,
      dailyMs: null,
    },
    smtp: null,
    replies: null,
    replyLinks: null,
    canary: null,
    notify: [],
    webhooks: [],
    alertmanager: null,
    digests: [],
    heartbeats: [],
    needs: [],
    metrics: null,
    collector: { ...collectorConfig, ...collector },
    alerts: {
      repeatMs: null,
      groupIntervalMs: 0,
      excerpt: true,
      flapping: true,
      causeChance: 0.02,
      defaults: true,
      zone: null,
      recipients: [],
      windows: [],
      rules: [],
    },
    serve: null,
    bastions: [],
    jumpHosts: sshSettings,
    clients,
    warnings: [],
    explicit: [],
  };
}

export interface Fleet {
  readonly dir: string;
  readonly stateDir: string;
  readonly events: CollectEvent[];
  /** Returns the transport to a client. */
  readonly transportFor: (client: Client) => Transport;
  home(client: string): string;
  openStorage(): Promise<Storage>;
  collect(clients: readonly Client[], more?: FleetOptions): Promise<CollectResult>;
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Returns the values of the first column. */
  column(sql: string): Promise<readonly unknown[]>;
  /** Counts the rows of a table. A condition may follow its name. */
  count(table: string): Promise<number>;
  /** Returns the paths of files below encrypted_stats/, relative to that folder. */
  sealedFiles(): readonly string[];
  /** Returns the reports that wait at a client: ids in memory, or files in the spools of its agents. */
  spooledAt(client: string): readonly string[];
  remove(): void;
}

export interface FleetOptions extends Partial<CollectOptions> {
  readonly collector?: Partial<CollectorConfig>;
}

/** Rejects as an `openStorage` of an unavailable database does. */
export const storageAway = (message = 'connect ECONNREFUSED'): Promise<never> =>
  Promise.reject(new FleetError({ code: 'storage-unavailable', stage: 'storage', message }));

/** The agents of a fleet: in memory, or as processes. A process costs the CPU of a start of Node for each visit. */
export type FleetAgents = 'scripted' | 'real';

/** Makes a fleet. Removes it after the running test or suite, otherwise after the tests of the file. */
export function makeFleet(agents: FleetAgents = 'scripted'): Fleet {
  const fleet = openFleet(mkdtempSync(path.join(tmpdir(), 'fh-fleet-')), agents);
  after(() => fleet.remove());
  return fleet;
}

/** Opens the fleet of a folder, as an earlier process left it. */
export function openFleet(dir: string, agents: FleetAgents = 'real'): Fleet {
  const stateDir = path.join(dir, 'state');
  const events: CollectEvent[] = [];
  const home = (client: string): string => {
    const place = path.join(dir, 'homes', encodeURIComponent(client));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    return place;
  };
  const inMemory = new Map<string, ScriptedAgent>();
  const scripted = (name: string): ScriptedAgent => {
    const agent = inMemory.get(name) ?? scriptedAgent(name);
    inMemory.set(name, agent);
    return agent;
  };
  const asProcess = (name: string): Transport => ({
    connect: () =>
      Promise.resolve(shellConnection({ env: { HOME: home(name), PATH: process.env['PATH'] ?? '/usr/bin:/bin' } })),
  });
  const transportFor = ({ name }: Client): Transport =>
    agents === 'real' ? asProcess(name) : scripted(name).transport;
  const storage = async (): Promise<Storage> => {
    const config = makeConfig(stateDir, []).storage;
    await makeMigrated(config);
    return await openStorage({ storage: config, migrate: true, program: 'collect' });
  };
  const query: Fleet['query'] = async (sql) => {
    const opened = await storage();
    try {
      return await opened.history.query(sql);
    } finally {
      await opened.close();
    }
  };
  return {
    dir,
    stateDir,
    events,
    transportFor,
    home,
    openStorage: storage,
    collect: (clients, { collector, ...more } = {}) =>
      collect({
        config: makeConfig(stateDir, clients, collector),
        only: null,
        openStorage: storage,
        transportFor,
        bundles,
        retries: 0,
        dryRun: false,
        signal: new AbortController().signal,
        observe: (event) => void events.push(event),
        now: () => Date.now(),
        host: 'here',
        ...more,
      }),
    query,
    column: async (sql) => (await query(sql)).map((row) => Object.values(row)[0]),
    count: async (table) => Number((await query(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.['n']),
    sealedFiles: () => {
      try {
        return namesBelow(path.join(stateDir, 'encrypted_stats'), '.fhs').toSorted();
      } catch {
        return [];
      }
    },
    spooledAt: (name) => (agents === 'real' ? namesBelow(home(name), '.fhs') : scripted(name).waiting()),
    // Agents that outlive a killed run may still write.
    remove: () => removeWhole(dir),
  };
}

/** Returns the client and the error code of each file in quarantine. */
export function quarantined(stateDir: string): readonly { readonly client: string; readonly code: string }[] {
  const root = path.join(stateDir, 'encrypted_stats');
  const names = namesBelow(root, '.json').filter((name) => name.includes('quarantine/'));
  return names.map((name) => {
    const facts = JSON.parse(readFileSync(path.join(root, name), 'utf8')) as Record<'client' | 'code', string>;
    return { client: facts.client, code: facts.code };
  });
}

/** Removes a folder into which an ending agent may still write. Node's own retries do not remove new files. */
function removeWhole(dir: string, attempts = 10): void {
  try {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  } catch (thrown) {
    if (attempts === 1) throw thrown;
    removeWhole(dir, attempts - 1);
  }
}
