import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { openingOf } from '../src/collector/agent/agent-stream.ts';
import type { Connection } from '../src/transport/transport.ts';
import { bundles, keyPair, visit } from '../test/support/clients/agent-visit.ts';
import { shellConnection } from '../test/support/clients/shell-connection.ts';
import { sshKeygen, sshdMissing, startSshd } from '../test/support/ssh/sshd.ts';
import { connectBy, noChildLeft, type TransportName, type LoginTarget } from '../test/support/ssh/both-transports.ts';
import { childrenCpuMs, inTemporaryFolder } from './children.ts';
import { inRounds, measured, notMeasured, ratioAtMost } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row } from './figure.ts';
import { type AgentTask } from '../src/collector/agent/task.ts';

const delayMs = 50;
const visitsPerRound = 5;
const sshTrueName = 'ssh host true';
const wallRow = (name: string, how: string, limit: number | null): Row => ({
  name,
  what: `visit at 100 ms round trip without the agent's time, ${how} : ssh host true`,
  unit: 'ms',
  peer: sshTrueName,
  target: limit === null ? null : ratioAtMost(limit),
});
const cpuRow = (name: string, how: string): Row => ({
  name,
  what: `CPU of a single visit ${how}, without a start of Node : ssh host true`,
  unit: 'ms',
  peer: sshTrueName,
  target: null,
});
const rows = {
  waiting: wallRow('round-trip', 'pipelining="no"', 0.85),
  ahead: wallRow('round-trip-pipelined', 'with pipelining', 0.5),
  openssh: wallRow('round-trip-openssh', 'transport="openssh"', null),
  ssh2Cpu: cpuRow('visit-cpu', 'over ssh2'),
  opensshCpu: cpuRow('visit-cpu-openssh', 'with transport="openssh"'),
} as const;

/** Measures single visits in sequence beside `ssh host true`: the time over a long distance, and the CPU time here. */
export async function benchTransports({ quick }: BenchOptions): Promise<BenchResult> {
  const missing = sshdMissing();
  if (missing !== null) return { figures: Object.values(rows).map((row) => notMeasured(row, missing)), series: [] };
  return inTemporaryFolder(async (dir) => {
    const sshd = await startSshd();
    const script = path.join(import.meta.dirname, 'delay-proxy.ts');
    const args = ['--import', 'tsx', script, String(sshd.port), String(delayMs)];
    const proxy = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const { privateKey, publicKey } = sshKeygen(path.join(dir, 'login'), '-t', 'ed25519');
      const { name: username } = await sshd.addAccount({ publicKey });
      const [printed] = (await once(proxy.stdout, 'data')) as [Buffer];
      const near: LoginTarget = { port: sshd.port, dir, username, privateKey, knownHosts: [sshd.hostKeyLine()] };
      const port = Number(printed.toString());
      const far = { ...near, port, knownHosts: [sshd.hostKeyLine().replace(`:${sshd.port} `, `:${port} `)] };
      const home = mkdtempSync(path.join(dir, 'home-'));
      // These visits upload the agent and are not measured.
      for (const transport of ['ssh2', 'openssh'] as const) await visitBy(transport, near);
      for (let time = 0; time < 2; time += 1) await visitHere(home);
      const cpu = await cpuFigures(near, quick ? 1 : 7);
      return { figures: [...(await wallFigures(far, home, quick ? 1 : 15)), ...cpu], series: [] };
    } finally {
      proxy.kill();
      await sshd.stop();
    }
  });
}

async function wallFigures(far: LoginTarget, home: string, rounds: number): Promise<readonly Figure[]> {
  const { ssh, agent, waiting, ahead, openssh } = await inRounds(rounds, {
    ssh: () => wallOf(() => sshTrue(far)),
    agent: () => wallOf(() => visitHere(home)),
    waiting: () => wallOf(() => visitBy('ssh2', far)),
    ahead: () => wallOf(() => visitAhead(far)),
    openssh: () => wallOf(() => visitBy('openssh', far)),
  });
  const withoutAgent = (took: readonly number[]): number[] =>
    took.map((ms, round) => ms - (agent[round] ?? Number.NaN));
  return [
    measured(rows.waiting, withoutAgent(waiting), ssh),
    measured(rows.ahead, withoutAgent(ahead), ssh),
    measured(rows.openssh, withoutAgent(openssh), ssh),
  ];
}

async function cpuFigures(near: LoginTarget, rounds: number): Promise<readonly Figure[]> {
  const { ssh, ssh2, openssh } = await inRounds(rounds, {
    ssh: () => cpuOf(() => sshTrue(near)),
    ssh2: () => cpuOf(() => visitAhead(near)),
    openssh: () => cpuOf(() => visitBy('openssh', near)),
  });
  return [measured(rows.ssh2Cpu, ssh2, ssh), measured(rows.opensshCpu, openssh, ssh)];
}

async function visitBy(transport: TransportName, target: LoginTarget): Promise<void> {
  await oneVisit(await connectBy(transport, target));
}

/** Makes a visit by the collector's default, which sends the command with the login. */
async function visitAhead(target: LoginTarget): Promise<void> {
  const task: AgentTask = {
    client: 'web-1',
    was: null,
    kind: 'visit',
    runId: randomUUID(),
    collectorId: 'c0ffee',
    publicKey: keyPair.publicKey,
    probeOptions: {},
    checks: [],
    bundles,
    node: process.execPath,
    unsealed: 'allow',
    agentTimeoutMs: 20_000,
  };
  const opening = openingOf(task);
  const connection = await connectBy('ssh2', target, { ahead: opening.command });
  const { result } = await visit({ ...task, connection, opening, waitForExit: false });
  if (result.fault !== null) throw result.fault;
  await connection.leave();
}

/** Makes a visit without SSH, for the cost of the agent itself, including its start and its loader. */
async function visitHere(home: string): Promise<void> {
  await oneVisit(shellConnection({ env: { HOME: home, PATH: process.env['PATH'] ?? '' } }));
}

async function oneVisit(connection: Connection): Promise<void> {
  const { result } = await visit({ connection, waitForExit: false });
  if (result.fault !== null) throw result.fault;
  await connection.leave();
}

async function sshTrue({ dir, knownHosts, port, username, privateKey = '' }: LoginTarget): Promise<void> {
  const file = path.join(dir, 'plain_known_hosts');
  writeFileSync(file, knownHosts.map((line) => `${line}\n`).join(''));
  const options = [`UserKnownHostsFile=${file}`, 'BatchMode=yes', 'IdentitiesOnly=yes'].flatMap((one) => ['-o', one]);
  const args = ['-F', 'none', ...options, '-i', privateKey ?? '', '-p', String(port), `${username}@127.0.0.1`, 'true'];
  const child = spawn('ssh', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`ssh ended with ${String(status)}`);
}

/**
 * Returns the mean CPU time of several runs, ended children included. sshd and the agent are no children of this
 * process.
 */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  await noChildLeft();
  const children = childrenCpuMs();
  const own = process.cpuUsage();
  for (let time = 0; time < visitsPerRound; time += 1) await work();
  const { user, system } = process.cpuUsage(own);
  await noChildLeft();
  return ((user + system) / 1000 + childrenCpuMs() - children) / visitsPerRound;
}

async function wallOf(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  const tookMs = performance.now() - startedMs;
  await noChildLeft();
  return tookMs;
}
