import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { openSqlite } from '../src/platform/sqlite.ts';
import { minuteMs } from '../src/platform/units.ts';
import { packageDir } from '../src/state-folder/paths.ts';
import { account } from '../test/support/fleets/ssh-fleet.ts';
import { startDeafListener } from '../test/support/servers/deaf-listener.ts';
import type { PeerAddress } from '../test/support/ssh/flooding-peers.ts';
import { inTemporaryFolder } from './children.ts';
import { collectPass } from './collect-pass.ts';
import { atMost, inRounds, measured, ratioAtMost, type BenchOptions, type BenchResult, type Row } from './figure.ts';

const what = 'a run of 1,000 clients with 20 lost that others look at : neighbours off';
const off = 'neighbours="no"';
const cpu: Row = {
  ...{ name: 'neighbours-cpu', what: `CPU of ${what}`, unit: 'ms', peer: off, target: ratioAtMost(1.05) },
};
const wall: Row = { name: 'neighbours-wall', what: `time of ${what}`, unit: 'ms', peer: off, target: null };
const more: Row = {
  ...{ name: 'neighbours-longer', what: `how much longer is ${what}`, unit: 'ms', peer: null, target: atMost(10_000) },
};

/** Measures runs in which clients are lost, with and without looks at them. The lost ones never answer. */
export function benchNeighbours({ quick }: BenchOptions): Promise<BenchResult> {
  const [all, lost] = quick ? [30, 3] : [1000, 20];
  return inTemporaryFolder(async (dir) => {
    const deaf = await startDeafListener('0.0.0.0');
    const args = ['--import', 'tsx', path.join(packageDir, 'bench', 'look-peer.ts')];
    const child = spawn(process.execPath, args, { cwd: packageDir, stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(minuteMs) })) as [Buffer];
      const good = JSON.parse(line.toString()) as PeerAddress;
      const runWith = async (neighbours: 'yes' | 'no'): Promise<Measured> => {
        const home = path.join(dir, neighbours);
        writeFleet(home, { all, lost, good, deafPort: deaf.port, neighbours });
        await collectPass(home, all);
        const cpuMs: number[] = [];
        const pass = async (): Promise<number> => {
          const state = path.join(home, 'state', 'fleet.db');
          inDatabase(state, "UPDATE clients SET consecutive_failures = 0 WHERE name LIKE 'lost%'");
          const cost = await collectPass(home, all);
          if (cost.failed !== lost) throw new Error(`${cost.failed} visits failed`);
          cpuMs.push(cost.cpuMs);
          return cost.wallMs;
        };
        return { pass, cpuMs };
      };
      const [on, without] = [await runWith('yes'), await runWith('no')];
      const walls = await inRounds(quick ? 1 : 7, { on: on.pass, without: without.pass });
      const state = path.join(dir, 'yes', 'state', 'fleet.db');
      const looks = inDatabase(state, "SELECT 1 FROM visits WHERE beside LIKE '%no answer%'");
      if (looks.length === 0) throw new Error('nobody has looked');
      const longerMs = walls.on.map((ms, at) => ms - (walls.without[at] ?? 0));
      const figures = [
        measured(cpu, on.cpuMs, without.cpuMs),
        measured(wall, walls.on, walls.without),
        measured(more, longerMs),
      ];
      return { figures, series: [] };
    } finally {
      child.kill();
      deaf.stop();
    }
  });
}

interface Measured {
  /** Makes a run in which the clients are lost anew. Returns its time. */
  readonly pass: () => Promise<number>;
  /** The CPU of each run. */
  readonly cpuMs: readonly number[];
}

function inDatabase(file: string, sql: string): readonly unknown[] {
  const database = openSqlite(file);
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

interface FleetOptions {
  readonly all: number;
  readonly lost: number;
  readonly good: PeerAddress;
  readonly deafPort: number;
  readonly neighbours: 'yes' | 'no';
}

/** Writes a fleet in subnets of 250, all at addresses of loopback. */
function writeFleet(home: string, { all, lost, good, deafPort, neighbours }: FleetOptions): void {
  mkdirSync(home);
  const addresses = Array.from({ length: all }, (_, at) => `127.9.${Math.floor(at / 250)}.${(at % 250) + 1}`);
  writeFileSync(path.join(home, 'known_hosts'), addresses.map((one) => `[${one}]:${good.port} ${good.key}\n`).join(''));
  const clients = addresses.map((address, at) =>
    at < lost
      ? `<client name="lost-${at}" ip="${address}" port="${deafPort}"/>`
      : `<client name="good-${at}" ip="${address}" port="${good.port}"/>`,
  );
  writeFileSync(
    path.join(home, 'config.xml'),
    `<config>
  <state dir="state"/>
  <collector every="20m" concurrency="64" perSubnet="64" changes="no" neighbours="${neighbours}"/>
  <alerts><alert name="unreachable" for="1x"/></alerts>
  <ssh username="${account.username}" password="${account.password}" knownHosts="known_hosts"/>
${clients.join('\n')}
</config>
`,
    { mode: 0o600 },
  );
}
