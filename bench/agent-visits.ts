/**
 * The visits of bench/agent.ts, in a PID namespace with the number of processes of a figure. The only argument is an
 * AgentVisitsInput as JSON. Prints AgentCosts.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { readBundles } from '../src/collector/agent/agent-bundles.ts';
import { encodeRequest } from '../src/report/agent-request.ts';
import { generateKeyPair } from '../src/seal/key-pair.ts';
import { runCommand, uploadCommand } from '../src/loader/loader.ts';
import { costOf, inTemporaryFolder } from './children.ts';
import type { Bundle, Bundles } from '../src/collector/agent/task.ts';

export interface AgentVisitsInput {
  readonly processes: number;
  readonly rounds: number;
  readonly startsPerRound: number;
  /** True to measure memory by GNU time, which must be installed. */
  readonly measuresMemory: boolean;
}

export interface KindCosts {
  readonly cpuMs: number[];
  readonly wallMs: number[];
  readonly peakMb: number[];
}

export interface AgentCosts {
  readonly agents: KindCosts;
  readonly bare: KindCosts;
}

/**
 * The pause before the visits: the agent's rates need an interval since the previous visit, or the agent waits for it.
 */
const beforeVisitsMs = 1000;

async function measureVisits(input: AgentVisitsInput, home: string): Promise<AgentCosts> {
  const env = { HOME: home, PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
  const bundles = readBundles();
  const collectorId = randomUUID();
  runShell(commandFor(bundles, collectorId, bundles.agent), env, bundles.agent.packed());
  const visit = commandFor(bundles, collectorId, null);
  runShell(visit, env);
  await sleep(beforeVisitsMs);
  const restore = rememberState(home);
  const costs: AgentCosts = {
    agents: { cpuMs: [], wallMs: [], peakMb: [] },
    bare: { cpuMs: [], wallMs: [], peakMb: [] },
  };
  const kinds = [
    { command: `exec '${process.execPath}' -e 0`, after: () => undefined, to: costs.bare },
    { command: visit, after: restore, to: costs.agents },
  ];
  for (let round = 0; round < input.rounds; round += 1) {
    for (const { command, after, to } of kinds) {
      const { cpuMs, wallMs } = costOf(() => {
        runShell(command, env);
        after();
      }, input.startsPerRound);
      to.cpuMs.push(cpuMs);
      to.wallMs.push(wallMs);
      if (input.measuresMemory) to.peakMb.push(peakMegabytes(command, env));
      after();
    }
  }
  return costs;
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
    : uploadCommand({
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

/** Returns the peak memory of the largest process that the command starts, in MB. */
function peakMegabytes(command: string, env: Record<string, string>): number {
  const { status, stderr } = spawnSync('time', ['-f', '%M', '/bin/sh', '-c', command], { env, input: '' });
  const kilobytes = Number(stderr.toString().trim().split('\n').at(-1));
  if (status !== 0 || !(kilobytes > 0)) throw new Error(`status ${String(status)}: ${stderr.toString()}`);
  return (kilobytes * 1024) / 1e6;
}

/**
 * Returns a function that restores the folder. Nothing is acknowledged here: a growing spool would be sent at every
 * start, and new counters would make the agent sample again.
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

/** Starts sleeping processes up to this number of processes in the namespace. */
async function crowd(processes: number): Promise<ChildProcess[]> {
  const there = (): number => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
  const wanted = Math.max(0, processes - there());
  const sleepers = Array.from({ length: wanted }, () => spawn('sleep', ['3600'], { stdio: 'ignore' }));
  while (there() < processes) await sleep(50);
  return sleepers;
}

const input = JSON.parse(process.argv[2] ?? '') as AgentVisitsInput;
await inTemporaryFolder(async (home) => {
  const sleepers = await crowd(input.processes);
  try {
    process.stdout.write(JSON.stringify(await measureVisits(input, home)));
  } finally {
    for (const sleeper of sleepers) sleeper.kill();
  }
});
