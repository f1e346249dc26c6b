import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { configFolder, outcomeOf, startCli } from '../../../support/programs/run-cli.ts';
import { isLong, isWide } from '../../../support/long-tests.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { openEndpoint, storedIn } from '../support/event-endpoints.ts';
import { assertNoneLost } from '../support/killed-endpoints.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';

const onlyWide = { skip: !isWide && 'starts several servers' };
const event = (id: string): string => JSON.stringify({ service: 'backup', status: 'OK', id });
const received = '{"message":"Event received","result":true}\n';

async function datagram(port: number, text: string | Buffer, address = '127.0.0.1'): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise((resolve) => socket.send(text, port, address, resolve));
  socket.close();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

test('JSON of any type is a row when it is acknowledged, from curl and from nc', async (t) => {
  const { post, stored, port, log, end } = await openEndpoint(t);
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const answer = await post('{"Hello": "World"}', form);
  assert.deepEqual([answer.status, answer.body], [200, received]);
  assert.equal(answer.headers['content-type'], 'application/json');
  const hostile = { host: 'nas', service: 'a\u001b[2J\u202e', status: 2, description: '<b>full</b>', id: 'x' };
  assert.equal((await post(JSON.stringify(hostile))).status, 200);
  assert.equal((await post(JSON.stringify(hostile))).status, 200);
  assert.deepEqual(stored('service, status, description, raw'), [
    ['', null, '', '{"Hello": "World"}'],
    ['a\ufffd[2J\ufffd', 'CRIT', '<b>full</b>', null],
  ]);
  await datagram(port, '{"Hello": "UDP"}');
  await datagram(port, '5', '::1');
  await until(() => stored('raw').length === 4);
  assert.deepEqual(stored('raw').slice(2), [['{"Hello": "UDP"}'], ['5']]);
  assert.equal(await end(), 0);
  assert.match(log(), /event=event-received address=127\.0\.0\.1 id=nas:x host=nas service=\S+ status=CRIT/);
  assert.ok(!log().includes('\u001b') && !log().includes('\u202e'));
});

