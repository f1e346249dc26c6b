/** What a visit costs over each transport, against `ssh host true` in the same run: CPU here, and time at 100 ms round trip. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Connection } from '../src/transport/transport.ts';
import { visit } from '../test/support/agent-visit.ts';
import { shellConnection } from '../test/support/shell-connection.ts';
import { sshKeygen, sshdMissing, startSshd } from '../test/support/sshd.ts';
import { connectBy, noChildLeft, type Way, type WayTarget } from '../test/support/ways.ts';

const rounds = 11;
const visitsPerRound = 5;
const delayMs = 50;
/** /proc counts in hundredths of a second. */
const millisecondsPerTick = 10;

/** Prints CPU time (this process and its children; sshd and the agent are not among them) and wall time, medians. */
export async function benchTransports(): Promise<void> {
  const missing = sshdMissing();
  if (missing !== null) {
    console.log(`skipped: ${missing}`);
    return;
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-bench-'));
  const sshd = await startSshd();
  const proxy = spawn(
    process.execPath,
    ['--import', 'tsx', path.join(import.meta.dirname, 'delay-proxy.ts'), String(sshd.port), String(delayMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const { privateKey, publicKey } = sshKeygen(path.join(dir, 'login'), '-t', 'ed25519');
    const { name: username } = await sshd.addAccount({ publicKey });
    const [printed] = (await once(proxy.stdout, 'data')) as [Buffer];
    const near: WayTarget = { port: sshd.port, dir, username, privateKey, knownHosts: [sshd.hostKeyLine()] };
    const port = Number(printed.toString());
    const far = { ...near, port, knownHosts: [sshd.hostKeyLine().replace(`:${sshd.port} `, `:${port} `)] };
    const home = mkdtempSync(path.join(dir, 'home-'));
    // The agent is brought here.
    for (const way of ['ssh2', 'openssh'] as const) await visitBy(way, near);
    await visitHere(home);
    await printCpu(near);
    await printWall(far, home);
  } finally {
    proxy.kill();
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function printCpu(near: WayTarget): Promise<void> {
  const cost = { ssh: [] as number[], ssh2: [] as number[], openssh: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    cost.ssh.push(await cpuOf(() => sshTrue(near)));
    cost.ssh2.push(await cpuOf(() => visitBy('ssh2', near)));
    cost.openssh.push(await cpuOf(() => visitBy('openssh', near)));
  }
  const plain = median(cost.ssh);
  console.log(`CPU of ssh host true: ${plain.toFixed(1)} ms`);
  for (const way of ['ssh2', 'openssh'] as const) {
    const own = median(cost[way]);
    console.log(`CPU of a visit over ${way}: ${own.toFixed(1)} ms, ratio ${(own / plain).toFixed(2)}`);
  }
}

async function printWall(far: WayTarget, home: string): Promise<void> {
  const took = { ssh: [] as number[], ssh2: [] as number[], openssh: [] as number[], agent: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    took.ssh.push(await wallOf(() => sshTrue(far)));
    took.ssh2.push(await wallOf(() => visitBy('ssh2', far)));
    took.openssh.push(await wallOf(() => visitBy('openssh', far)));
    took.agent.push(await wallOf(() => visitHere(home)));
  }
  const plain = median(took.ssh);
  const agent = median(took.agent);
  console.log(
    `at ${2 * delayMs} ms round trip: ssh host true ${plain.toFixed(0)} ms, the agent alone ${agent.toFixed(0)} ms`,
  );
  for (const way of ['ssh2', 'openssh'] as const) {
    const whole = median(took[way]);
    const limit = way === 'ssh2' ? ' (must stay at or below 0.90)' : '';
    const ratio = ((whole - agent) / plain).toFixed(2);
    console.log(`a visit over ${way}: ${whole.toFixed(0)} ms; without the agent's own, ratio ${ratio}${limit}`);
  }
}

async function visitBy(way: Way, target: WayTarget): Promise<void> {
  const connection = await connectBy(way, target);
  await oneVisit(connection);
}

/** The same without SSH: what the agent itself takes, its start and its loader included. */
async function visitHere(home: string): Promise<void> {
  await oneVisit(shellConnection({ env: { HOME: home, PATH: process.env['PATH'] ?? '' } }));
}

async function oneVisit(connection: Connection): Promise<void> {
  const { result } = await visit({ connection, waitForExit: false });
  if (result.fault !== null) throw result.fault;
  await connection.leave();
}

async function sshTrue({ dir, knownHosts, port, username, privateKey = '' }: WayTarget): Promise<void> {
  const file = path.join(dir, 'plain_known_hosts');
  writeFileSync(file, knownHosts.map((line) => `${line}\n`).join(''));
  const options = [`UserKnownHostsFile=${file}`, 'BatchMode=yes', 'IdentitiesOnly=yes'].flatMap((one) => ['-o', one]);
  const args = ['-F', 'none', ...options, '-i', privateKey, '-p', String(port), `${username}@127.0.0.1`, 'true'];
  const child = spawn('ssh', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`ssh ended with ${String(status)}`);
}

/** For each of several in a row, children that have ended included. */
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

/** CPU time of all children that were waited for: cutime and cstime of proc_pid_stat(5). */
function childrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * millisecondsPerTick;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
