/** The mode `spoke`, tested with requests like a collector's. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { ModeStatus } from '../../src/agent-program/mode-context.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import { runSpoke } from '../../src/agent-program/spoke/spoke.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { postSigned, type SignedAnswer, type SignedPost } from '../../src/platform/signed-post.ts';
import { FrameParser } from '../../src/report/frames.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import {
  acknowledgePath,
  contentDigest,
  encodePolledVisit,
  encodePushHeader,
  pushLimits,
  pushMarker,
  pushPath,
  requestMac,
  sha256,
} from '../../src/report/seal/push.ts';
import { maxSealedBytes, readHeader } from '../../src/report/seal/sealed-message.ts';
import { freePort } from '../support/servers/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';

const key = Buffer.alloc(32, 7);

/** Starts a spoke on a port of its own. `more` goes into agent.json, `spoke` into its key "spoke". */
async function startSpoke(t: TestContext, more: object = {}, spoke: object = {}) {
  const dir = tempFolder(t);
  const file = path.join(dir, 'agent.json');
  const port = await freePort();
  const content = {
    client: 'web-1',
    collector: randomUUID(),
    publicKey: Buffer.from(generateKeyPair().publicKey).toString('base64url'),
    pushKey: key.toString('base64url'),
    spoke: { listen_address: '127.0.0.1', ip_bind_port: port, ...spoke },
    state_directory: path.join(dir, 'state'),
    ...more,
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const settings = readSettings(file);
  const stop = new AbortController();
  const lines: string[] = [];
  let status: ModeStatus | null = null;
  const note = (line: string): number => lines.push(line);
  const running = new Promise<void>((resolve, reject) => {
    runSpoke({
      settings,
      place: tempFolder(t),
      log: {
        event: (event) => void note(event),
        problem: (event, { reason }) => void note(`${event} ${String(reason)}`),
      },
      signal: stop.signal,
      send: false,
      everyMs: null,
      to: null,
      ready: resolve,
      note: (noted) => (status = noted),
    }).catch(reject);
  });
  t.after(() => stop.abort());
  await running;
  const url = new URL(`http://127.0.0.1:${port}`);
  const post = (body: Buffer, other: Partial<SignedPost> = {}): Promise<SignedAnswer> => {
    const target = other.path ?? pushPath;
    const { signal } = stop;
    const common = { client: 'web-1', key, body, signal, maxAnswerBytes: 1e7, agent: false } as const;
    return postSigned({ ...common, path: target, url: new URL(target, url), ...other });
  };
  const visit = async (takesReport = true): Promise<readonly string[]> => {
    const answer = await post(encodePolledVisit({ takesReport, timeoutMs: 60_000, after: null }));
    assert.ok(answer.isSigned);
    return reportIdsIn(answer.body);
  };
  const acknowledge = async (ids: readonly string[]): Promise<void> => {
    const hex = ids.map((id) => id.replaceAll('-', '')).join('');
    const body = Buffer.concat([randomBytes(16), pushMarker, Buffer.from(hex, 'hex')]);
    assert.ok((await post(body, { path: acknowledgePath })).isSigned);
  };
  return { url, port, post, visit, acknowledge, lines, status: () => status };
}

function reportIdsIn(stream: Buffer): readonly string[] {
  const parser = new FrameParser({
    ...{ marker: pushMarker, maxGreetingBytes: 0, maxReportBytes: maxSealedBytes },
    ...pushLimits,
  });
  const frames = parser.push(stream);
  assert.deepEqual([frames.at(0)?.type, frames.at(-1)?.type], ['H', 'E']);
  return frames.filter(({ type }) => type === 'R').map(({ payload }) => readHeader(payload).reportId);
}

test('a visit takes a report, and every report comes again until it is acknowledged', async (t) => {
  const { visit, acknowledge, status, lines } = await startSpoke(t);
  const [first = ''] = await visit();
  assert.deepEqual(await visit(false), [first]);
  const both = await visit();
  assert.deepEqual([both.length, both[1], status()?.queue], [2, first, 2]);
  // An id of another machine removes no report.
  await acknowledge([randomUUID()]);
  await acknowledge([first]);
  assert.deepEqual(await visit(false), both.slice(0, 1));
  await acknowledge(both);
  assert.deepEqual(await visit(false), []);
  assert.equal(status()?.queue, 0);
  assert.ok(lines.includes('visited') && lines.includes('acknowledged'));
});

test('whoever does not know the key learns nothing and changes nothing', async (t) => {
  const { visit, post, url, lines } = await startSpoke(t);
  const ids = await visit();
  const body = encodePolledVisit({ takesReport: true, timeoutMs: 60_000, after: null });
  const time = Math.floor(Date.now() / 1000);
  const request = async (sent: Buffer, digestOf: Buffer, mac: string, client = 'web-1'): Promise<string> => {
    const headers = {
      'Content-Digest': contentDigest(sha256(digestOf)),
      'Fleet-Health': encodePushHeader({ client, time, mac }),
    };
    const answer = await fetch(new URL(pushPath, url), { method: 'POST', body: new Uint8Array(sent), headers });
    return `${answer.status} ${answer.headers.get('content-length')} ${await answer.text()}`;
  };
  const mac = requestMac(key, time, sha256(body).toString('hex'));
  const refused = /^401 \d+ This is no request of the collector of this machine\.\n$/;
  const first = await request(body, body, 'f'.repeat(64));
  assert.match(first, refused);
  const ofPath = requestMac(key, time, sha256(body).toString('hex'), acknowledgePath);
  for (const answer of [
    await request(body, body, mac, 'web-2'),
    await request(body, body, ofPath),
    await request(Buffer.from(`${body.toString()} `), body, mac),
    await fetch(new URL(pushPath, url), { method: 'POST', body: 'x' }).then(
      async (none) => `${none.status} ${none.headers.get('content-length')} ${await none.text()}`,
    ),
  ])
    assert.equal(answer, first);
  // A recorded request that is sent again takes no second report.
  assert.match(await request(body, body, mac), /^200 /);
  assert.equal(await request(body, body, mac), first);
  assert.ok(lines.includes('refused the same request was made before'));
  assert.equal((await visit(false)).length, ids.length + 1);
  assert.equal((await post(Buffer.alloc(1_000_000), { path: acknowledgePath })).status, 413);
  assert.equal((await post(Buffer.from('{}'))).status, 400);
});

test('a machine that is not enrolled shows its report, and answers no collector', async (t) => {
  const { post, url } = await startSpoke(t, { collector: undefined, publicKey: undefined, pushKey: undefined });
  assert.equal((await post(encodePolledVisit({ takesReport: true, timeoutMs: 60_000, after: null }))).status, 401);
  const shown = await fetch(new URL('/pattoo-os', url));
  const { agent_id: id, devices } = (await shown.json()) as { readonly agent_id: string; readonly devices: object };
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(Object.keys(devices).length, 1);
});

test('a report in clear is shown to this machine alone, and asking often takes one', async (t) => {
  const { url, port } = await startSpoke(t);
  const get = (headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(new URL('/pattoo-os', url), { headers });
  const [one, other] = [await (await get()).text(), await (await get()).text()];
  assert.equal(one, other);
  assert.equal((await get({ 'X-Forwarded-For': '192.0.2.1' })).status, 403);
  // fetch always sets Host to the address. The raw request has another host name, as in DNS rebinding by a web page.
  const socket = connect(port, '127.0.0.1');
  socket.end('GET /pattoo-os HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n');
  const [first] = (await once(socket, 'data')) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1\.1 403 /);
  const open = await startSpoke(t, {}, { clear: true });
  const answer = await fetch(new URL('/pattoo-os', open.url), { headers: { 'X-Forwarded-For': '192.0.2.1' } });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  assert.equal((await fetch(new URL('/other', url))).status, 404);
  assert.equal((await fetch(new URL(pushPath, url))).status, 405);
});

test('connections that say nothing stop no visit', async (t) => {
  const { visit, port } = await startSpoke(t);
  const slow = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
  for (const socket of slow) socket.on('error', () => undefined);
  t.after(() => slow.map((socket) => socket.destroy()));
  await Promise.all(slow.map((socket) => once(socket, 'connect')));
  assert.equal((await visit()).length, 1);
});

test('a port in use ends the mode and says what to do', async (t) => {
  const { port } = await startSpoke(t);
  await assert.rejects(startSpoke(t, {}, { ip_bind_port: port }), (thrown) => {
    assert.ok(thrown instanceof FleetError);
    assert.deepEqual(
      [thrown.code, /another listen_address or ip_bind_port/.test(thrown.advice)],
      ['listen-failed', true],
    );
    return true;
  });
});

for (const [spoke, says] of [
  [{ listen_address: 'localhost' }, /"spoke\.listen_address" must be an IP address/],
  [{ listen_address: [] }, /"spoke\.listen_address" must be an IP address/],
  [{ ip_bind_port: 0 }, /"spoke\.ip_bind_port" must be from 1/],
  [{ bind_port: 5000 }, /"spoke\.bind_port" is not known/],
] as const) {
  test(`${JSON.stringify(spoke)} is refused`, async (t) => {
    await assert.rejects(startSpoke(t, {}, { listen_address: undefined, ip_bind_port: undefined, ...spoke }), says);
  });
}

test('the addresses are those of pattoo-os, and of this machine alone where none is named', () => {
  const addressesOf = (listen: string | readonly string[] | undefined): readonly string[] => {
    const file = path.join(tempFolder(), 'agent.json');
    writeFileSync(file, JSON.stringify({ spoke: { listen_address: listen } }), { mode: 0o600 });
    return readSettings(file).spoke.addresses;
  };
  assert.deepEqual(addressesOf(undefined), ['127.0.0.1', '::1']);
  assert.deepEqual(['0.0.0.0', '0::', '::'].map(addressesOf), [['0.0.0.0'], ['::'], ['::']]);
  assert.deepEqual(addressesOf(['0.0.0.0', '0::']), ['0.0.0.0', '::']);
});
