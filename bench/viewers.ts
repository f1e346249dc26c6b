import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../test/support/servers/free-port.ts';
import { program } from './children.ts';
import { inRounds, measured, ratioAtMost, type BenchOptions, type BenchResult, type Row } from './figure.ts';
import { startSimulated } from './simulated.ts';
import { viewedPages } from './viewed-pages.ts';

const viewers = 20;
/** The interval at which each viewer opens another page. */
const clickMs = 5_000;
const rounds = 5;

const row: Row = {
  name: 'collect-beside-viewers',
  what: `one pass over 2,000 simulated clients while ${viewers} people look at \`serve\` on the same two cores`,
  unit: 's',
  peer: 'the same pass, nobody looks',
  target: ratioAtMost(1.05),
};

/** Measures pages, and a pass of the collector with people who view the pages, and without them, in turns. */
export async function benchViewers(options: BenchOptions): Promise<BenchResult> {
  const { quick, say } = options;
  const pages = await viewedPages(options);
  const clients = quick ? 20 : 2000;
  const fleet = await startSimulated({ clients, profile: 'clean' });
  try {
    // The first pass makes folders, takes inventories, and fills the pages.
    await fleet.collect();
    const pass = async (): Promise<number> => (await fleet.collect()).wallMs / 1000;
    const samples = await inRounds(quick ? 1 : rounds, {
      without: pass,
      beside: async () => {
        const looking = await startViewers(fleet.dir);
        try {
          return await pass();
        } finally {
          say(`${await looking.end()} answers`);
        }
      },
    });
    return { figures: [measured(row, samples.beside, samples.without), ...pages], series: [] };
  } finally {
    await fleet.close();
  }
}

/** Starts a server of the fleet's folder, and people who view its pages. */
async function startViewers(dir: string): Promise<{ end: () => Promise<number> }> {
  const port = await freePort();
  const config = path.join(dir, 'serve.xml');
  const serve = `<serve port="${port}" trustedProxies="127.0.0.1" userHeader="X-User"><look/></serve></config>`;
  writeFileSync(config, readFileSync(path.join(dir, 'config.xml'), 'utf8').replace('</config>', serve), {
    mode: 0o600,
  });
  const server = spawn(process.execPath, [program, '-c', config, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  server.stdout.resume();
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  let answers = 0;
  const people = Array.from({ length: viewers }, (_, index) =>
    look(port, index, ended.signal, () => (answers += 1)).catch((thrown: unknown) => {
      if (!ended.signal.aborted) throw thrown;
    }),
  );
  return {
    end: async () => {
      ended.abort();
      await Promise.all(people);
      const closed = once(server, 'close');
      server.kill('SIGTERM');
      await closed;
      return answers;
    },
  };
}

/** Follows the runs as a browser does, reads the fleet anew after each, and opens another page now and then. */
async function look(port: number, index: number, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const headers = { 'accept-encoding': 'gzip', 'x-forwarded-for': `10.0.0.${index + 1}`, 'x-user': 'anna' };
  const open = async (where: string): Promise<IncomingMessage> => {
    const [response] = (await once(get({ port, host: '127.0.0.1', path: where, headers, signal }), 'response')) as [
      IncomingMessage,
    ];
    if (response.statusCode !== 200) throw new Error(`${where} is answered with ${response.statusCode}`);
    return response;
  };
  const read = async (where: string): Promise<void> => {
    const response = await open(where);
    response.resume();
    await once(response, 'end');
    onAnswer();
  };
  const pages = ['/', '/alerts', '/runs', '/?sort=cpu'];
  await read('/');
  const live = await open('/live');
  live.on('error', () => undefined);
  live.on('data', () => void read('/').catch(() => undefined));
  for (let click = index; !signal.aborted; click += 1) {
    await sleep(clickMs * (click === index ? index / viewers : 1), undefined, { signal });
    await read(pages[click % pages.length] ?? '/');
  }
}
