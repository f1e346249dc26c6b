import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { configFolder } from '../../../support/programs/run-cli.ts';
import { serveFolder } from '../support/served-fleet.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';

const elements = `<heartbeat url="https://monitor.example.org/ping/s3cret"/>
  <heartbeat url="https://monitor.example.org/ping/s4cret"/><alerts zone="UTC" mail="ops@example.org"/>
  <client name="web-1" ip="192.0.2.1" password="s5cret"><mail to="a@example.org"/></client>`;
const parts = `<events/><option name="yt_token" value="s1cret"/><option name="other_tokens"><option name="a" value="s2cret"/></option>
  <option name="site"><option name="name" value="&lt;fra&gt;"/><option name="dbPassword" value="s6cret"/>
  <option name="access_key" value="s7cret"/><option name="proxy" value="https://me:s8cret@proxy:1/"/></option>
  <option name="tag" value="x"/><option name="tag" value="y"/>`;

interface Status {
  readonly message: Readonly<Record<string, unknown>> & { readonly events_queue: number; readonly uptime: number };
  readonly result: boolean;
}

test('status has what the predecessor had, without secrets, and counts the events that wait', async (t) => {
  const dir = configFolder(t, '<config></config>');
  const attributes = 'hiddenOpts="yt_token, other_tokens"';
  const { ask, port } = await serveFolder(t, dir, { attributes, parts: parts.replace(/\n */g, ''), elements });
  const answer = await ask('/status');
  assert.equal(answer.status, 200);
  assert.doesNotMatch(answer.body, /s\dcret/);
  const { message, result } = JSON.parse(answer.body) as Status;
  const { started, uptime, slaves, ...others } = message;
  assert.equal(result, true);
  assert.deepEqual(others, {
    config: {
      heartbeat: [{ url: '*** HIDDEN ***' }, { url: '*** HIDDEN ***' }],
      alerts: { zone: 'UTC', mail: 'ops@example.org' },
      client: { name: 'web-1', ip: '192.0.2.1', password: '*** HIDDEN ***', mail: { to: 'a@example.org' } },
      yt_token: '*** HIDDEN ***',
      other_tokens: '*** HIDDEN ***',
      site: {
        ...{ name: '<fra>', dbPassword: '*** HIDDEN ***', access_key: '*** HIDDEN ***' },
        proxy: 'https://*** HIDDEN ***@proxy:1/',
      },
      tag: ['x', 'y'],
    },
    events_queue: 0,
    master_config: { hidden_opts: ['yt_token', 'other_tokens'], host: '::1,127.0.0.1', port },
    name: 'fleet-health',
  });
  assert.match(String(started), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  assert.deepEqual(slaves, [{ name: 'events', started }]);
  assert.ok(uptime > 0);

  const post = (): ReturnType<typeof ask> =>
    ask('/events', { method: 'POST', headers: { 'Content-Length': '1' }, body: '5' });
  assert.equal((await post()).status, 200);
  const queue = async (): Promise<number> => (JSON.parse((await ask('/status')).body) as Status).message.events_queue;
  while ((await queue()) > 0) await sleep(10);
  const database = openBeside(path.join(dir, 'state', 'fleet.db'));
  database.exec('BEGIN IMMEDIATE');
  assert.equal((await post()).status, 200);
  assert.equal(await queue(), 1);
  database.close();
});

test('status needs a token of those who are not of this machine', async (t) => {
  const dir = configFolder(t, '<config></config>');
  const { ask } = await serveFolder(t, dir, { parts: '<events/>' });
  const { status, body } = await ask('/status', { headers: { 'X-Forwarded-For': '192.0.2.1' } });
  assert.equal(status, 401);
  assert.equal((JSON.parse(body) as Status).result, false);
  assert.equal((await ask('/status', { method: 'POST' })).status, 405);
});
