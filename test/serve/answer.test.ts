import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { send, words } from '../../src/serve/answer.ts';
import { findRoute, type Route, targetOf } from '../../src/serve/routes.ts';
import { listenOn } from '../support/free-port.ts';

const route = (path: string): Route => ({ path, purpose: null, isPacked: false, answer: () => words(200, path) });
const routes = ['/', '/alerts', '/alerts/#id', '/c/:name', '/api/:name/series'].map(route);

for (const [path, found, parts] of [
  ['/', '/', {}],
  ['/alerts', '/alerts', {}],
  ['/alerts/17', '/alerts/#id', { id: '17' }],
  ['/c/web-1', '/c/:name', { name: 'web-1' }],
  ['/c/a%2Fb%20c', '/c/:name', { name: 'a/b c' }],
  ['/c/%zz', '/c/:name', { name: '%zz' }],
  ['/c/__proto__', '/c/:name', { name: '__proto__' }],
  ['/api/web-1/series', '/api/:name/series', { name: 'web-1' }],
] as const) {
  test(`${path} leads to ${found}`, () => {
    const answer = findRoute(routes, path);
    assert.deepEqual([answer?.route.path, { ...answer?.parts }], [found, parts]);
  });
}

for (const path of [
  '',
  '*',
  '//',
  '/alerts/',
  '/alerts/x',
  '/alerts/-1',
  `/alerts/${'1'.repeat(16)}`,
  '/c/',
  '/c/a/b',
]) {
  test(`${path} leads nowhere`, () => assert.equal(findRoute(routes, path), null));
}

for (const [url, path, query] of [
  ['/c/a?since=7d&q=a%20b+c', '/c/a', 'since=7d&q=a+b+c'],
  ['/?', '/', ''],
  ['?q=1', '/', 'q=1'],
  ['http://fleet.example.org', '/', ''],
  ['https://fleet.example.org?q=1', '/', 'q=1'],
  ['http://fleet.example.org/runs?x=http://a/b', '/runs', 'x=http%3A%2F%2Fa%2Fb'],
  ['/%?%=%', '/%', '%25=%25'],
] as const) {
  test(`${url} is read`, () => {
    const target = targetOf(url);
    assert.deepEqual([target.path, target.query.toString()], [path, query]);
  });
}

test('an answer is compressed for who takes that, and only as a whole one that is large enough', async (t) => {
  const large = 'Ä text. '.repeat(500);
  const server = createServer((incoming, outgoing) => {
    const body = incoming.url === '/small' ? 'small' : large;
    send(words(incoming.url === '/none' ? 404 : 200, body), {
      incoming,
      outgoing,
      isPacked: incoming.url !== '/as-is',
    });
  });
  const port = await listenOn(server);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const ask = (path: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });
  for (const [path, accepted, isPacked] of [
    ['/', 'gzip', true],
    ['/', 'br, *', true],
    ['/', 'deflate;q=1, GZIP ; Q=0.5', true],
    ['/', 'gzip;q=0, *', false],
    ['/', 'gzip;q=x', false],
    ['/', 'identity', false],
    ['/small', 'gzip', false],
    ['/as-is', 'gzip', false],
    ['/none', 'gzip', true],
  ] as const) {
    const answer = await ask(path, { 'accept-encoding': accepted });
    const body = await answer.text();
    assert.equal(answer.headers.get('content-encoding') === 'gzip', isPacked, `${path} ${accepted}`);
    assert.equal(body, path === '/small' ? 'small' : large);
  }
  const tag = (await ask('/', {})).headers.get('etag') ?? '';
  assert.equal((await ask('/', { 'accept-encoding': 'gzip' })).headers.get('etag'), tag);
  assert.equal((await ask('/none', {})).headers.get('etag'), null);
  assert.equal((await ask('/as-is', {})).headers.get('etag'), null);
  for (const [known, status] of [
    [tag, 304],
    [tag.replace('W/', ''), 304],
    [`"other", ${tag}`, 304],
    ['*', 304],
    ['"other"', 200],
    [tag.slice(0, -2), 200],
  ] as const) {
    const answer = await ask('/', { 'if-none-match': known });
    assert.deepEqual([answer.status, await answer.text()], [status, status === 304 ? '' : large], known);
  }
});
