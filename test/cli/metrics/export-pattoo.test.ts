/** `export pattoo`: the hub, which posts the stored reports of all machines. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { takeLock } from '../../../src/state-folder/lock.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { item } from '../../storage/support/samples.ts';
import { listenOn } from '../../support/servers/free-port.ts';
import { exits, outcomeOf, startCli } from '../../support/programs/run-cli.ts';
import { reportedFleet } from '../support/reported-fleet.ts';

interface Posted {
  readonly path: string;
  readonly agent_id: string;
  readonly agent_program: string;
  readonly timestamp: number;
  readonly devices: Readonly<Record<string, { readonly timeseries: Readonly<Record<string, { data: unknown[] }>> }>>;
}

const noAnswer = 0;
const always200 = (): number => 200;

interface PattooServer {
  readonly to: string;
  readonly posted: Posted[];
  /** Sets how the server answers the n-th report, counted from 1: with a status or with `noAnswer`. */
  readonly answer: (statusOf: (count: number) => number) => void;
}

/** Starts a server of pattoo. It answers 200. */
async function startPattoo(t: TestContext): Promise<PattooServer> {
  const posted: Posted[] = [];
  let statusOf: (count: number) => number = always200;
  const server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      posted.push({ path: incoming.url ?? '', ...(JSON.parse(text) as Omit<Posted, 'path'>) });
      const status = statusOf(posted.length);
      if (status !== noAnswer) outgoing.writeHead(status).end('answer');
    });
  });
  const to = `http://127.0.0.1:${await listenOn(server)}/pattoo`;
  t.after(() => server.close());
  return { to, posted, answer: (given) => (statusOf = given) };
}

test('stored reports are posted once each, and those that are not answered 200 again', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const { to, posted, answer } = await startPattoo(t);
  const exportTo = (...args: readonly string[]) => run('export', 'pattoo', '--to', to, ...args);
  answer(() => 500);
  await exits(1, exportTo('--since', '7d'), /answered 500; 0 reports sent/);
  // This export begins where the first one began. The server fails from the sixth report on, and refuses the third for
  // good.
  posted.splice(0);
  answer((index) => (index === 3 ? 400 : index < 6 ? 200 : 500));
  await exits(1, exportTo(), /receive\/[0-9a-f]{64} answered 400; 4 reports sent, 1 refused for good/);
  assert.equal(posted.length, 6);
  const stopped = startCli(['export', 'pattoo', '--to', to], { cwd: dir });
  answer((index) => {
    if (index === 10) stopped.kill('SIGTERM');
    return index < 10 ? 200 : noAnswer;
  });
  assert.notEqual((await outcomeOf(stopped)).status, 0);
  assert.equal(posted.length, 10);
  answer(always200);
  const { status, stdout } = await exportTo();
  assert.equal(status, 0);
  assert.equal(stdout, '40 reports sent\n', 'what was taken before the signal is not sent again');
  const keys = posted.map(({ devices, timestamp }) => `${Object.keys(devices).join()} ${timestamp}`);
  assert.equal(new Set(keys).size, 48);
  assert.equal(keys[5], keys[6], 'what was not taken goes again');
  const [{ path, agent_id: id, agent_program: program, devices } = posted[0] as Posted] = posted;
  assert.equal(path, `/pattoo/receive/${id}`);
  assert.equal(program, 'fleet-health');
  const series = devices['web-1']?.timeseries ?? {};
  assert.deepEqual(series['cpu_times_percent_user']?.data.length ?? series['cpu_count']?.data.length, 1);
  assert.match((await exportTo()).stdout, /^0 reports sent/);
  const lock = await takeLock({ file: join(dir, 'state', 'pattoo-lock.db'), nowMs: Date.now() });
  assert.equal(lock.kind, 'held');
  await exits(3, exportTo(), /another export to a server of pattoo is under way/);
});

test('what has just come goes later, and a place behind all that is stored is of another database', async (t) => {
  const { dir, run } = await reportedFleet(t);
  const storage = await openStorage({ storage: loadConfig({ file: join(dir, 'config.xml') }).storage, migrate: true });
  const nowMs = Date.now();
  const received = (receivedAtMs: number) =>
    item({ observedAtMs: nowMs - 600_000 + (receivedAtMs % 1000), receivedAtMs });
  // The third report arrived before the second, but waits for the second.
  await storage.reports.ingest([received(nowMs - 300_000)]);
  await storage.reports.ingest([received(nowMs - 1_001)]);
  await storage.reports.ingest([received(nowMs - 300_002)]);
  await storage.close();
  const server = createServer((_, outgoing) => outgoing.end());
  const to = `http://127.0.0.1:${await listenOn(server)}/`;
  t.after(() => server.close());
  assert.equal((await run('export', 'pattoo', '--to', to)).stdout, '1 report sent\n');
  const place = { to, stat_id: 1_000_000 };
  writeFileSync(join(dir, 'state', 'pattoo-posted.json'), JSON.stringify({ servers: [place] }), { mode: 0o600 });
  await exits(1, run('export', 'pattoo', '--to', to), /as if the database were another one/);
});

test('a first export begins an hour ago, and parts are refused', async (t) => {
  const { run } = await reportedFleet(t);
  await exits(2, run('export', 'pattoo'), /needs --to with a URL/);
  await exits(2, run('export', 'pattoo', 'web-1', '--to', 'http://127.0.0.1:1/'), /reports of all clients/);
  await exits(2, run('export', 'csv', '--to', 'http://127.0.0.1:1/'), /--to is for pattoo alone/);
  const { status, stdout } = await run('export', 'pattoo', '--to', 'http://127.0.0.1:1/');
  assert.equal(status, 0);
  assert.equal(stdout, '0 reports sent\n');
});
