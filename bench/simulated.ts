import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startDelayMs } from '../src/collector/start-delay.ts';
import { packageDir } from '../src/paths.ts';
import type { ProfileName } from '../src/simulator/profile.ts';
import { openSqlite } from '../src/sqlite.ts';

/** The built simulator as a process of its own, and the built collector at work on its fleet. */
export interface SimulatedBench {
  /** One pass, with what config.xml says: known hosts checked, every report fsynced and stored. */
  collect(args?: readonly string[]): PassCost;
  /** Milliseconds of the simulator's CPU time for each visit. */
  close(): Promise<number>;
}

export interface PassCost {
  readonly succeeded: number;
  readonly failed: number;
  /** Of the whole process, its start included. */
  readonly cpuMs: number;
  /** Without the wait at the start, by which the collectors of a site are kept apart. */
  readonly wallMs: number;
  readonly megabytes: number;
}

export interface SimulatedOptions {
  readonly clients: number;
  readonly profile: ProfileName;
}

const program = path.join(packageDir, 'dist', 'fleet-health.cjs');
/** A pass must not be ended by its deadline: what is measured is how long it takes. */
const every = '2h';
const startMs = 120_000;

export async function startSimulated({ clients, profile }: SimulatedOptions): Promise<SimulatedBench> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-bench-'));
  const args = ['simulate', '--dir', dir, '--clients', String(clients), '--profile', profile, '--seed', '1'];
  const child = spawn(process.execPath, [program, ...args, '--every', every], { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(child, 'Ctrl-C');
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => (rest += String(chunk)));
  return {
    collect: (more = []) => collect(dir, clients, more),
    close: async () => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
      rmSync(dir, { recursive: true, force: true });
      return Number(/([\d.]+) ms of CPU for each visit/.exec(rest)?.[1] ?? Number.NaN);
    },
  };
}

function collect(dir: string, clients: number, more: readonly string[]): PassCost {
  const before = performance.now();
  const config = path.join(dir, 'config.xml');
  const { status, stderr } = spawnSync(process.execPath, [program, '-c', config, '-q', 'collect', ...more], {
    encoding: 'utf8',
  });
  const spentMs = performance.now() - before;
  if (status !== 0 && status !== 1) throw new Error(`collect ended with ${String(status)}: ${stderr.slice(-2000)}`);
  const collectorId = readFileSync(path.join(dir, 'state', 'collector-id'), 'utf8').trim();
  const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
  try {
    const last = 'SELECT succeeded, failed, cpu_ms, max_rss_bytes FROM runs ORDER BY started_at DESC LIMIT 1';
    const [run] = database.prepare(last).all();
    return {
      succeeded: Number(run?.['succeeded']),
      failed: Number(run?.['failed']),
      cpuMs: Number(run?.['cpu_ms']),
      wallMs: spentMs - startDelayMs(collectorId, clients),
      megabytes: Number(run?.['max_rss_bytes']) / 1e6,
    };
  } finally {
    database.close();
  }
}

async function said(child: ChildProcess, text: string): Promise<void> {
  let heard = '';
  const signal = AbortSignal.timeout(startMs);
  while (!heard.includes(text)) {
    const [chunk] = (await once(child.stdout ?? child, 'data', { signal })) as [Buffer];
    heard += String(chunk);
  }
}
