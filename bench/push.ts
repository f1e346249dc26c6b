import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import path from 'node:path';

import { newPushKey, writePushKeys } from '../src/state-folder/push-keys.ts';
import { openReceiver } from '../src/collector/receive/receiver.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { generateKeyPair } from '../src/report/seal/key-pair.ts';
import { contentDigest, encodePushHeader, pushPath, requestMac, sha256 } from '../src/report/seal/push.ts';
import { statePaths } from '../src/state-folder/paths.ts';
import { freePort } from '../test/support/servers/free-port.ts';
import { pushedStream } from '../test/support/clients/pushed-stream.ts';
import { sealedSample } from '../test/support/clients/sealed-report.ts';
import { inTemporaryFolder, program, residentMegabytes } from './children.ts';
import { collectPass } from './collect-pass.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure, type Row } from './figure.ts';
import { startSimulated } from './simulated.ts';

const peer = 'a pass of visits of as many simulated clients';
const time: Row = {
  ...forInformation('push-10000', '10,000 clients push a report each to one `serve`, until all are rows', 's'),
  peer,
};
const cpu: Row = {
  ...forInformation('push-10000-cpu', 'the same: CPU of `serve` and of the run that stores them', 's'),
  peer,
};
const acknowledged = forInformation('push-acknowledged', 'pushes a second, each synced and acknowledged', 'per s');
const events = forInformation(
  'events-acknowledged',
  'events a second, each a row or synced when it is answered',
  'per s',
);

/** The number of requests in flight. */
const atATime = 64;
const ticksPerSecond = 100;

/** Measures pushes of many clients beside visits of as many, and events. */
export async function benchPush({ quick, say }: BenchOptions): Promise<BenchResult> {
  const clients = quick ? 5 : 10_000;
  const rounds = quick ? 1 : 3;
  const [seconds, cpuSeconds, rates, eventRates]: number[][] = [[], [], [], []];
  await inTemporaryFolder(async (dir) => {
    const site = await pushingSite(dir, clients);
    say(`${clients} clients are enrolled`);
    for (let round = 0; round < rounds; round += 1) {
      const bodies = site.bodies();
      const server = await startServer(dir);
      const startedAt = performance.now();
      await inParallel(bodies, (body, index) => site.push(body, index));
      const pushedS = (performance.now() - startedAt) / 1000;
      const wanted = quick ? 20 : 20_000;
      const eventsAt = performance.now();
      const serveS = server.cpuSeconds();
      await inParallel(new Array<number>(wanted).fill(0), () => site.event());
      eventRates?.push((wanted * 1000) / (performance.now() - eventsAt));
      await server.end();
      const pass = await collectPass(dir, clients);
      rates?.push(clients / pushedS);
      seconds?.push(pushedS + pass.wallMs / 1000);
      cpuSeconds?.push(serveS + pass.cpuMs / 1000);
    }
  });
  const visits = { wall: [] as number[], cpu: [] as number[] };
  const fleet = await startSimulated({ clients, profile: 'clean' });
  try {
    await fleet.collect();
    for (let round = 0; round < rounds; round += 1) {
      const { wallMs, cpuMs } = await fleet.collect();
      visits.wall.push(wallMs / 1000);
      visits.cpu.push(cpuMs / 1000);
    }
  } finally {
    await fleet.close();
  }
  const figures: readonly Figure[] = [
    measured(time, seconds ?? [], visits.wall),
    measured(cpu, cpuSeconds ?? [], visits.cpu),
    measured(acknowledged, rates ?? []),
    measured(events, eventRates ?? []),
  ];
  return { figures, series: [] };
}

/**
 * Makes a collector with enrolled clients, and the senders of their reports. Each client has an address behind a proxy.
 */
async function pushingSite(dir: string, clients: number) {
  const port = await freePort();
  const file = path.join(dir, 'config.xml');
  const names = Array.from({ length: clients }, (_, index) => `web-${index}`);
  writeFileSync(
    file,
    `<config><serve port="${port}" host="127.0.0.1" trustedProxies="127.0.0.1"><push/><events/></serve>
     <collector every="2h"/>${names.map((name) => `<client name="${name}" transport="push"/>`).join('\n')}</config>`,
    { mode: 0o600 },
  );
  const config = loadConfig({ file });
  const { keyRing } = await openReceiver(config, Date.now());
  const keys = names.map((name) => newPushKey(name, Date.now()));
  writePushKeys(statePaths(config.stateDir).pushKeys, keys);
  const { id, publicKey } = keyRing.sealing;
  const key = { ...generateKeyPair(), id, publicKey };
  const agent = new Agent({ keepAlive: true, maxSockets: atATime });
  const post = async (where: string, body: Buffer, headers: Readonly<Record<string, string>>): Promise<void> => {
    const sent = request({ port, host: '127.0.0.1', path: where, method: 'POST', agent, headers });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`${where} is answered with ${response.statusCode}`);
  };
  let count = 0;
  return {
    bodies: () => names.map((client) => pushedStream({ sealed: [sealedSample({ key, inside: { client } }).sealed] })),
    push: async (body: Buffer, index: number): Promise<void> => {
      const digest = sha256(body);
      const at = Math.floor(Date.now() / 1000);
      const secret = Buffer.from(keys[index]?.key ?? '', 'base64url');
      await post(pushPath, body, {
        'Content-Length': String(body.length),
        'Content-Digest': contentDigest(digest),
        'Fleet-Health': encodePushHeader({
          client: names[index] ?? '',
          time: at,
          mac: requestMac(secret, at, digest.toString('hex')),
        }),
        'X-Forwarded-For': addressOf(index),
      });
    },
    event: async (): Promise<void> => {
      count += 1;
      const body = Buffer.from(JSON.stringify({ host: `web-${count % 1000}`, service: 'backup', status: 'OK' }));
      await post('/events', body, { 'Content-Length': String(body.length), 'X-Forwarded-For': addressOf(count) });
    },
  };
}

const addressOf = (index: number): string => `10.${(index >> 16) % 256}.${(index >> 8) % 256}.${index % 256}`;

/** Starts `serve` of the folder, and waits until the server answers. */
export async function startServer(dir: string) {
  const child = spawn(process.execPath, [program, '-c', path.join(dir, 'config.xml'), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return {
    /** Returns the CPU time of the process so far, in seconds, by proc_pid_stat(5). */
    cpuSeconds: (): number => {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    /** Returns the peak of the process's resident memory, in MB. */
    megabytes: (): number => residentMegabytes(child.pid),
    end: async (): Promise<void> => {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Does the work for all items, a number of them at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
