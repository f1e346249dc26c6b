import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import path from 'node:path';

import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { freePort } from '../test/support/free-port.ts';
import { inTemporaryFolder, program } from './children.ts';
import { atMost, measured, type BenchOptions, type BenchResult, type Figure, type Row } from './figure.ts';
import { makeRows } from './made-rows.ts';

const row = (name: string, what: string, unit: Row['unit'], most: number): Row => ({
  name,
  what,
  unit,
  peer: null,
  target: atMost(most),
});
const size = row('serve-first-screen', 'the first screen of 10,000 clients, compressed', 'KB', 300);
const cpu = row('serve-first-cpu', 'CPU of `serve` for the first screen of 10,000 clients', 's', 0.5);
const memory = row('serve-memory', 'memory of `serve` after 86,400 requests', 'MB', 90);

const ticksPerSecond = 100;
const rowsPerClient = 288;

/** Measures the first screen of a large fleet, and the memory of the server after as many requests as a day has seconds. */
export async function benchServe({ quick, say }: BenchOptions): Promise<BenchResult> {
  const clients = quick ? 200 : 10_000;
  const figures: Figure[] = await inTemporaryFolder(async (dir) => {
    const file = path.join(dir, 'fleet.db');
    await makeRows(sqliteConfig(file), {
      clients,
      rowsPerClient: quick ? 5 : rowsPerClient,
      mounts: [],
      processed: true,
      visitsPerClient: quick ? 5 : rowsPerClient,
    });
    const names = `web-[0-${clients - 1}]`;
    const port = await freePort();
    const config = path.join(dir, 'config.xml');
    writeFileSync(
      config,
      `<config><storage url="sqlite:${file}"/>
       <serve port="${port}" trustedProxies="127.0.0.1" userHeader="X-User"><look/></serve>
       <client name="${names}" ip="${names}.example.org" username="u"/></config>`,
      { mode: 0o600 },
    );
    const first: { bytes: number; seconds: number }[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      const child = await start(config);
      const before = cpuSeconds(child);
      const bytes = await ask(port, '/', 1);
      first.push({ bytes, seconds: cpuSeconds(child) - before });
      if (round === 0) say(`first screen: ${bytes} bytes`);
      await end(child);
    }
    const child = await start(config);
    const requests = quick ? 200 : 86_400;
    for (let index = 0; index < requests; index += 1) await ask(port, pages[index % pages.length] ?? '/', index);
    const bytes = residentBytes(child);
    await end(child);
    return [
      measured(
        size,
        first.map((one) => one.bytes / 1000),
      ),
      measured(
        cpu,
        first.map(({ seconds }) => seconds),
      ),
      measured(memory, [bytes / 1e6]),
    ];
  });
  return { figures, series: [] };
}

const pages = ['/ping', '/ping', '/alerts', '/runs', '/ping', '/c/web-7', '/ping', '/ping', '/?q=web-1', '/ping'];

async function start(config: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, '-c', config, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'close');
}

/** Asks as one of many people behind a proxy. Returns the bytes of the answer's body. */
async function ask(port: number, where: string, index: number): Promise<number> {
  const headers = {
    'accept-encoding': 'gzip',
    'x-forwarded-for': `10.0.${Math.floor(index / 250) % 250}.${index % 250}`,
    'x-user': 'anna',
  };
  const [response] = (await once(get({ port, host: '127.0.0.1', path: where, headers }), 'response')) as [
    IncomingMessage,
  ];
  let bytes = 0;
  response.on('data', (part: Buffer) => (bytes += part.length));
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`${where} is answered with ${response.statusCode}`);
  return bytes;
}

/** CPU that a process has taken so far, by proc_pid_stat(5). */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function residentBytes({ pid }: ChildProcess): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
