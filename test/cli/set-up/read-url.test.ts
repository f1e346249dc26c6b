import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { readUrl } from '../../../src/cli/set-up/read-url.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { openReceiver, type ReceiverAnswer } from '../../support/servers/http-receiver.ts';
import { runCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const { signal } = new AbortController();
const limits = { timeoutMs: 60_000, maxBytes: 256 * 1024 };
const endless: ReceiverAnswer = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  socket.write('['.repeat(512 * 1024));
};

const tiny: ReceiverAnswer = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  socket.write('1\r\n[\r\n'.repeat(120_000));
};

const refused: readonly (readonly [what: string, answer: ReceiverAnswer, timeoutMs: number, says: RegExp])[] = [
  ['a status that is no success', { status: 403, body: 'S3CRET' }, 60_000, /^127\.0\.0\.1:\d+: status 403$/],
  ['a body that is too long', endless, 60_000, /: the answer has more than 256 KiB$/],
  ['a body in chunks of one byte', tiny, 60_000, /: the answer comes in parts of a few bytes$/],
  [
    'a compressed body',
    { status: 200, headers: { 'content-encoding': 'gzip' }, body: '[]' },
    60_000,
    /: the answer is compressed, which was not asked for$/,
  ],
  [
    'a redirect to another host',
    { status: 302, headers: { location: 'http://S3CRET.example.org/' } },
    60_000,
    /: it redirects to another host: give that one$/,
  ],
  ['no answer in time', () => undefined, 50, /: no answer within 0\.05 s$/],
  [
    'a redirect to a file',
    { status: 302, headers: { location: 'file:///etc/passwd' } },
    60_000,
    /: the request failed$/,
  ],
];
for (const [what, answer, timeoutMs, says] of refused) {
  test(`a list at a web address is refused, and its token not shown: ${what}`, async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => answer);
    const url = `${receiver.origin.replace('//', '//ann:S3CRET@')}/sd?token=S3CRET`;
    await assert.rejects(readUrl(url, signal, { ...limits, timeoutMs }), (thrown: unknown) => {
      assert.ok(thrown instanceof FleetError);
      assert.equal(thrown.code, 'import-unreadable');
      assert.match(thrown.message, says);
      assert.doesNotMatch(thrown.message, /S3CRET/);
      return true;
    });
  });
}

test('import http-sd reads a web address with its login, and names what is new and changed', async (t) => {
  const receiver = await openReceiver(t);
  const list = [
    { targets: ['web-1'], labels: { env: 'prod' } },
    { targets: ['web-2'], labels: { env: 'prod' } },
    { targets: ['web-3'], labels: {} },
  ];
  receiver.act(() => ({ status: 200, body: JSON.stringify(list) }));
  const url = `${receiver.origin.replace('//', '//ann:pw@')}/sd`;
  const xml = await succeeded(runCli(['import', 'http-sd', url]));
  assert.equal(xml.split('\n')[0], '<client name="web-1" labels="env=prod"/>');
  const login = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
  assert.deepEqual([receiver.received[0]?.path, receiver.received[0]?.headers.authorization], ['/sd', login]);
  const out = path.join(tempFolder(t), 'clients.xml');
  const written = '<client name="web-1" labels="env=test role=web"/><client name="web-3" labels="role=db" on="web-1"/>';
  writeFileSync(out, `<config labels="site=ber">${written}</config>`);
  assert.equal(
    await succeeded(runCli(['import', 'http-sd', url, '--update', out])),
    'changed: web-1: labels env=test -> env=prod\nnew:\n  <client name="web-2" labels="env=prod"/>\n',
  );
  receiver.act(() => ({ status: 200, body: '{}' }));
  const { status, stderr } = await runCli(['import', 'http-sd', url]);
  assert.equal(status, 2);
  assert.match(stderr, /127\.0\.0\.1:\d+: it is no list of targets/);
});

test('a redirect to the same host is followed, and its login goes to the same origin alone', async (t) => {
  const [receiver, other] = [await openReceiver(t), await openReceiver(t)];
  receiver.act(({ path: asked }) => ({
    status: 302,
    headers: { location: asked === '/' ? '/here' : `${other.origin}/there` },
  }));
  other.act(() => ({ status: 200, body: '[]' }));
  const { body } = await readUrl(receiver.origin.replace('//', '//ann:pw@'), signal, limits);
  assert.equal(body.toString(), '[]');
  assert.deepEqual(
    [...receiver.received, ...other.received].map(({ path: asked, headers }) => [asked, headers.authorization ?? null]),
    [
      ['/', 'Basic YW5uOnB3'],
      ['/here', 'Basic YW5uOnB3'],
      ['/there', null],
    ],
  );
});

test('--password-file keeps the password of a web address off the command line', async (t) => {
  const receiver = await openReceiver(t);
  receiver.act(() => ({ status: 200, body: '[{"targets":["web-1"]}]' }));
  const file = path.join(tempFolder(t), 'password');
  writeFileSync(file, 'p@ss/wörd\n', { mode: 0o600 });
  const named = receiver.origin.replace('//', '//ann@');
  const passwordFile = ['--password-file', file];
  assert.match(await succeeded(runCli(['import', 'http-sd', named, ...passwordFile])), /name="web-1"/);
  const login = `Basic ${Buffer.from('ann:p@ss/wörd').toString('base64')}`;
  assert.equal(receiver.received[0]?.headers.authorization, login);
  for (const address of [receiver.origin, named.replace('ann', 'ann:x'), file]) {
    const { status, stderr } = await runCli(['import', 'http-sd', address, ...passwordFile]);
    assert.deepEqual([status, /--password-file is for/.test(stderr)], [2, true], stderr);
  }
  chmodSync(file, 0o644);
  const { status, stderr } = await runCli(['import', 'http-sd', named, ...passwordFile]);
  assert.deepEqual([status, /the secret file .*password/.test(stderr)], [2, true], stderr);
});
