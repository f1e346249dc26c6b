import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Context, ExitStatus } from '../../src/cli/command/context.ts';
import { alertCommand } from '../../src/cli/alerts/alert.ts';
import { collectCommand } from '../../src/cli/runs/collect.ts';
import { createOutput } from '../../src/cli/terminal/output.ts';
import type { ErrorCode } from '../../src/platform/errors/errors.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { stormMs } from '../../src/simulator/condition.ts';
import { readKeys, username, writeFolder } from '../../src/simulator/fleet-folder.ts';
import { type FleetPlan, planFleet } from '../../src/simulator/fleet-plan.ts';
import { holdPort } from '../../src/simulator/loopback-listeners.ts';
import type { DeadCause } from '../../src/simulator/profile.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';

interface CollectedVisit {
  readonly client: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly stage: string | null;
}

interface Collected {
  readonly status: ExitStatus;
  readonly visits: readonly CollectedVisit[];
  readonly reports: Readonly<Record<'stored' | 'duplicate' | 'quarantined' | 'waiting', number>>;
  readonly quarantined: readonly unknown[];
}

/** The attributes that shorten the collector's usual deadlines for clients that never answer. */
const impatient = 'tcpTimeout="4s" connectTimeout="9s" agentTimeout="9s" clientDeadline="20s" runDeadline="2m"';

async function startSimulatedFleet(t: TestContext, options: Pick<FleetPlan, 'clients' | 'profile' | 'seed'>) {
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
      const all = { clients: [], group: null, label: null, dryRun: false, noOpen: false };
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

type SimulatedFleet = Awaited<ReturnType<typeof startSimulatedFleet>>;

/** Returns a time within the first storm, and one after it. */
function timesOf(plan: FleetPlan): { readonly storm: number; readonly afterwards: number } {
  const calmMs = 3 * plan.everyMs;
  return { storm: calmMs + 1000, afterwards: calmMs + stormMs(plan) + 1000 };
}

/** The error code that a collector reports for each fault. */
const codes: Readonly<Record<DeadCause, ErrorCode>> = {
  refused: 'connect-refused',
  unanswered: 'connect-timeout',
  silent: 'handshake-timeout',
  banner: 'handshake-timeout',
  'key-exchange': 'handshake-timeout',
  'host-key-changed': 'host-key-changed',
  login: 'auth-timeout',
  'login-refused': 'auth-failed',
  channel: 'channel-timeout',
  agent: 'agent-timeout',
  report: 'agent-timeout',
  cut: 'connect-failed',
};

function codesOf({ visits }: Collected): ReadonlyMap<string, string | null> {
  return new Map(visits.map(({ client, code }) => [client, code]));
}

function named(fleet: SimulatedFleet, matches: (client: SimulatedFleet['clients'][number]) => boolean): string[] {
  return fleet.clients.filter(matches).map(({ name }) => name);
}

test('a lossy fleet: the dead fail as they should, the others report', { skip: skipUnlessWide }, async (t) => {
  const fleet = await startSimulatedFleet(t, { clients: 60, profile: 'lossy', seed: 3 });
  for (const file of ['config.xml', 'login_key', 'server_key', 'other_server_key', 'known_hosts']) {
    assert.equal(statSync(path.join(fleet.dir, file)).mode & 0o777, 0o600, file);
  }
  const first = await fleet.collect();
  const found = codesOf(first);
  assert.equal(found.size, 60);
  for (const { name, dead } of fleet.clients) {
    const code = found.get(name);
    // A visit that breaks off fails, too, but only for clients that are not dead.
    if (dead === null) assert.ok(code === null || code === 'connect-failed', `${name}: ${String(code)}`);
    else assert.equal(code, codes[dead], `${name} is ${dead}`);
  }
  assert.deepEqual(first.quarantined, []);
  // The last acknowledgements may not have arrived when the run ends.
  for (let tries = 0; tries < 6000 && fleet.simulator.counts().acknowledged < first.reports.stored; tries += 1)
    await sleep(10);
  const { visits, acknowledged } = fleet.simulator.counts();
  assert.equal(acknowledged, first.reports.stored);
  for (const cause of Object.keys(codes) as DeadCause[]) {
    // A login that hangs while pipelined is tried again step by step, so there may be more than one visit.
    if (cause !== 'refused' && cause !== 'unanswered') assert.ok((visits[cause] ?? 0) >= 1, cause);
  }

  const values = fleet.query('SELECT cpu_percent, memory_percent, disk_percent, uptime_s, hostname, client FROM stats');
  assert.ok(values.length >= 45, `${values.length} rows`);
  for (const { client, hostname, ...figures } of values) {
    assert.equal(hostname, client);
    for (const [name, value] of Object.entries(figures)) assert.ok(Number(value) > 0, `${String(client)} ${name}`);
  }
  // The agent that hangs in the middle of its report has that report on its disk. The next visit would fetch both.
  const [hanging = ''] = named(fleet, ({ dead }) => dead === 'report');
  assert.equal(found.get(hanging), 'agent-timeout');
});

test('nobody but this machine reaches a simulated server', async (t) => {
  const fleet = await startSimulatedFleet(t, { clients: 3, profile: 'clean', seed: 1 });
  const { port } = fleet.plan;
  const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const addresses = outside.filter(({ internal, family }) => !internal && family === 'IPv4').map((one) => one.address);
  for (const host of ['127.0.0.1', ...addresses]) {
    const socket = connect({ host, port });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED', host);
  }
});

/** Returns the clients with a firing alert, by rule. */
function firing(fleet: SimulatedFleet): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, string[]>();
  const sql = "SELECT rule, client FROM alerts WHERE state = 'firing' ORDER BY client";
  for (const { rule, client } of fleet.query(sql)) {
    rules.set(String(rule), [...(rules.get(String(rule)) ?? []), String(client)]);
  }
  return rules;
}