test('what cannot be taken is refused in JSON, and the connection lives', async (t) => {
  const { post, ask, port, stored } = await openEndpoint(t);
  const cases: readonly (readonly [Promise<{ status: number; body: string }>, number])[] = [
    [post('Hello'), 400],
    [post(''), 400],
    [post('['.repeat(6000) + ']'.repeat(6000)), 400],
    [post(`{"events":[${'['.repeat(6000)}${']'.repeat(6000)},${event('beside')}]}`), 400],
    [ask('/events', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' }, body: '{}' }), 411],
    [post(JSON.stringify('x'.repeat(65_535))), 413],
    [post(JSON.stringify('x'.repeat(900_000))), 413],
    [post(event('page'), { Origin: 'https://evil.example' }), 403],
    [ask('/events'), 405],
  ];
  for (const [asked, status] of cases) {
    const answer = await asked;
    assert.equal(answer.status, status, answer.body);
    const { message, result } = JSON.parse(answer.body) as { message: unknown; result: unknown };
    assert.deepEqual([typeof message, result], ['string', false]);
  }
  assert.equal((await post(JSON.stringify('x'.repeat(65_534)))).status, 200, 'the largest');
  await until(() => stored('id').length === 1);
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.end('POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n{"a":');
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 413 /, 'two gigabytes are refused unread');
});

test('from= holds for HTTP and datagrams, and a rate for each address', onlyWide, async (t) => {
  const closed = await openEndpoint(t, { parts: '<events from="::1"/>' });
  assert.equal((await closed.post(event('a'))).status, 403);
  await datagram(closed.port, event('b'));
  const largest = JSON.stringify('x'.repeat(8_190));
  for (const text of [`${largest} `, Buffer.from([0x22, 0xff, 0x22]), '{', largest, event('c')]) {
    await datagram(closed.port, text, '::1');
  }
  await until(() => closed.log().includes('id=c'));
  await until(() => closed.stored('id').length === 2);
  assert.deepEqual(closed.stored('COALESCE(raw, event_id)'), [[largest], ['c']]);
  assert.equal(await closed.end(), 0);
  assert.match(closed.log(), /event=events-dropped datagrams=4/);

  const slow = await openEndpoint(t, { parts: '<events maxPerMinute="3" udp="no"/>' });
  const answers = [];
  for (const id of ['a', 'b', 'c', 'd']) answers.push(await slow.post(event(id)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 503],
  );
  assert.equal(answers[3]?.headers['retry-after'], '60');
  await datagram(slow.port, event('udp'));
  await until(() => slow.stored('id').length === 3);

  const many = await openEndpoint(t, { parts: '<events maxPerMinute="3" udp="no"/>' });
  const batch = JSON.stringify({
    source: 'x',
    events: Array.from({ length: 100 }, () => ({ service: 'backup', status: 'OK' })),
  });
  assert.deepEqual([(await many.post(batch)).status, (await many.post(batch)).status], [200, 503]);

  // A proxy of this machine that config.xml does not name forwards requests of strangers.
  const near = await openEndpoint(t, { parts: '<events from="::1,127.0.0.1"/>' });
  assert.equal((await near.post(event('near'))).status, 200);
  assert.equal((await near.post(event('far'), { 'X-Forwarded-For': '203.0.113.9' })).status, 403);
});

test('events are acknowledged while the database is locked, and survive SIGKILL and SIGTERM', async (t) => {
  const dir = configFolder(t, '<config></config>');
  const first = await openEndpoint(t, {}, dir);
  assert.equal((await first.post(event('before'))).status, 200);
  const database = openBeside(path.join(dir, 'state', 'fleet.db'));
  database.exec('BEGIN IMMEDIATE');
  assert.equal((await first.post(event('locked-1'))).status, 200);
  assert.equal((await first.post(event('locked-2'))).status, 200);
  await until(() => first.log().includes('event=events-waiting'));
  await first.end('SIGKILL');

  const second = await openEndpoint(t, {}, dir);
  assert.equal((await second.post(event('locked-3'))).status, 200);
  assert.equal(await second.end(), 0);
  assert.match(second.log(), /event=serve-stopped/);
  database.exec('ROLLBACK');
  database.close();

  const third = await openEndpoint(t, {}, dir);
  await until(() => third.stored('id').length === 4);
  assert.deepEqual(third.stored('event_id').flat(), ['before', 'locked-1', 'locked-2', 'locked-3']);
});

test('no event that was acknowledged is missing or there twice, wherever the server is killed', onlyWide, async (t) => {
  const dir = configFolder(t, '<config></config>');
  const size = { wanted: isLong ? 10_000 : 600, posters: 32, longestMs: 900 };
  const stored = (): Promise<readonly string[]> => Promise.resolve(storedIn(dir, 'description').flat().map(String));
  await assertNoneLost(t, { dir, stored, ...size });
});

test('without a config.xml the server warns, and takes events on defaults', onlyWide, async (t) => {
  const dir = tempFolder(t);
  const child = startCli(['serve'], { cwd: dir });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'close');
  await until(() => log.includes('event=serve-started') || log.includes('listen-failed'));
  assert.match(
    log,
    /event=config-missing level=WARNING message="config\.xml does not exist\. Only events are served: [^"]* `fleet-health init`\. Without -c FILE it is \.\/config\.xml, or else \/etc\//,
  );
  if (log.includes('listen-failed')) {
    t.skip('port 5151 is in use');
    return;
  }
  for (const path of ['/', '/c/web-1', '/metrics', '/api/status']) {
    const page = await fetch(`http://127.0.0.1:5151${path}`);
    assert.equal(page.status, 404);
    assert.match(await page.text(), /^config\.xml does not exist\. Only events are served: .*`fleet-health init`/);
  }
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  const named = await outcomeOf(startCli(['-c', 'other.xml', 'serve'], { cwd: dir }));
  assert.match(named.stderr, /other\.xml does not exist/);
});
