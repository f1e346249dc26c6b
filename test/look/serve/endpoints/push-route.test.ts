import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { newPushKey, writePushKeys } from '../../../../src/state-folder/push-keys.ts';
import { openReceiver } from '../../../../src/collector/receive/receiver.ts';
import { openSqlite } from '../../../../src/platform/sqlite.ts';
import { postSigned } from '../../../../src/platform/signed-post.ts';
import {
  contentDigest,
  encodePushHeader,
  maxPushBytes,
  pushPath,
  requestMac,
  sha256,
} from '../../../../src/report/seal/push.ts';
import { generateKeyPair } from '../../../../src/report/seal/key-pair.ts';
import type { RefusedPush } from '../../../../src/look/serve/endpoints/push-route.ts';
import { statePaths } from '../../../../src/state-folder/paths.ts';
import { makeClient, makeConfig, makeFleet } from '../../../support/fleets/fleet.ts';
import { startPushServer } from '../../../support/fleets/push-server.ts';
import { acknowledgedIn, pushedStream } from '../../../support/clients/pushed-stream.ts';
import { sealedSample } from '../../../support/clients/sealed-report.ts';

const names = ['web-1', 'web-2', 'web-3'] as const;

interface Signed {
  readonly body: Buffer;
  readonly client?: (typeof names)[number];
  readonly time?: number;
  readonly bytes?: number;
  /** Default: the server of this endpoint. */
  readonly url?: string;
}

