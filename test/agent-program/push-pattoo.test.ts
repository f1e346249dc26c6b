/** `push --format pattoo`: the posts to a pattoo server, and the spool of reports for the server. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import path from 'node:path';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { pattooUrl, postPattoo } from '../../src/agent-program/push/post-pattoo.ts';
import { runPattoo } from '../../src/agent-program/push/pattoo-mode.ts';
import { pushPattoo, type PattooPushed } from '../../src/agent-program/push/push-pattoo.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import { freePort, listenOn } from '../support/servers/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

/**
 * Starts a server that answers with each status in order and repeats the last, and returns a machine that pushes to it.
 */
async function station(t: TestContext, ...answers: readonly [number, ...number[]]) {
  const left = [...answers];
  const posted: {
    readonly path: string;
    readonly document: { readonly agent_id: string; readonly timestamp: number };
  }[] = [];
  const server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      posted.push({ path: incoming.url ?? '', document: JSON.parse(text) as (typeof posted)[number]['document'] });
      outgoing.writeHead((left.length > 1 ? left.shift() : left[0]) ?? 200, { Location: '/other' }).end('answer');
    });
  });
  const port = await listenOn(server);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const place = tempFolder(t);
  const file = path.join(place, 'agent.json');
  writeFileSync(file, '{}', { mode: 0o600 });
  const settings = readSettings(file);
  const url = `http://127.0.0.1:${port}/pattoo/api/v1/agent`;
  const push = (to = url): Promise<PattooPushed> =>
    pushPattoo({ settings, place, to: new URL(to), signal: new AbortController().signal });
  return { push, posted, place, url };
}

test('a document is posted again if the server closes a kept connection when the next request arrives', async (t) => {
  const used = new WeakSet<object>();
  let closed = 0;
  const server = createServer((incoming, outgoing) => {
    if (used.has(incoming.socket)) {
      closed += 1;
      incoming.socket.destroy();
    }
    used.add(incoming.socket);
    incoming.resume().on('end', () => outgoing.end());
  });
  const to = new URL(`http://127.0.0.1:${await listenOn(server)}/`);
  t.after(() => server.close());
  // fetch may open a connection although there is a kept one.
  for (let round = 0; round < 100 && closed === 0; round += 1) {
    const posted = await postPattoo(to, JSON.stringify({ agent_id: 'a' }), new AbortController().signal);
    assert.deepEqual(posted, { status: 200, fault: null });
    await setImmediate();
  }
  assert.equal(closed, 1);
});

test('a document is posted no more than twice to a server that closes every connection', async (t) => {
  let requests = 0;
  const server = createServer((incoming) => {
    requests += 1;
    incoming.socket.destroy();
  });
  const to = new URL(`http://127.0.0.1:${await listenOn(server)}/`);
  t.after(() => server.close());
  const { status, fault } = await postPattoo(to, JSON.stringify({ agent_id: 'a' }), new AbortController().signal);
  assert.equal(status, null);
  assert.match(fault ?? '', /receive\/a: (?:other side closed|read ECONNRESET)$/);
  assert.equal(requests, 2);
});

test('a report goes to receive/AGENT_ID, and 200 takes it', async (t) => {
  const { push, posted } = await station(t, 200);
  assert.deepEqual(await push(), { acknowledged: 1, kept: 0, failure: null });
  const [first] = posted;
  assert.match(first?.document.agent_id ?? '', /^[0-9a-f]{64}$/);
  assert.equal(first?.path, `/pattoo/api/v1/agent/receive/${first?.document.agent_id}`);
});

test('any other answer keeps the reports, which go with the next push, oldest first', async (t) => {
  const { push, posted } = await station(t, 500, 302, 202, 200);
  for (const [kept, status] of [500, 302, 202].entries()) {
    const { acknowledged, kept: now, failure } = await push();
    assert.deepEqual([acknowledged, now], [0, kept + 1]);
    assert.match(failure ?? '', new RegExp(`answered ${status}$`));
  }
  const away = await push(`http://127.0.0.1:${await freePort()}/`);
  assert.match(away.failure ?? '', /ECONNREFUSED/);
  assert.deepEqual(await push(), { acknowledged: 5, kept: 0, failure: null });
  const times = posted.slice(3).map(({ document }) => document.timestamp);
  assert.deepEqual(times, times.toSorted());
});

test('a document that is refused for good is set aside, and those behind it are taken', async (t) => {
  const { push, posted, place } = await station(t, 500, 422, 200);
  assert.equal((await push()).kept, 1);
  const { acknowledged, kept, failure } = await push();
  assert.deepEqual([acknowledged, kept], [1, 0]);
  assert.match(failure ?? '', /answered 422: 1 report set aside in pattoo-refused\.jsonl$/);
  assert.deepEqual(await push(), { acknowledged: 1, kept: 0, failure: null });
  const lines = readFileSync(path.join(place, 'pattoo-refused.jsonl'), 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [posted[0]?.document],
  );
});

test('a disk that does not take the documents that wait is reported', async (t) => {
  const { push, place } = await station(t, 200);
  mkdirSync(path.join(place, 'pattoo-waiting.jsonl'));
  const { acknowledged, failure } = await push();
  assert.equal(acknowledged, 1);
  assert.match(failure ?? '', /pattoo-waiting\.jsonl cannot be written/);
});

test('two pushes at a time send no report twice', async (t) => {
  const { push, posted } = await station(t, 200);
  const outcomes = await Promise.allSettled([push(), push()]);
  const refused = outcomes.filter(({ status }) => status === 'rejected').length;
  assert.equal(posted.length, 2 - refused);
  assert.equal((await push()).acknowledged, 1);
});

test('a URL with a login is none, because messages show the URL', () => {
  assert.equal(pattooUrl('https://pattoo.example.org/pattoo')?.href, 'https://pattoo.example.org/pattoo');
  const others = ['ftp://127.0.0.1/', 'http://anna:secret@127.0.0.1/', 'http://anna@127.0.0.1/', 'http://127.0.0.1/?a'];
  assert.deepEqual(
    others.map((other) => pattooUrl(other)),
    [null, null, null, null],
  );
});

test('the mode pattoo posts again and again, and notes what waits', async (t) => {
  const { posted, place, url } = await station(t, 500, 200);
  const file = path.join(place, 'agent.json');
  writeFileSync(file, JSON.stringify({ pattoo: { to: url, every: '10s' } }), { mode: 0o600 });
  const ended = new AbortController();
  const queues: (number | null)[] = [];
  const problems: string[] = [];
  const running = runPattoo({
    ...{ settings: readSettings(file), place, send: false, everyMs: 20, to: null, signal: ended.signal },
    log: { event: () => undefined, problem: (event) => problems.push(event) },
    ready: () => undefined,
    note: ({ queue }) => queues.push(queue),
  });
  await until(
    () => queues.length >= 3,
    () => queues.join(),
  );
  ended.abort();
  await running;
  assert.deepEqual([queues.slice(0, 3), problems], [[1, 0, 0], ['not-pushed']]);
  assert.ok(posted.length >= 4, 'the report that waited went with the next one');
});
