/** A simulated fleet in this process, with the collector and the alerter as the commands run them. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { alertCommand } from '../../src/cli/runs/alert.ts';
import { collectCommand } from '../../src/cli/runs/collect.ts';
import type { Context, ExitStatus } from '../../src/cli/command/context.ts';
import { createOutput } from '../../src/cli/terminal/output.ts';
import { stormMs } from '../../src/simulator/condition.ts';
import { readKeys, username, writeFolder } from '../../src/simulator/fleet-folder.ts';
import { planFleet, type FleetPlan } from '../../src/simulator/fleet-plan.ts';
import { holdPort } from '../../src/simulator/loopback-listeners.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { tempFolder } from './temp-folder.ts';

export interface CollectedVisit {
  readonly client: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly stage: string | null;
}

export interface Collected {
  readonly status: ExitStatus;
  readonly visits: readonly CollectedVisit[];
  readonly reports: Readonly<Record<'stored' | 'duplicate' | 'quarantined' | 'waiting', number>>;
  readonly quarantined: readonly unknown[];
}

/** The attributes that shorten the collector's usual deadlines for clients that never answer. */
const impatient = 'tcpTimeout="4s" connectTimeout="9s" agentTimeout="9s" clientDeadline="20s" runDeadline="2m"';

export async function startSimulatedFleet(t: TestContext, options: Pick<FleetPlan, 'clients' | 'profile' | 'seed'>) {
  const dir = tempFolder(t);
  const held = await holdPort(null);
  t.after(() => held.close());
  let sinceStartMs = 0;
  const plan: FleetPlan = {
    ...options,
    port: held.port,
    everyMs: 300_000,
    get startedAtMs() {
      return Date.now() - sinceStartMs;
    },
  };
  writeFolder(dir, plan);
  const configFile = path.join(dir, 'config.xml');
  const text = readFileSync(configFile, 'utf8').replace('<collector ', `<collector ${impatient} `);
  writeFileSync(configFile, text.replace('<alerts>', '<alerts groupInterval="1s">'));
  const part = { plan, first: 0, end: plan.clients };
  const simulator = await startSimulator({ ...readKeys(dir), ...part, username, now: Date.now });
  t.after(() => simulator.close());

  const run = async (command: (context: Context) => Promise<ExitStatus>): Promise<[ExitStatus, unknown]> => {
    let printed: unknown = null;
    const { stdout, stderr } = process;
    const output = {
      ...createOutput({ json: true, verbosity: 'quiet', stdout, stderr }),
      printJson: (value: unknown) => (printed = value),
    };
    const status = await command({ output, configFile, signal: new AbortController().signal });
    return [status, printed];
  };
  return {
    dir,
    plan,
    clients: planFleet(plan),
    simulator,
    collect: async (): Promise<Collected> => {
      const all = { clients: [], group: null, dryRun: false, noOpen: false };
      const everyone = { ...all, concurrency: 32, format: null, retry: 0 };
      const [status, printed] = await run((context) => collectCommand(context, everyone));
      return { status, ...(printed as Omit<Collected, 'status'>) };
    },
    /** Runs a pass of the alerter. */
    alert: async () => (await run((context) => alertCommand(context, { dryRun: false })))[0],
    query: (sql: string): readonly Readonly<Record<string, unknown>>[] => {
      const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
      try {
        return database.prepare(sql).all();
      } finally {
        database.close();
      }
    },
    /** Sets the time since the start, which then stands still. Storms begin and end by this time alone. */
    setTime: async (ms: number): Promise<void> => {
      sinceStartMs = ms;
      await simulator.turn();
    },
  };
}

export type SimulatedFleet = Awaited<ReturnType<typeof startSimulatedFleet>>;

/** Returns a time within the first storm, and one after it. */
export function timesOf(plan: FleetPlan): { readonly storm: number; readonly afterwards: number } {
  const calmMs = 3 * plan.everyMs;
  return { storm: calmMs + 1000, afterwards: calmMs + stormMs(plan) + 1000 };
}
