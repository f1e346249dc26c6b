/**
 * The visits of bench/agent.ts by what they request, in a PID namespace. The only argument is an AgentAskedInput as
 * JSON. Prints AgentAskedCosts.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { loadConfig } from '../src/config/load-config.ts';
import { packageDir } from '../src/state-folder/paths.ts';
import { clientEnv, crowd, installAgent, runShell, type Agent, type Asked } from './agent-starts.ts';
import { costOf, inTemporaryFolder, type Cost } from './children.ts';
import { startRealFleet, type RealFleet } from './real-fleet.ts';

export interface AgentAskedInput {
  readonly processes: number;
  readonly rounds: number;
  readonly startsPerRound: number;
  /** True to measure `ssh host true` too, which needs sshd. */
  readonly logsIn: boolean;
}

/**
 * The requests. `nothing`: `defaults="no"`; `defaults`: a client without rules of its own; `everything`: the requests
 * of a demanding user.
 */
const asks = ['nothing', 'defaults', 'everything'] as const;
const agents: readonly Agent[] = ['node', 'shell'];

export type AskedKind = 'bare' | 'login' | `${Agent}-${(typeof asks)[number]}`;

export interface AskedCosts {
  readonly cpuMs: number[];
  readonly wallMs: number[];
}

export type AgentAskedCosts = Readonly<Record<AskedKind, AskedCosts>>;

const client = '<client name="bench" ip="192.0.2.1"/>';
const configs: Readonly<Record<(typeof asks)[number], string>> = {
  nothing: `<alerts defaults="no"/>${client}`,
  defaults: client,
  everything: `<alerts logs="yes"><mail to="you@example.org"/>
    <alert type="service" unit="ssh,cron" state="active"/>
    <alert type="process" match="sleep" min="1"/>
    <alert type="mount" mount="/"/>
    <alert type="log" match="Out of memory|oom-kill|I/O error" limit="1"/>
    <alert type="log" match="^Failed password" priority="info" limit="20"/>
  </alerts>
  <check name="first" command="echo 'OK | load=1'"/>
  <check name="second" command="echo 'OK | load=2'"/>${client}`,
};

/**
 * Writes the lines of a machine's own conf file: two checks, certificates, textfiles, GPUs, and a container that must
 * run.
 */
function writeConf(home: string): void {
  const folder = path.join(home, '.config/fleet-health/checks.d');
  const testdata = path.join(packageDir, 'test/testdata');
  const textfiles = path.join(home, 'textfiles');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(path.join(testdata, 'textfiles'), textfiles, { recursive: true });
  const smi = path.join(home, 'nvidia-smi');
  writeFileSync(smi, "#!/bin/sh\necho 'NVIDIA A100-SXM4-40GB, 34, 0, 0, 40960'\n", { mode: 0o700 });
  const lines = [
    "third echo 'OK | load=3'",
    "fourth echo 'OK | load=4'",
    'certificate ca file=/etc/ssl/certs/ca-certificates.crt',
    `textfile ${textfiles} stale=30d`,
    `gpu expected=1 program=${smi}`,
    'container web',
  ];
  writeFileSync(path.join(folder, 'bench.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Returns the request that the collector would make for a client of this config.xml. */
function askedBy(config: string, dir: string): Asked {
  const file = path.join(dir, 'config.xml');
  writeFileSync(file, `<config>${config}</config>`, { mode: 0o600 });
  const [first] = loadConfig({ file, nowMs: 0 }).clients;
  if (first === undefined) throw new Error('no client');
  const checks = first.checks.map(({ requested }) => requested);
  return { options: first.probeOptions, ...(checks.length > 0 ? { checks } : {}) };
}

async function measureAsked(input: AgentAskedInput, dir: string): Promise<AgentAskedCosts> {
  const started = (command: string, env: Record<string, string>, after = (): void => undefined): Cost =>
    costOf(() => {
      runShell(command, env);
      after();
    }, input.startsPerRound);
  const bare = `exec '${process.execPath}' -e 0`;
  const kinds: { readonly name: AskedKind; readonly cost: () => Cost }[] = [
    { name: 'bare', cost: () => started(bare, clientEnv(dir)) },
  ];
  const fleet = input.logsIn ? await startRealFleet(dir, 1) : null;
  if (fleet !== null) kinds.push({ name: 'login', cost: () => loginCost(fleet, input.startsPerRound) });
  for (const agent of agents) {
    for (const ask of asks) {
      const name = `${agent}-${ask}` as const;
      const home = path.join(dir, name);
      mkdirSync(home, { mode: 0o700 });
      if (ask === 'everything') writeConf(home);
      const { visit, restore } = await installAgent(agent, home, askedBy(configs[ask], home));
      kinds.push({ name, cost: () => started(visit, clientEnv(home), restore) });
    }
  }
  const costs = Object.fromEntries(
    kinds.map(({ name }) => [name, { cpuMs: [], wallMs: [] } satisfies AskedCosts]),
  ) as unknown as AgentAskedCosts;
  for (let round = 0; round < input.rounds; round += 1) {
    for (const { name, cost } of kinds) {
      const { cpuMs, wallMs } = cost();
      costs[name].cpuMs.push(cpuMs);
      costs[name].wallMs.push(wallMs);
    }
  }
  await fleet?.stop();
  return costs;
}

/** Returns the mean cost of `ssh host true`: the CPU of the client's sshd, and the time at the caller. */
function loginCost(fleet: RealFleet, logins: number): Cost {
  const beforeMs = fleet.sshdCpuMs();
  const { wallMs } = costOf(() => fleet.sshTrue(), logins);
  return { cpuMs: (fleet.sshdCpuMs() - beforeMs) / logins, wallMs };
}

const input = JSON.parse(process.argv[2] ?? '') as AgentAskedInput;
await inTemporaryFolder(async (dir) => {
  const sleepers = await crowd(input.processes);
  try {
    process.stdout.write(JSON.stringify(await measureAsked(input, dir)));
  } finally {
    for (const sleeper of sleepers) sleeper.kill();
  }
});
