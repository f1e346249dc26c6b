import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import path from 'node:path';

import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { freePort } from '../test/support/servers/free-port.ts';
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
const memory = (clients: number): Row =>
  row(`serve-memory-${clients}`, `memory of \`serve\` after 86,400 requests, ${clients} clients`, 'MB', 90);
const growth = (clients: number): Row =>
  row(
    `serve-growth-${clients}`,
    `memory after 86,400 requests : after half of them, ${clients} clients`,
    'times',
    1.05,
  );

const ticksPerSecond = 100;
const rowsPerClient = 288;
const rounds = 3;
const secondsOfDay = 86_400;

/**
 * Measures the first screen of a large fleet, and the memory of the server after as many requests as a day has seconds.
 */
export async function benchServe({ quick, say }: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  for (const clients of quick ? [20] : [100, 10_000]) {
    await inTemporaryFolder(async (dir) => {
      const fleet = await madeFleet(dir, clients, quick ? 5 : rowsPerClient);
      say(`rows of ${clients} clients are made`);
      if (quick || clients === 10_000) {
        const [sizes, seconds] = await firstScreen(fleet, quick ? 1 : rounds);
        figures.push(measured(size, sizes), measured(cpu, seconds));
      }
      const [half, whole] = await memoryOfDay(fleet, quick ? 200 : secondsOfDay);
      say(`${clients} clients: ${half.toFixed(1)} MB after half of the requests, ${whole.toFixed(1)} at the end`);
      figures.push(measured(memory(clients), [whole]), measured(growth(clients), [whole / half]));
    });
  }
  return { figures, series: [] };
}

/** The config.xml of a made fleet, and the port that `serve` will listen on. */
export interface MadeFleet {
  readonly port: number;
  readonly config: string;
}

/** Makes rows of clients, which are in groups of `groupOf` with two labels each; 0: in none. */
export async function madeFleet(dir: string, clients: number, rowsOfClient: number, groupOf = 0): Promise<MadeFleet> {
  const file = path.join(dir, 'fleet.db');
  await makeRows(sqliteConfig(file), {
    clients,
    rowsPerClient: rowsOfClient,
    mounts: [],
    processed: true,
    visitsPerClient: rowsOfClient,
  });
  const some = (from: number, to: number): string =>
    `<client name="web-[${from}-${to}]" ip="web-[${from}-${to}].example.org" username="u"/>`;
  const starts = Array.from({ length: groupOf === 0 ? 0 : clients / groupOf }, (_, group) => group * groupOf);
  const grouped = starts.map(
    (from, group) =>
      `<group name="group-${group}" labels="rack=r${group} role=web">${some(from, from + groupOf - 1)}</group>`,
  );
  const port = await freePort();
  const config = path.join(dir, 'config.xml');
  writeFileSync(
    config,
    `<config><storage url="sqlite:${file}"/>
     <serve port="${port}" trustedProxies="127.0.0.1" userHeader="X-User"><look/></serve>
     ${groupOf === 0 ? some(0, clients - 1) : grouped.join('')}</config>`,
    { mode: 0o600 },
  );
  return { port, config };
}

/** Returns the bytes of first screens in KB, and the CPU of the server for them in seconds. */
export async function firstScreen(
  { port, config }: MadeFleet,
  times: number,
): Promise<readonly [readonly number[], readonly number[]]> {
  const [sizes, seconds]: [number[], number[]] = [[], []];
  for (let round = 0; round < times; round += 1) {
    const child = await start(config);
    const before = cpuSeconds(child);
    sizes.push((await ask(port, '/', 1)) / 1000);
    seconds.push(cpuSeconds(child) - before);
    await end(child);
  }
  return [sizes, seconds];
}

/** Returns the resident memory after half of the requests and after all of them, in MB. */
async function memoryOfDay({ port, config }: MadeFleet, requests: number): Promise<readonly [number, number]> {
  const child = await start(config);
  let half = 0;
  for (let index = 0; index < requests; index += 1) {
    await ask(port, pages[index % pages.length] ?? '/', index);
    if (index === requests / 2) half = residentBytes(child);
  }
  const whole = residentBytes(child);
  await end(child);
  return [half / 1e6, whole / 1e6];
}

const pages = ['/ping', '/ping', '/alerts', '/runs', '/ping', '/c/web-7', '/ping', '/ping', '/?q=web-1', '/ping'];

/** Starts `serve`. */
export async function start(config: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, '-c', config, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return child;
}

/** Ends `serve`. */
export async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'close');
}

/** Sends a request as one of many people behind a proxy. Returns the bytes of the answer's body. */
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

/** Returns the ids of a server and of the processes that make its pages and reports. */
function processesOf({ pid }: ChildProcess): readonly string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [String(pid), ...children];
}

/** Returns the CPU time of a server so far, in seconds, by proc_pid_stat(5). */
function cpuSeconds(child: ChildProcess): number {
  const ticks = processesOf(child).map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / ticksPerSecond;
}

/** Returns the memory of a server. What its processes share counts once. */
function residentBytes(child: ChildProcess): number {
  const kilobytes = processesOf(child).map((pid) => {
    const [, own = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(own);
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}
