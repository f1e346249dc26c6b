/** The link of a site, one file at a time: what each answer of the other collector means. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { maxParallel, siteLink } from '../../../src/collector/forward/site-link.ts';
import { tryForward } from '../../../src/collector/forward/try-forward.ts';
import { answerMac, encodeAnswerHeader, parsePushHeader, type PushHeader } from '../../../src/report/seal/push.ts';
import { tempFolder } from '../../support/temp-folder.ts';

interface Asked extends Pick<IncomingMessage, 'method' | 'url'> {
  readonly header: PushHeader | null;
  readonly body: string;
}
const asked: Asked[] = [];
let status = 200;
let isSigned = true;
const pushKey = Buffer.alloc(32, 7);
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const header = parsePushHeader(String(request.headers['fleet-health']));
    const { method, url } = request;
    asked.push({ method, url, header, body: Buffer.concat(chunks).toString() });
    const key = isSigned ? pushKey : Buffer.alloc(32);
    const mac = answerMac(key, header?.mac ?? '', Buffer.alloc(0));
    response.writeHead(status, { 'Fleet-Health': encodeAnswerHeader(mac) }).end();
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const key = { site: 'fra', publicKey: Buffer.alloc(32), pushKey };
const { signal } = new AbortController();
const file = { folder: 'web 1', name: 'a.fhs', body: Buffer.from('sealed') };

/** Puts a file over a link to a path of the server that answers this. */
async function putTo(url: string, answer: number) {
  status = answer;
  asked.length = 0;
  const link = siteLink(`${origin}${url}`, key);
  return await link.put(file, signal).finally(() => link.close());
}

for (const [what, url, prefix] of [
  ['no path', '', ''],
  ['the path of pushes', '/v1/visit', ''],
  ['the path of a proxy', '/fleet/', '/fleet'],
  ['the path of a proxy and that of pushes', '/fleet/v1/visit', '/fleet'],
] as const) {
  test(`a file goes to its folder in the inbox, over a URL with ${what}`, async () => {
    assert.deepEqual(await putTo(url, 200), { kind: 'taken' });
    const [{ method, url: put, header, body } = assert.fail()] = asked;
    assert.deepEqual([method, put, body], ['PUT', `${prefix}/v1/inbox/web%201/a.fhs`, 'sealed']);
    assert.equal(header?.client, '!fra', 'the sender is the site');
  });
}

for (const [answer, kind] of [
  [403, 'refused'],
  [507, 'refused'],
  [429, 'busy'],
  [503, 'busy'],
] as const) {
  test(`the answer ${answer} means that the other collector ${kind === 'busy' ? 'is busy' : 'refuses it'}`, async () => {
    const put = await putTo('', answer);
    assert.equal(put.kind, kind);
    if (put.kind !== 'busy') return;
    const { code, message } = put.fault;
    assert.deepEqual([code, message], ['push-failed', `${origin}/ answered ${answer}`]);
  });
}

for (const [answer, advice] of [
  [401, /^Put the file of <forward key> here that `fleet-health enroll fra --site` prints on the other collector now/],
  [404, /^Upgrade Fleet Health on the other collector to the version of this site, write <push\/> into its <serve>/],
  [405, /^Upgrade Fleet Health on the other collector/],
  [413, /^Let the proxy in front of the collector take bodies of 2 MiB\.$/],
  [302, /follows no redirection\.$/],
  [500, /^Look into the log of `fleet-health serve` on the collector\.$/],
  [201, /^Look into the log/],
] as const) {
  test(`the answer ${answer} is a fault of the link that says what to do`, async () => {
    const message = `${origin}/ answered ${answer}`;
    const fault = { name: 'FleetError', code: 'push-failed', stage: 'run', message, advice };
    await assert.rejects(putTo('', answer), fault);
  });
}

test('a file has its ten seconds, however little time is left', async () => {
  status = 200;
  const link = siteLink(origin, key);
  assert.deepEqual(await link.put(file, signal, 0).finally(() => link.close()), { kind: 'taken' });
});

test('an acknowledgement that is not of the other collector counts as none', async (t) => {
  isSigned = false;
  t.after(() => (isSigned = true));
  await assert.rejects(putTo('', 200), { code: 'push-failed', message: `${origin}/ is not the collector` });
});

test('the URL is shown without its password, and a link sends at most eight files at a time', () => {
  const link = siteLink('http://me:secret@hq:8080/v1/visit', key);
  assert.equal(link.url, 'http://hq:8080/v1/visit');
  assert.equal(maxParallel, 8);
  link.close();
});

test('a trial puts an empty document, and a collector that is busy or refuses the key fails it', async () => {
  const keyFile = path.join(tempFolder(), 'key.json');
  const texts = { site: 'fra', publicKey: key.publicKey.toString('base64url'), pushKey: pushKey.toString('base64url') };
  writeFileSync(keyFile, JSON.stringify(texts), { mode: 0o600 });
  for (const [answer, message] of [
    [200, null],
    [403, null],
    [503, `${origin}/ answered 503`],
    [401, `${origin}/ answered 401`],
  ] as const) {
    status = answer;
    asked.length = 0;
    const tried = tryForward({ url: origin, keyFile }, signal);
    if (message === null) await tried;
    else await assert.rejects(tried, { code: 'push-failed', message });
    assert.deepEqual([asked[0]?.url, asked[0]?.body], ['/v1/inbox/collector/000000000000000-trial.json', '']);
  }
});
