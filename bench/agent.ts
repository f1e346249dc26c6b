/** What one start of the agent costs a client, as a multiple of `node -e 0`. */
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { readBundles } from '../src/collector/agent-bundles.ts';
import type { Bundle, Bundles } from '../src/collector/agent-session.ts';
import { encodeRequest } from '../src/report/agent-request.ts';
import { generateKeyPair } from '../src/seal/key-pair.ts';
import { bringCommand } from '../src/transport/bring-agent.ts';
import { runCommand } from '../src/transport/loader.ts';

const rounds = 15;
/** /proc counts in hundredths of a second: enough starts in a row make that fine. */
const startsPerRound = 10;
const millisecondsPerTick = 10;

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** Prints CPU and wall time of a whole visit on the client: loader, timeout, node, probes, seal, fsync, frames. */
export async function benchAgent(): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), 'fleet-health-bench-'));
  try {
    const env = { HOME: home, PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
    const bundles = readBundles();
    const collectorId = randomUUID();
    runShell(commandFor(bundles, collectorId, bundles.agent), env, bundles.agent.packed());
    // Averages need a moment since the previous visit, or the agent makes that moment itself.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const visit = commandFor(bundles, collectorId, null);
    const restore = rememberState(home);
    const kinds = {
      'node -e 0': () => runShell(`exec '${process.execPath}' -e 0`, env),
      agent: () => {
        runShell(visit, env);
        restore();
      },
    };
    const costs: Record<keyof typeof kinds, Cost[]> = { 'node -e 0': [], agent: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, start] of Object.entries(kinds)) costs[name as keyof typeof kinds].push(measure(start));
    }
    const plain = medianOf(costs['node -e 0']);
    const agent = medianOf(costs.agent);
    console.log(`agent.cjs: ${bundles.agent.content.length} bytes, ${bundles.agent.packed().length} on the wire`);
    console.log(`node -e 0: ${plain.cpuMs.toFixed(1)} ms CPU, ${plain.wallMs.toFixed(0)} ms`);
    console.log(`agent, in place: ${agent.cpuMs.toFixed(1)} ms CPU, ${agent.wallMs.toFixed(0)} ms`);
    console.log(`ratio of CPU: ${(agent.cpuMs / plain.cpuMs).toFixed(2)} (must stay below 2)`);
  } finally {
    rmSync(home, { recursive: true });
  }
}

function commandFor(bundles: Bundles, collectorId: string, brought: Bundle | null): string {
  const marker = randomBytes(16).toString('base64url');
  const request = encodeRequest({
    v: 1,
    kind: 'visit',
    run: randomUUID(),
    client: 'bench',
    collector: collectorId,
    marker,
    key: Buffer.from(generateKeyPair().publicKey).toString('base64url'),
    options: {},
    deadlineMs: 9500,
    maxFrames: 100,
    maxBytes: 8 * 1024 * 1024,
  });
  const start = { client: 'bench', marker, killAfterSeconds: 11, node: process.execPath, request };
  const [agentDigest, inventoryDigest] = [bundles.agent.digest, bundles.inventory.digest];
  return brought === null
    ? runCommand({ ...start, kind: 'visit', agentDigest, inventoryDigest, collectorId, shell: null })
    : bringCommand({
        ...start,
        lengthBytes: brought.packed().length,
        digest: agentDigest,
        otherDigest: inventoryDigest,
        collectorId,
      });
}

function runShell(command: string, env: Record<string, string>, input: Uint8Array = new Uint8Array(0)): void {
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { env, input });
  if (status !== 0) throw new Error(`status ${String(status)}: ${stderr.toString()}`);
}

/**
 * Puts the folder back as it was after the first visit: nothing is acknowledged here, and a spool that grows would be
 * sent at every start; counters of a moment ago would make the agent sample anew.
 */
function rememberState(home: string): () => void {
  const files = (): string[] =>
    readdirSync(home, { recursive: true, encoding: 'utf8' }).map((name) => path.join(home, name));
  const isKept = (file: string): boolean => file.endsWith('counters.json');
  const kept = files()
    .filter(isKept)
    .map((file) => [file, readFileSync(file)] as const);
  const restore = (): void => {
    for (const [file, content] of kept) writeFileSync(file, content);
    for (const file of files()) if (file.endsWith('.fhs')) rmSync(file);
  };
  restore();
  return restore;
}

function measure(start: () => void): Cost {
  const before = { cpuMs: childrenCpuMs(), wallMs: performance.now() };
  for (let n = 0; n < startsPerRound; n += 1) start();
  return {
    cpuMs: (childrenCpuMs() - before.cpuMs) / startsPerRound,
    wallMs: (performance.now() - before.wallMs) / startsPerRound,
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
