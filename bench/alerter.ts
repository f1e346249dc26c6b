import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { sqliteConfig } from '../test/storage/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/mariadb.ts';
import { fill } from './alert-store.ts';
import { residentMegabytes } from './resident.ts';

const program = path.join(import.meta.dirname, '../dist/fleet-health.cjs');
const targets = { backlogSeconds: 30, backlogMegabytes: 200, idleRatio: 4 };
const rounds = 20;

/** One pass over a backlog of a million rows, on both databases, and one with nothing to do, as cron starts them. */
export async function benchAlerter(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-bench-'));
  try {
    const sqlite = sqliteConfig(path.join(dir, 'fleet.db'));
    const file = await prepare(path.join(dir, 'sqlite'), sqlite, `url="sqlite:${dir}/fleet.db"`);
    await benchBacklog('SQLite', file);
    benchIdle(file);
    if (skipWithoutMariadb !== false) {
      console.log(`MariaDB: ${skipWithoutMariadb}`);
      return;
    }
    const mariadb = await startMariadb();
    try {
      const { storage, url, password } = await mariadb.createDatabase();
      const said = `url="${url}" password="${password}"`;
      await benchBacklog('MariaDB', await prepare(path.join(dir, 'mariadb'), storage, said));
    } finally {
      await mariadb.stop();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A database with the backlog in it, and the config.xml of a thousand clients that goes with it, in a folder of its own. */
async function prepare(dir: string, storage: StorageConfig, said: string): Promise<string> {
  mkdirSync(dir);
  const file = path.join(dir, 'config.xml');
  writeFileSync(
    file,
    `<config><storage ${said}/><collector every="1m"/>
      <alerts><mail to="ops@example.org"/></alerts>
      <client name="web-[0-999]" ip="web-[0-999].example.org" username="u"/></config>`,
    { mode: 0o600 },
  );
  await (await openStorage({ storage, migrate: true, program: 'collect' })).close();
  await fill(storage);
  return file;
}

async function benchBacklog(name: string, file: string): Promise<void> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, '-c', file, '--json', 'alert'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  // Of a child that has ended the kernel tells nobody any more: asked for as it goes.
  let mostMegabytes = 0;
  const timer = setInterval(() => {
    mostMegabytes = Math.max(mostMegabytes, residentMegabytes(child.pid));
  }, 100);
  await once(child, 'close');
  clearInterval(timer);
  const seconds = (performance.now() - startedAt) / 1000;
  const { reports } = JSON.parse(said) as { readonly reports: number };
  console.log(
    `${name}, ${reports} rows in one pass: ${seconds.toFixed(1)} s${off(seconds, targets.backlogSeconds)}, ` +
      `${mostMegabytes.toFixed(0)} MB resident${off(mostMegabytes, targets.backlogMegabytes)}`,
  );
}

function benchIdle(file: string): void {
  const bare = spentBy(['-e', '0']);
  const idle = spentBy([program, '-q', '-c', file, 'alert']);
  const [wallRatio, cpuRatio] = [idle.wallMs / bare.wallMs, idle.cpuMs / bare.cpuMs];
  console.log(
    `nothing to do: ${idle.wallMs.toFixed(0)} ms, ${idle.cpuMs.toFixed(0)} ms of it CPU; a bare node: ` +
      `${bare.wallMs.toFixed(0)} ms, ${bare.cpuMs.toFixed(0)} ms CPU; ${wallRatio.toFixed(1)} times as long` +
      `${off(wallRatio, targets.idleRatio)}, ${cpuRatio.toFixed(1)} times the CPU${off(cpuRatio, targets.idleRatio)}`,
  );
}

interface Spent {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Of one start among many in a row: the shell counts in hundredths of a second. */
function spentBy(args: readonly string[]): Spent {
  const quoted = [process.execPath, ...args].map((word) => `'${word}'`).join(' ');
  const script = `i=0; while [ $i -lt ${rounds} ]; do ${quoted} >/dev/null || exit; i=$((i + 1)); done; times`;
  const startedAt = performance.now();
  const { stdout, status } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  const wallMs = (performance.now() - startedAt) / rounds;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status ?? 'a signal'}`);
  const children = stdout.trim().split('\n').at(-1) ?? '';
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return { wallMs, cpuMs: (times.reduce((sum, seconds) => sum + seconds, 0) * 1000) / rounds };
}

function off(figure: number, target: number): string {
  return figure > target ? ` (over ${target})` : '';
}
