/** The command lines of documents, of the predecessors and of this product, run by a shell: curl, nc and wget. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openEndpoint } from '../look/serve/support/event-endpoints.ts';
import { freePort } from '../support/servers/free-port.ts';
import { configFolder, runCli, startAgentProgram, succeeded } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const missing = ['curl', 'nc', 'wget'].find((name) => !existsSync(path.join('/usr/bin', name)));
const skip = missing === undefined || process.env['CI'] ? false : `needs ${missing}`;

/** Runs a line with the port in place of the documented one. Returns its standard output. */
function shell(line: string, from: number, to: number): Promise<string> {
  const own = line.replaceAll(`:${from}`, `:${to}`).replaceAll(` ${from} `, ` ${to} `);
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', own], { timeout: 20_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${own}: ${stderr}`, { cause: error }));
    });
  });
}

const received = { message: 'Event received', result: true };

test('events, status and pings', { skip, timeout: 60_000 }, async (t) => {
  const rule = '<alert type="event" service="backup*" within="26h"/>';
  const dir = configFolder(t, `<config><alerts mail="ops@example.org">${rule}</alerts></config>`);
  const { port, stored } = await openEndpoint(t, {}, dir);
  const sh = (line: string): Promise<string> => shell(line, 5151, port);
  const posts = [
    String.raw`curl -v -g -6 '[::1]:5151/events' -X POST -d '{"Hello": "World"}'`,
    String.raw`curl -g -6 '[::1]:5151/events' -X POST -d '{"Hello": "World"}'`,
    String.raw`curl 'http://[::1]:5151/events' -d '{"service": "backup", "status": "OK", "description": "3 GB in 5 min"}'`,
  ];
  for (const line of posts) assert.deepEqual(JSON.parse(await sh(line)), received);
  assert.equal(await sh(String.raw`echo -n '{"Hello": "World"}' | nc -6u ::1 5151 -w 1`), '');
  await until(() => stored('id').length === 4, 'the datagram has not come');
  assert.deepEqual(stored('service, raw'), [
    ...['', ''].map((service) => [service, '{"Hello": "World"}']),
    ['backup', null],
    ['', '{"Hello": "World"}'],
  ]);
  for (const line of ["curl -v -g -6 '[::1]:5151/status'", "curl '[::1]:5151/status'"]) {
    const { message, result } = JSON.parse(await sh(line)) as { message: object; result: boolean };
    assert.equal(result, true);
    const keys = ['config', 'events_queue', 'master_config', 'name', 'slaves', 'started', 'uptime'];
    assert.deepEqual(Object.keys(message).toSorted(), keys);
  }
  assert.equal(await sh("curl -g '[::1]:5151/ping'"), 'OK\n');
  const lines = (await succeeded(runCli(['events', 'url', 'backup', '--host', 'nas'], { cwd: dir })))
    .trim()
    .split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ', 1)[0]),
    ['(curl', '(wget'],
  );
  for (const line of lines) assert.equal(await shell(line, port, port), '');
  await until(() => stored('id').length === 6, 'the pings are not stored');
  assert.deepEqual(stored('host, service, status').slice(4), [
    ['nas', 'backup', 'OK'],
    ['nas', 'backup', 'OK'],
  ]);
});

test('host="::" takes both families as before, and ipv6Only="yes" ends that', { skip, timeout: 60_000 }, async (t) => {
  const folder = (): string => configFolder(t, '<config></config>');
  const both = await openEndpoint(t, { attributes: 'host="::"' }, folder());
  const alone = await openEndpoint(t, { attributes: 'host="::" ipv6Only="yes"' }, folder());
  const post = (address: string, port: number): Promise<string> =>
    shell(`curl -s -g '${address}:5151/events' -d '{"Hello": "World"}'`, 5151, port);
  for (const address of ['[::1]', '127.0.0.1']) assert.deepEqual(JSON.parse(await post(address, both.port)), received);
  assert.deepEqual(JSON.parse(await post('[::1]', alone.port)), received);
  await assert.rejects(post('127.0.0.1', alone.port));
  await shell(`echo -n 4 | nc -4u 127.0.0.1 5151 -w 1; echo -n 6 | nc -6u ::1 5151 -w 1`, 5151, both.port);
  await shell(`echo -n 4 | nc -4u 127.0.0.1 5151 -w 1; echo -n 6 | nc -6u ::1 5151 -w 1`, 5151, alone.port);
  await until(() => both.stored('id').length === 4 && alone.stored('id').length === 2, 'the datagrams have not come');
  assert.deepEqual(alone.stored('raw').flat(), ['{"Hello": "World"}', '6']);
});

test('the document of a spoke', { skip, timeout: 60_000 }, async (t) => {
  const dir = tempFolder(t);
  const [file, port] = [path.join(dir, 'agent.json'), await freePort()];
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  const settings = { state_directory: path.join(dir, 'state'), spoke: { ip_bind_port: port } };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  await startAgentProgram(t, ['-c', file, 'spoke'], 'event=listening');
  const document = JSON.parse(await shell('curl http://localhost:5000/pattoo-os', 5000, port)) as object;
  const keys = ['agent_hostname', 'agent_id', 'agent_program', 'devices', 'timestamp'];
  assert.deepEqual(Object.keys(document).toSorted(), keys);
});
