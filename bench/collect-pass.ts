import { readFileSync } from 'node:fs';
import path from 'node:path';

import { startDelayMs } from '../src/collector/collector.ts';
import { openSqlite } from '../src/platform/sqlite.ts';
import { childrenCpuMs, program, watchRun } from './children.ts';

export interface PassCost {
  readonly succeeded: number;
  readonly failed: number;
  /** The CPU time of the whole process, its start included. */
  readonly cpuMs: number;
  /** The time without the wait at the start, which spreads the collectors of a site. */
  readonly wallMs: number;
  /** The peak of resident memory. */
  readonly megabytes: number;
  readonly maxOpen: number;
}

/** Runs a pass of the built collector over the fleet of dir/config.xml, with its state in dir/state. */
export async function collectPass(dir: string, clients: number, more: readonly string[] = []): Promise<PassCost> {
  const config = path.join(dir, 'config.xml');
  const beforeMs = childrenCpuMs();
  const { wallS, peakMegabytes, maxOpen } = await watchRun([program, '-c', config, '-q', 'collect', ...more], [0, 1]);
  const cpuMs = childrenCpuMs() - beforeMs;
  const collectorId = readFileSync(path.join(dir, 'state', 'collector-id'), 'utf8').trim();
  const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
  try {
    const [run] = database.prepare('SELECT succeeded, failed FROM runs ORDER BY started_at DESC LIMIT 1').all();
    return {
      succeeded: Number(run?.['succeeded']),
      failed: Number(run?.['failed']),
      cpuMs,
      wallMs: wallS * 1000 - startDelayMs(collectorId, clients),
      megabytes: peakMegabytes,
      maxOpen,
    };
  } finally {
    database.close();
  }
}
