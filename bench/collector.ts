/** What the collector costs for each client, as a part of what an OpenSSH client process costs for `ssh host true`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { packageDir } from '../src/paths.ts';
import { sshKeygen, sshdMissing, startSshd } from '../test/support/sshd.ts';
import type { Sshd, SshdAccount } from '../test/support/sshd.ts';

const clients = 200;
const passes = 3;
const sshRounds = 3;
const sshStartsPerRound = 20;
/** /proc counts in hundredths of a second. */
const millisecondsPerTick = 10;

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** Prints CPU time for each client of whole `collect` processes, start of Node included, over 200 clients of one sshd. */
export async function benchCollector(): Promise<void> {
  const missing = sshdMissing();
  if (missing !== null) {
    console.log(`skipped: ${missing}`);
    return;
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-bench-'));
  const sshd = await startSshd();
  try {
    const key = sshKeygen(path.join(dir, 'login'), '-t', 'ed25519').privateKey;
    const account = await sshd.addAccount({ publicKey: readFileSync(`${key}.pub`, 'utf8').trim() });
    const config = writeConfig(dir, sshd, account, key);
    const first = measure(() => collect(config));
    console.log(`first pass, brings the agent and takes inventories: ${(first.wallMs / 1000).toFixed(1)} s`);
    const pass = medianOf(Array.from({ length: passes }, () => measure(() => collect(config))));
    const plain = medianOf(
      Array.from({ length: sshRounds }, () => measure(() => sshTrue(dir, sshd, account, key), sshStartsPerRound)),
    );
    const perClient = pass.cpuMs / clients;
    console.log(`collect, ${clients} clients: ${pass.cpuMs} ms CPU, ${(pass.wallMs / 1000).toFixed(1)} s`);
    console.log(`for each client: ${perClient.toFixed(2)} ms CPU`);
    console.log(`ssh host true: ${plain.cpuMs.toFixed(1)} ms CPU`);
    console.log(`ratio of CPU: ${(perClient / plain.cpuMs).toFixed(3)} (must stay below 0.15)`);
  } finally {
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function writeConfig(dir: string, sshd: Sshd, account: SshdAccount, key: string): string {
  const numbers = Array.from({ length: clients }, (_, index) => index + 1);
  writeFileSync(
    path.join(dir, 'known_hosts'),
    numbers.map((number) => `${sshd.hostKeyLine(`127.0.0.${number}`)}\n`).join(''),
  );
  const config = path.join(dir, 'config.xml');
  writeFileSync(
    config,
    `<config>
  <state dir="state"/>
  <collector every="20m" concurrency="64" perSubnet="64" connectTimeout="30s" agentTimeout="60s" clientDeadline="90s"/>
  <ssh username="${account.name}" privateKey="${key}" knownHosts="known_hosts" node="${process.execPath}"/>
  <client name="bench-[1-${clients}]" ip="127.0.0.[1-${clients}]" port="${sshd.port}"/>
</config>
`,
    { mode: 0o600 },
  );
  return config;
}

function collect(config: string): void {
  run(process.execPath, [path.join(packageDir, 'dist/fleet-health.cjs'), '-c', config, '-q', 'collect']);
}

function sshTrue(dir: string, sshd: Sshd, account: SshdAccount, key: string): void {
  const options = [`UserKnownHostsFile=${path.join(dir, 'known_hosts')}`, 'BatchMode=yes', 'IdentitiesOnly=yes'];
  const flags = options.flatMap((option) => ['-o', option]);
  run('ssh', ['-F', 'none', ...flags, '-i', key, '-p', String(sshd.port), `${account.name}@127.0.0.1`, 'true']);
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${program} ended with ${String(status)}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
}

function measure(work: () => void, times = 1): Cost {
  const before = { cpuMs: childrenCpuMs(), wallMs: performance.now() };
  for (let time = 0; time < times; time++) work();
  return {
    cpuMs: (childrenCpuMs() - before.cpuMs) / times,
    wallMs: (performance.now() - before.wallMs) / times,
  };
}

/** CPU time of all children that were waited for: cutime and cstime of proc_pid_stat(5). */
function childrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * millisecondsPerTick;
}

function medianOf(costs: readonly Cost[]): Cost {
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return { cpuMs: median(costs.map(({ cpuMs }) => cpuMs)), wallMs: median(costs.map(({ wallMs }) => wallMs)) };
}
