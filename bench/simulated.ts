import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { ProfileName } from '../src/simulator/profile.ts';
import { program } from './children.ts';
import { collectPass, type PassCost } from './collect-pass.ts';

/** The built simulator in a process of its own, and the built collector for its fleet. */
export interface SimulatedBench {
  /** The folder with config.xml. */
  readonly dir: string;
  /** Runs a pass with the settings of config.xml: host keys are checked, every report is fsynced and stored. */
  collect(args?: readonly string[]): Promise<PassCost>;
  /** Ends the simulator. Returns its CPU time for each visit, in ms. */
  close(): Promise<number>;
}

export interface SimulatedOptions {
  readonly clients: number;
  readonly profile: ProfileName;
}

/** The interval is so long that no deadline ends a pass: the duration is measured. */
const every = '2h';
const startMs = 120_000;

export async function startSimulated({ clients, profile }: SimulatedOptions): Promise<SimulatedBench> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-bench-'));
  const args = ['simulate', '--dir', dir, '--clients', String(clients), '--profile', profile, '--seed', '1'];
  const child = spawn(process.execPath, [program, ...args, '--every', every], { stdio: ['ignore', 'pipe', 'inherit'] });
  await waitForOutput(child, 'Ctrl-C');
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => (rest += String(chunk)));
  return {
    dir,
    collect: (more = []) => collectPass(dir, clients, more),
    close: async () => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
      rmSync(dir, { recursive: true, force: true });
      return Number(/([\d.]+) ms of CPU for each visit/.exec(rest)?.[1] ?? Number.NaN);
    },
  };
}

async function waitForOutput(child: ChildProcess, text: string): Promise<void> {
  let heard = '';
  const signal = AbortSignal.timeout(startMs);
  while (!heard.includes(text)) {
    const [chunk] = (await once(child.stdout ?? child, 'data', { signal })) as [Buffer];
    heard += String(chunk);
  }
}
