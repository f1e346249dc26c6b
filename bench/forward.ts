import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { openSqlite } from '../src/platform/sqlite.ts';
import { siteId } from '../src/state-folder/collector-id.ts';
import { freePort } from '../test/support/servers/free-port.ts';
import { program, run, watchRun, type WatchedRun } from './children.ts';
import { forInformation, measured, type BenchOptions, type BenchResult } from './figure.ts';
import { startServer } from './push.ts';
import { startSimulated } from './simulated.ts';

const rowsOf = (clients: number) => {
  const name = `forward-${clients}`;
  const what = `a site of ${clients.toLocaleString('en')} simulated clients forwards`;
  return {
    site: forInformation(name, `${what}: its run, until all is acknowledged`, 's'),
    siteMemory: forInformation(`${name}-memory`, 'the same: resident memory of that run', 'MB'),
    serveCpu: forInformation(`${name}-serve-cpu`, 'CPU of the `serve` that takes it', 's'),
    serveMemory: forInformation(`${name}-serve-memory`, 'the same: resident memory', 'MB'),
    store: forInformation(`${name}-store`, 'the run that stores it', 's'),
    storeMemory: forInformation(`${name}-store-memory`, 'the same: resident memory', 'MB'),
  } as const;
};

/**
 * Measures a cycle of a site without a database, and of the collector with one, all beside the simulator. The first
 * cycle, which makes folders and takes inventories, is not measured.
 */
export async function benchForward({ quick, say }: BenchOptions): Promise<BenchResult> {
  const clients = quick ? 5 : 50_000;
  const rows = rowsOf(clients);
  const fleet = await startSimulated({ clients, profile: 'clean' });
  try {
    const hq = path.join(fleet.dir, 'hq');
    await makeBoth(fleet.dir, hq);
    const first = await startServer(hq);
    const begun = await collect(fleet.dir);
    await first.end();
    await collect(hq);
    say(`the first run of the site took ${begun.wallS.toFixed(1)} s, and all was sent`);
    const server = await startServer(hq);
    const site = await collect(fleet.dir);
    const serve = { cpuS: server.cpuSeconds(), megabytes: server.megabytes() };
    await server.end();
    const store = await collect(hq);
    requireAll(hq, clients);
    const figures = [
      measured(rows.site, [site.wallS]),
      measured(rows.siteMemory, [site.peakMegabytes]),
      measured(rows.serveCpu, [serve.cpuS]),
      measured(rows.serveMemory, [serve.megabytes]),
      measured(rows.store, [store.wallS]),
      measured(rows.storeMemory, [store.peakMegabytes]),
    ];
    return { figures, series: [] };
  } finally {
    await fleet.close();
  }
}

/** Turns the simulated fleet into a site that forwards to the collector of another folder. */
async function makeBoth(siteDir: string, hqDir: string): Promise<void> {
  const port = await freePort();
  const clients = readFileSync(path.join(siteDir, 'clients.xml'), 'utf8');
  const names = Array.from(clients.matchAll(/<client name="([^"]+)"/g), ([, name = '']) => name);
  mkdirSync(hqDir, { mode: 0o700 });
  writeFileSync(
    path.join(hqDir, 'config.xml'),
    `<config><serve port="${port}" host="127.0.0.1"><push/></serve><collector every="2h"/>
     <alerts><mail to="you@example.org"/></alerts>
     <group transport="forward" labels="site=bench">${names.map((name) => `<client name="${name}"/>`).join('\n')}</group>
     </config>`,
    { mode: 0o600 },
  );
  const key = path.join(siteDir, 'site.json');
  run(process.execPath, [program, '-c', path.join(hqDir, 'config.xml'), 'enroll', 'bench', '--site', '-o', key]);
  writeFileSync(
    path.join(siteDir, 'config.xml'),
    `<config><collector every="2h" open="no"><forward url="http://127.0.0.1:${port}/v1/visit" key="site.json"/></collector>
     <ssh username="simulated" privateKey="login_key" knownHosts="known_hosts"/><include file="clients.xml"/></config>`,
    { mode: 0o600 },
  );
}

const collect = (dir: string): Promise<WatchedRun> =>
  watchRun([program, '-c', path.join(dir, 'config.xml'), '-q', 'collect'], [0, 1]);

/** Throws if a visit of the two cycles has failed, or if one of their reports is missing. */
function requireAll(hqDir: string, clients: number): void {
  const database = openSqlite(path.join(hqDir, 'state', 'fleet.db'), { readOnly: true });
  try {
    const one = (sql: string): number => Number(Object.values(database.prepare(sql).all()[0] ?? {})[0]);
    const visited = one(`SELECT SUM(succeeded) FROM runs WHERE collector_id = '${siteId('bench')}'`);
    const stored = one('SELECT COUNT(*) FROM stats');
    if (visited !== 2 * clients || stored < 2 * clients)
      throw new Error(`${visited} visits and ${stored} reports of ${2 * clients}`);
  } finally {
    database.close();
  }
}