/** Starts a server with the push route alone, for three clients that push. */
async function endpoint(t: TestContext, collector: Parameters<typeof makeConfig>[2] = {}) {
  const fleet = makeFleet();
  const clients = names.map((name) => makeClient(name, { arrival: { kind: 'comes', everyMs: 300_000 } }));
  const config = makeConfig(fleet.stateDir, clients, collector);
  const { keyRing } = await openReceiver(config, Date.now());
  const keys = names.map((name) => newPushKey(name, Date.now()));
  writePushKeys(statePaths(fleet.stateDir).pushKeys, keys);
  const refusals: string[] = [];
  const onRefused = ({ client, status, reason }: RefusedPush): void => {
    refusals.push(`${client ?? '-'} ${status} ${reason}`);
  };
  const { server, url: own } = await startPushServer(t, { settings: () => config, onRefused });
  const keyOf = (client: string): Buffer =>
    Buffer.from(keys.find((one) => one.client === client)?.key ?? '', 'base64url');
  const begin = ({ body, client = 'web-1', time = 1, bytes = body.length, url = own }: Signed): ClientRequest => {
    const digest = sha256(body);
    const key = keyOf(client);
    const mac = requestMac(key, time, digest.toString('hex'));
    const headers = {
      'Content-Length': bytes,
      'Content-Digest': contentDigest(digest),
      'Fleet-Health': encodePushHeader({ client, time, mac }),
    };
    const asked = request(`${url}/v1/visit`, { method: 'POST', agent: false, headers });
    asked.on('error', () => undefined);
    return asked;
  };
  const ended = async (asked: ClientRequest) => {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const { statusCode: status, headers } = response;
    return { status, retryAfter: headers['retry-after'], body: Buffer.concat(chunks) };
  };
  /** Sends headers and a byte, and waits until the server reads. */
  const hang = async (signed: Signed): Promise<ClientRequest> => {
    const asked = begin(signed);
    asked.write('x');
    const [incoming] = (await once(server, 'request')) as [IncomingMessage];
    while (incoming.readableFlowing === null && incoming.listenerCount('readable') === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return asked;
  };
  const push = (signed: Signed) => ended(begin(signed).end(signed.body));
  const { id, publicKey } = keyRing.sealing;
  const sample = (client = 'web-1') =>
    sealedSample({ key: { ...generateKeyPair(), id, publicKey }, inside: { client } });
  const rotate = (): void => {
    keys[0] = newPushKey('web-1', Date.now());
    writePushKeys(statePaths(fleet.stateDir).pushKeys, keys);
  };
  return { fleet, config, keyOf, rotate, begin, ended, hang, push, sample, refusals, url: own };
}

/** Deletes the rows of reports and visits, and the files that they were made of, as the retention does in time. */
function forget({ stateDir }: { readonly stateDir: string }): void {
  fs.rmSync(statePaths(stateDir).stored, { recursive: true });
  const database = openSqlite(path.join(stateDir, 'fleet.db'));
  for (const table of ['stats', 'visits']) database.exec(`DELETE FROM ${table}`);
  database.close();
}

function answerOf({ status, body }: { readonly status: number | undefined; readonly body: Buffer }) {
  return [status, body.toString()];
}

// The first test: a timer that is made before the clock is replaced cannot be cleared after.
test('a sender that is known has 60 s for its body, and recorded headers have 5 s', { timeout: 60_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { hang, ended, push } = await endpoint(t);
  const body = Buffer.alloc(1000, 'x');
  const slow = await hang({ body, time: 10 });
  t.mock.timers.tick(59_000);
  assert.equal((await ended(slow.end(body.subarray(1)))).status, 200);
  for (const time of [9, 10]) {
    const recorded = await hang({ body, time });
    t.mock.timers.tick(5_000);
    assert.equal((await ended(recorded)).status, 408);
  }
  const sameSecond = await hang({ body: Buffer.alloc(800, 'x'), time: 10 });
  t.mock.timers.tick(59_000);
  assert.equal((await ended(sameSecond.end(Buffer.alloc(799, 'x')))).status, 200);
  // A clock that is far ahead and is corrected afterwards.
  const time = Math.floor(Date.now() / 1000) + 7200;
  const ahead = await hang({ body, time });
  assert.equal((await ended(ahead.end(body.subarray(1)))).status, 200);
  assert.deepEqual(answerOf(await push({ body: Buffer.alloc(700, 'x'), time: 11 })), [409, `${time}\n`]);
  const late = await hang({ body: Buffer.alloc(700, 'x'), time: time + 1 });
  t.mock.timers.tick(59_000);
  assert.equal((await ended(late.end(Buffer.alloc(699, 'x')))).status, 200);
});

test('recorded headers with a slow body keep no push of the client away', { timeout: 60_000 }, async (t) => {
  const { hang, push, ended, begin, sample } = await endpoint(t);
  const recorded = Buffer.alloc(1000, 'x');
  const slow = await hang({ body: recorded });
  // A second request with the same headers is refused at once while the first is read.
  const again = await ended(begin({ body: recorded }).end(recorded));
  assert.deepEqual([again.status, again.retryAfter], [429, '60']);
  const { reportId, sealed } = sample();
  const { status, body } = await push({ body: pushedStream({ sealed: [sealed] }) });
  assert.deepEqual([status, acknowledgedIn(body)], [200, [reportId]]);
  // A third body of the client must wait.
  const other = await hang({ body: Buffer.alloc(1000, 'y') });
  assert.equal((await push({ body: pushedStream({ sealed: [sample().sealed] }), time: 2 })).status, 429);
  for (const one of [slow, other]) one.destroy();
});

test('two large bodies of one client that are slow keep no push of another away', { timeout: 60_000 }, async (t) => {
  const { begin, ended, push, sample } = await endpoint(t);
  const slow = ['x', 'y'].map((letter) => {
    const body = Buffer.alloc(maxPushBytes, letter);
    const asked = begin({ body });
    asked.write(body.subarray(1));
    return ended(asked).then(({ status }) => ({ status, asked }));
  });
  // The client may hold one such body: the other is refused, and its memory is free.
  const { status } = await Promise.race(slow);
  assert.equal(status, 429);
  const { reportId, sealed } = sample('web-2');
  const other = await push({ client: 'web-2', body: pushedStream({ sealed: [sealed] }) });
  assert.deepEqual([other.status, acknowledgedIn(other.body)], [200, [reportId]]);
});

test(
  'bodies beyond the bound are refused before they are read, and the bound is free again after',
  { timeout: 60_000 },
  async (t) => {
    const { begin, hang, ended, push, sample } = await endpoint(t);
    const large = Buffer.alloc(maxPushBytes, 'x');
    const first = await hang({ body: large });
    const second = await hang({ body: large, client: 'web-2' });
    // Headers that an eavesdropper has recorded reserve nothing.
    assert.equal((await push({ body: pushedStream({ sealed: [sample().sealed] }) })).status, 200);
    first.write(large.subarray(1, -1));
    second.write(large.subarray(1, -1));
    // Waits until the server has read both, by bodies that are not those of their headers: no rate counts them.
    const strange = () => ended(begin({ body: Buffer.alloc(9), client: 'web-3' }).end('not these'));
    let refused = await strange();
    while (refused.status !== 503) refused = await strange();
    assert.deepEqual([refused.status, refused.retryAfter], [503, '60']);
    first.end(large.subarray(-1));
    assert.equal((await ended(first)).status, 200);
    second.destroy();
    const { sealed } = sample('web-3');
    const body = pushedStream({ sealed: [sealed] });
    assert.equal((await push({ body, client: 'web-3' })).status, 200);
  },
);

test('a recorded push that is sent again and again is refused, and the next one of the client is not', async (t) => {
  const { push, sample, fleet } = await endpoint(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  const answers: (number | undefined)[] = [];
  for (let index = 0; index < 100; index += 1) answers.push((await push({ body })).status);
  assert.deepEqual([answers.slice(0, 2), [...new Set(answers.slice(2))]], [[200, 200], [429]]);
  assert.equal((await push({ body: pushedStream({ sealed: [sample().sealed] }), time: 2 })).status, 200);
  assert.equal(fleet.sealedFiles().length, 2);
  // Different requests are limited as well.
  const many: (number | undefined)[] = [];
  for (let time = 3; time < 103; time += 1) many.push((await push({ body, time })).status);
  assert.deepEqual([many[0], many.includes(429)], [200, true]);
  assert.equal((await push({ body: pushedStream({ sealed: [] }), client: 'web-2' })).status, 200);
});

test('a recorded push is refused once a newer one has come, also by another process, without its rows', async (t) => {
  const { push, sample, fleet, config, refusals } = await endpoint(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  assert.equal((await push({ body, time: 100 })).status, 200);
  await fleet.collect(config.clients);
  forget(fleet);
  const restarted = await startPushServer(t, { settings: () => config, onRefused: () => undefined });
  assert.deepEqual(answerOf(await push({ body, time: 100, url: restarted.url })), [409, '100\n']);
  const next = pushedStream({ sealed: [sample().sealed] });
  // Several requests of one second are no recordings of each other.
  for (const time of [101, 101]) {
    const other = pushedStream({ sealed: [sample().sealed] });
    assert.equal((await push({ body: other, time, url: restarted.url })).status, 200);
  }
  assert.equal((await push({ body: next, time: 102 })).status, 200);
  await fleet.collect(config.clients);
  forget(fleet);
  assert.deepEqual(answerOf(await push({ body, time: 100 })), [409, '102\n']);
  assert.match(refusals.at(-1) ?? '', /^web-1 409 its time is not newer than 102, /);
  await fleet.collect(config.clients);
  assert.deepEqual([await fleet.count('stats'), await fleet.count("visits WHERE reader = 'push'")], [0, 0]);
  // Another client has times of its own.
  assert.equal((await push({ body: pushedStream({ sealed: [] }), client: 'web-2', time: 1 })).status, 200);
});

test('a client whose clock was set back pushes on', async (t) => {
  const { url, sample, refusals, push, keyOf } = await endpoint(t);
  const time = Math.floor(Date.now() / 1000) + 86_400 - 60;
  assert.equal((await push({ body: pushedStream({ sealed: [sample().sealed] }), time })).status, 200);
  for (const { reportId, sealed } of [sample(), sample()]) {
    const own = { client: 'web-1', key: keyOf('web-1'), path: pushPath, url: new URL(`${url}/v1/visit`) } as const;
    const limits = { signal: AbortSignal.timeout(20_000), maxAnswerBytes: 1000, agent: false } as const;
    const { status, isSigned, body } = await postSigned({
      ...own,
      ...limits,
      body: pushedStream({ sealed: [sealed] }),
    });
    assert.deepEqual([status, isSigned, acknowledgedIn(body)], [200, true, [reportId]]);
  }
  assert.deepEqual(
    refusals.map((line) => line.slice(0, 9)),
    ['web-1 409', 'web-1 409'],
  );
});

test('no time silences a client: one too far ahead is refused, and a new key has times of its own', async (t) => {
  const { url, sample, refusals, push, keyOf, rotate, config, fleet } = await endpoint(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  const ourTime = Math.floor(Date.now() / 1000);
  for (const time of [999_999_999_999_999, ourTime + 86_400 + 60]) {
    const [status, answered] = answerOf(await push({ body, time }));
    assert.equal(status, 409);
    assert.ok(Math.abs(Number(answered) - ourTime) < 60, String(answered));
    assert.match(refusals.at(-1) ?? '', /^web-1 409 its time \d+ is more than a day ahead of this machine/);
  }
  assert.equal(fleet.sealedFiles().length, 0);
  const paths = statePaths(config.stateDir);
  // The time that an earlier version has taken, read by a server that begins then.
  fs.mkdirSync(paths.pushTimes, { recursive: true });
  fs.writeFileSync(path.join(paths.pushTimes, 'web-1'), '999999999999999\n');
  const restarted = await startPushServer(t, { settings: () => config, onRefused: () => undefined });
  const send = async (to: string) => {
    const own = { client: 'web-1', key: keyOf('web-1'), path: pushPath, url: new URL(`${to}/v1/visit`) } as const;
    const limits = { signal: AbortSignal.timeout(20_000), maxAnswerBytes: 1000, agent: false } as const;
    return (await postSigned({ ...own, ...limits, body: pushedStream({ sealed: [sample().sealed] }) })).status;
  };
  for (const to of [restarted.url, url]) assert.equal(await send(to), 200);
  assert.equal((await push({ body, time: ourTime + 3600 })).status, 200);
  assert.equal((await push({ body: pushedStream({ sealed: [] }), time: ourTime })).status, 409);
  rotate();
  const other = await startPushServer(t, { settings: () => config, onRefused: () => undefined });
  for (const to of [url, other.url]) {
    assert.equal(
      (await push({ body: pushedStream({ sealed: [] }), time: ourTime, url: to })).status,
      to === url ? 200 : 409,
    );
  }
});

test('the newest push of a client is repeated for an hour at most', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { push, sample, fleet } = await endpoint(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  assert.equal((await push({ body })).status, 200);
  t.mock.timers.tick(61 * 60_000);
  assert.deepEqual(answerOf(await push({ body })), [409, '1\n']);
  assert.equal(fleet.sealedFiles().length, 1);
});

test('every refusal is reported with its reason, which the sender does not get', async (t) => {
  const { push, refusals, config, begin, ended, url } = await endpoint(t);
  const body = pushedStream({ sealed: [] });
  const paths = statePaths(config.stateDir);
  const answers = [await push({ body, time: 1 })];
  assert.deepEqual(refusals, []);
  writePushKeys(paths.pushKeys, [newPushKey('web-1', Date.now())]);
  answers.push(await push({ body, time: 2 }), await push({ body, client: 'web-2', time: 2 }));
  answers.push(await ended(request(`${url}/v1/visit`, { method: 'POST' }).end()));
  answers.push(await ended(begin({ body, client: 'nobody' as 'web-1' }).end(body)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 401, 401, 401, 401],
  );
  assert.deepEqual(
    new Set(answers.slice(1).map((answer) => answer.body.toString())),
    new Set(['This is no push of a client that is enrolled here.\n']),
  );
  assert.deepEqual(refusals, [
    'web-1 401 the MAC is wrong: its key was rotated, or is another one',
    'web-2 401 it is not enrolled',
    '- 401 config.xml has no such client',
    'nobody 401 config.xml has no such client',
  ]);
});

test('a wrong MAC and names of all kinds cost the same work, so their answers take the same time', async (t) => {
  const { push, config, fleet } = await endpoint(t);
  const body = pushedStream({ sealed: [] });
  writePushKeys(statePaths(fleet.stateDir).pushKeys, [
    newPushKey('web-1', Date.now()),
    newPushKey('web-3', Date.now()),
  ]);
  // The first request reads the keys that have just been written.
  await push({ body });
  let names = 0;
  for (const client of config.clients) {
    const { name } = client;
    Object.defineProperty(client, 'name', { get: () => ((names += 1), name) });
  }
  const calls = [
    t.mock.method(crypto, 'createHmac'),
    t.mock.method(crypto, 'timingSafeEqual'),
    t.mock.method(fs, 'statSync'),
    t.mock.method(fs, 'readFileSync'),
  ];
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const costOf = async (client: string): Promise<readonly number[]> => {
    for (const { mock } of calls) mock.resetCalls();
    names = 0;
    assert.equal((await push({ body, client: client as 'web-1' })).status, 401);
    return [...calls.map(({ mock }) => mock.callCount()), names];
  };
  // The test's own request computes one MAC as well. web-2 is not enrolled, and web-3 is the last one of config.xml.
  for (const client of ['web-1', 'web-3', 'web-2', 'nobody', 'x'.repeat(300)]) {
    assert.deepEqual(await costOf(client), [2, 1, 1, 0, 0], client.slice(0, 8));
  }
});

test('a push that cannot be kept is answered with 503 and Retry-After, and only the log says why', async (t) => {
  const { push, sample, refusals, config } = await endpoint(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  const paths = statePaths(config.stateDir);
  // The first answer opens the folders.
  assert.equal((await push({ body: pushedStream({ sealed: [] }), client: 'web-2' })).status, 200);
  for (const [time, place] of [paths.encryptedStats, paths.inbox].entries()) {
    fs.rmSync(place, { recursive: true, force: true });
    fs.writeFileSync(place, '');
    const { status, retryAfter, body: said } = await push({ body, time });
    assert.deepEqual([status, retryAfter, String(said)], [503, '60', 'Nothing can be kept here now.\n']);
    fs.rmSync(place);
    assert.match(refusals.at(-1) ?? '', new RegExp(`^web-1 503 .*${place}`));
  }
});

test('a push for which there is no room is answered with 507, and only the log says why', async (t) => {
  const { push, sample, refusals } = await endpoint(t, { spoolBytes: 8192 });
  const bodyOf = (): Buffer => pushedStream({ sealed: [sample().sealed] });
  assert.equal((await push({ body: bodyOf() })).status, 200);
  let full = await push({ body: bodyOf(), time: 2 });
  for (let time = 3; full.status === 200; time++) full = await push({ body: bodyOf(), time });
  assert.deepEqual([full.status, String(full.body)], [507, 'There is no room for this now.\n']);
  assert.match(refusals.at(-1) ?? '', /^web-1 507 .*the limit of <collector spool>/);
});