/** The error code of a client by its part in a storm. A client without a code is read, but for the flaky ones. */
const stormCodes: Readonly<Record<string, ErrorCode>> = {
  rack: 'connect-timeout',
  bastion: 'bastion-failed',
  silent: 'handshake-timeout',
  'host-key-changed': 'host-key-changed',
};

/** Asserts that each cause of the storm has its alert, for all its clients. */
function assertNotified(fleet: SimulatedFleet): void {
  const notified = firing(fleet);
  const inPart = (part: string): readonly string[] => named(fleet, ({ storm }) => storm === part).sort();
  assert.deepEqual(notified.get('disk'), inPart('full-disk'));
  assert.deepEqual(notified.get('host-key-changed'), inPart('host-key-changed'));
  assert.deepEqual(notified.get('cpu'), inPart('busy'));
  assert.deepEqual(notified.get('service'), inPart('failed-unit'));
  const unreachable = new Set(notified.get('unreachable'));
  for (const name of inPart('rack')) assert.ok(unreachable.has(name), name);
  const behind = named(fleet, ({ behindBastion }) => behindBastion).length;
  const mails = fleet.query('SELECT content FROM mails').map(({ content }) => String(content).replaceAll('=\r\n', ''));
  const said = `bastion bastion-1: ${behind} of ${behind} behind it unreachable`;
  assert.ok(mails.join('\n').includes(said), mails.join('\n'));
}

test('a storm is notified of, by one alert for each cause, and so is its end', { skip: skipUnlessWide }, async (t) => {
  const fleet = await startSimulatedFleet(t, { clients: 80, profile: 'storm', seed: 2 });
  const { storm, afterwards } = timesOf(fleet.plan);
  const calm = await fleet.collect();
  assert.equal(calm.status, 0);
  assert.equal(calm.reports.stored, 240);
  assert.equal(await fleet.alert(), 0);
  assert.deepEqual([...firing(fleet)], []);

  await fleet.setTime(storm);
  const during = await fleet.collect();
  // Rows within ten seconds count as one.
  const apart = sleep(10_500);
  const found = codesOf(during);
  for (const { name, storm: part } of fleet.clients) {
    if (part !== 'flaky') assert.equal(found.get(name), stormCodes[part ?? ''] ?? null, name);
  }
  await fleet.alert();
  await apart;
  await fleet.collect();
  await fleet.alert();
  assertNotified(fleet);

  await fleet.setTime(afterwards);
  // A client without an answer gets shorter deadlines. Its first good row ends nothing: recovery needs two, 10 s apart.
  for (let pass = 0; pass < 3; pass++) {
    const { quarantined } = await fleet.collect();
    const apart = sleep(pass === 2 ? 0 : 10_500);
    assert.deepEqual(quarantined, []);
    await fleet.alert();
    await apart;
  }
  assert.deepEqual([...firing(fleet)], []);
  const { sent, resent } = fleet.simulator.counts();
  assert.ok(resent > 0 && resent < sent, 'what broke off came home');
});
