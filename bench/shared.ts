import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { username } from '../src/simulator/fleet-folder.ts';
import { skipWithoutMariadb, startMariadb, type MariadbDatabase } from '../test/support/databases/mariadb.ts';
import { program, run } from './children.ts';
import { measured, notMeasured, ratioAtLeast, type BenchOptions, type BenchResult, type Row } from './figure.ts';
import { startSimulated } from './simulated.ts';

const row = (count: number, name: string, least: number): Row => ({
  name: `shared-${count}`,
  what: `${name} collectors that share clients with agents of 2 to 6 s, 25 visits at a time each`,
  unit: 'per s',
  peer: 'one such collector',
  target: ratioAtLeast(least),
});
const rows = { two: row(2, 'two', 1.8), three: row(3, 'three', 2.7) };

interface Collector {
  readonly file: string;
  readonly id: string;
  readonly keyId: string;
}

/**
 * Measures cycles of one, two and three collectors of a site. The collectors wait for clients, and seldom for the
 * processors.
 */
export async function benchShared({ quick, say }: BenchOptions): Promise<BenchResult> {
  if (skipWithoutMariadb !== false) {
    const why = skipWithoutMariadb;
    return { figures: Object.values(rows).map((one) => notMeasured(one, why)), series: [] };
  }
  const clients = quick ? 9 : 3000;
  const rates: Readonly<Record<number, number[]>> = { 1: [], 2: [], 3: [] };
  const fleet = await startSimulated({ clients, profile: 'slow' });
  const mariadb = await startMariadb();
  try {
    for (let round = 0; round < (quick ? 1 : 2); round += 1) {
      const database = await mariadb.createDatabase();
      const collectors = makeCollectors(fleet.dir, database);
      run(process.execPath, [program, '-c', collectors[0]?.file ?? '', 'migrate']);
      const known = collectors.map(({ id, keyId }) => `('${id}', 'bench', 'bench', '${keyId}', 2, UTC_TIMESTAMP(3))`);
      const columns = 'id, site, host, key_id, capacity, seen_at';
      await mariadb.asRoot(`USE ${database.name}`, `INSERT INTO collectors (${columns}) VALUES ${known.join(', ')}`);
      // The first cycle makes folders and inventories.
      await cycleOf(collectors, clients);
      for (const count of [3, 2, 1]) {
        const ids = collectors.slice(0, count).map(({ id }) => `'${id}'`);
        await mariadb.asRoot(
          `USE ${database.name}`,
          `DELETE FROM collectors WHERE id NOT IN (${ids.join(', ')})`,
          'UPDATE cycles SET began_at = began_at - INTERVAL 1 DAY',
        );
        const seconds = await cycleOf(collectors.slice(0, count), clients);
        rates[count]?.push(clients / seconds);
        say(`${count}: ${clients} clients in ${seconds.toFixed(1)} s`);
      }
    }
  } finally {
    await mariadb.stop();
    await fleet.close();
  }
  const [one = [], two = [], three = []] = [rates[1], rates[2], rates[3]];
  return { figures: [measured(rows.two, two, one), measured(rows.three, three, one)], series: [] };
}

/** Makes three collectors of a site with random ids. */
function makeCollectors(fleetDir: string, { url, password }: MariadbDatabase): readonly Collector[] {
  const dir = mkdtempSync(path.join(fleetDir, 'shared-'));
  const collectors: Collector[] = [];
  let keyId = '';
  for (const index of [0, 1, 2]) {
    const folder = path.join(dir, `state-${index}`);
    mkdirSync(folder, { mode: 0o700 });
    const file = path.join(dir, `collector-${index}.xml`);
    const text = `<config>
      <state dir="${folder}"/>
      <storage url="${url}" password="${password}"/>
      <collector every="1h" concurrency="25" share="yes" site="bench"/>
      <ssh username="${username}" privateKey="../login_key" knownHosts="../known_hosts"/>
      <alerts defaults="no"/>
      <include file="../clients.xml"/>
    </config>`;
    writeFileSync(file, text, { mode: 0o600 });
    const [first] = collectors;
    if (first === undefined) keyId = madeKey(file);
    else {
      for (const keys of ['keys', 'public_keys'])
        cpSync(path.join(dir, 'state-0', keys), path.join(folder, keys), { recursive: true });
    }
    const id = randomUUID();
    writeFileSync(path.join(folder, 'collector-id'), `${id}\n`);
    collectors.push({ file, id, keyId });
  }
  return collectors;
}

function madeKey(file: string): string {
  const made = run(process.execPath, [program, '-c', file, 'keys', 'generate', '--json']);
  return (JSON.parse(made) as { readonly generate: { readonly id: string } }).generate.id;
}

/** Lets the collectors visit all clients between them. Returns the seconds until the last collector has ended. */
async function cycleOf(collectors: readonly Collector[], clients: number): Promise<number> {
  const startedAt = performance.now();
  const visited = await Promise.all(collectors.map(collectOnce));
  const seconds = (performance.now() - startedAt) / 1000;
  const all = visited.reduce((sum, count) => sum + count, 0);
  if (all !== clients) throw new Error(`${visited.join(' + ')} of ${clients} clients were visited well`);
  return seconds;
}

/** Runs `collect`. Returns the number of successful visits. */
async function collectOnce({ file }: Collector): Promise<number> {
  const child = spawn(process.execPath, [program, '-c', file, 'collect', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += String(chunk)));
  await once(child, 'close');
  return (JSON.parse(text) as { readonly succeeded: number }).succeeded;
}
