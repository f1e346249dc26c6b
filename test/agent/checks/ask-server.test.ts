/** The checks of servers by the agent for Node.js; servers.test.ts has many more servers, and both agents. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';

import { arpaName } from '../../../agent/checks/ask-dns.ts';
import { askServer } from '../../../agent/checks/ask-server.ts';
import { addressesIn } from '../../../agent/checks/dial.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup';
const pages: Readonly<Record<string, (socket: Socket) => void>> = {
  ok: (socket) => socket.end(ok),
  bad: (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'),
  same: (socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n'),
  other: (socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n'),
  closes: (socket) => socket.end(),
  stalls: () => undefined,
};

test('a web server is asked, once more if nothing answered, and never longer than allowed', async (t) => {
  const counts: Record<string, number> = {};
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (chunk) => {
      const [, page = ''] = /^GET \/(\w*)/.exec(chunk.toString()) ?? [];
      counts[page] = (counts[page] ?? 0) + 1;
      // The first answer to `flaps` is lost.
      (page === 'flaps' ? pages[counts[page] === 1 ? 'closes' : 'ok'] : pages[page])?.(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const base = `url=http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked = async (page: string, ...words: readonly string[]): Promise<string> => {
    const { exit, output } = await askServer(['http', `${base}/${page}`, ...words], 3000);
    const told = output.toString().split('\n');
    return [exit, ...told.filter((line) => /^(first|fault|status|lacks|has|location|bytes)=/.test(line))].join(' ');
  };
  const said = await Promise.all([
    asked('ok', 'contains=up', 'lacks=down'),
    asked('ok', 'contains=down', 'lacks=u'),
    asked('bad'),
    asked('same'),
    asked('other'),
    asked('flaps'),
    asked('closes'),
    asked('stalls'),
  ]);
  assert.deepEqual(said, [
    '0 status=200 OK bytes=2',
    '0 status=200 OK bytes=2 lacks=down has=u',
    '0 status=502 Bad Gateway bytes=0',
    '0 status=200 OK bytes=2',
    '0 location=http://127.0.0.2/ status=302 Found bytes=0',
    '0 first=answer ECONNRESET socket hang up status=200 OK bytes=2',
    '1 first=answer ECONNRESET socket hang up fault=answer ECONNRESET socket hang up',
    '1 fault=answer timeout',
  ]);
  assert.deepEqual([counts['bad'], counts['flaps'], counts['closes'], counts['stalls']], [1, 2, 2, 1]);
});

test('an address is looked up under its name', () => {
  assert.equal(arpaName('192.0.2.7'), '7.2.0.192.in-addr.arpa');
  assert.equal(arpaName('2001:db8::1'), `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`);
  assert.equal(arpaName('::'), `${'0.'.repeat(32)}ip6.arpa`);
  assert.equal(arpaName('a.example'), 'a.example');
});

test('a name of /etc/hosts needs no resolver', () => {
  const hosts =
    '# 192.0.2.9 web\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n192.0.2.1 Web.example.org web # db\n\n';
  assert.deepEqual(addressesIn(hosts, 'localhost', 0), ['127.0.0.1', '::1']);
  assert.deepEqual(addressesIn(hosts, 'LOCALHOST', 6), ['::1']);
  assert.deepEqual(addressesIn(hosts, 'web.example.org', 4), ['192.0.2.1']);
  for (const name of ['db', 'example.org', '192.0.2.1', '']) assert.deepEqual(addressesIn(hosts, name, 0), [], name);
});
