/** `export pattoo`: the hub, which posts what it has of all machines. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { listenOn } from '../../support/free-port.ts';
import { exits } from '../../support/run-cli.ts';
import { reportedFleet } from '../support/reported-fleet.ts';

interface Posted {
  readonly path: string;
  readonly agent_id: string;
  readonly agent_program: string;
  readonly timestamp: number;
  readonly devices: Readonly<Record<string, { readonly timeseries: Readonly<Record<string, { data: unknown[] }>> }>>;
}

test('stored reports are posted once each, and those that are not answered 200 again', async (t) => {
  const { run } = await reportedFleet(t);
  const posted: Posted[] = [];
  const always200 = (): number => 200;
  let statusOf: (index: number) => number = always200;
  const server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      posted.push({ path: incoming.url ?? '', ...(JSON.parse(text) as Omit<Posted, 'path'>) });
      outgoing.writeHead(statusOf(posted.length)).end('answer');
    });
  });
  const to = `http://127.0.0.1:${await listenOn(server)}/pattoo`;
  t.after(() => server.close());
  const exportTo = (...args: readonly string[]) => run('export', 'pattoo', '--to', to, ...args);
  // The server goes away at the sixth report, and never takes the third.
  statusOf = (index) => (index === 3 ? 400 : index < 6 ? 200 : 500);
  await exits(1, exportTo('--since', '7d'), /receive\/[0-9a-f]{64} answered 400; 4 reports sent, 1 refused for good/);
  assert.equal(posted.length, 6);
  statusOf = always200;
  const { status, stdout } = await exportTo();
  assert.deepEqual([status, stdout], [0, '43 reports sent\n']);
  const keys = posted.map(({ devices, timestamp }) => `${Object.keys(devices).join()} ${timestamp}`);
  assert.equal(new Set(keys).size, 48);
  assert.equal(keys[5], keys[6], 'what was not taken goes again');
  const [{ path, agent_id: id, agent_program: program, devices } = posted[0] as Posted] = posted;
  assert.deepEqual([path, program], [`/pattoo/receive/${id}`, 'fleet-health']);
  const series = devices['web-1']?.timeseries ?? {};
  assert.deepEqual(series['cpu_times_percent_user']?.data.length ?? series['cpu_count']?.data.length, 1);
  assert.match((await exportTo()).stdout, /^0 reports sent/);
});

test('a first export begins an hour ago, and parts are refused', async (t) => {
  const { run } = await reportedFleet(t);
  await exits(2, run('export', 'pattoo'), /needs --to with a URL/);
  await exits(2, run('export', 'pattoo', '--to', 'ftp://127.0.0.1/'), /needs --to with a URL/);
  await exits(2, run('export', 'pattoo', 'web-1', '--to', 'http://127.0.0.1:1/'), /reports of all clients/);
  await exits(2, run('export', 'csv', '--to', 'http://127.0.0.1:1/'), /--to is for pattoo alone/);
  const { status, stdout } = await run('export', 'pattoo', '--to', 'http://127.0.0.1:1/');
  assert.deepEqual([status, stdout], [0, '0 reports sent\n']);
});
