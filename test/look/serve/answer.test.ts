import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, suite, test } from 'node:test';

import { send, words } from '../../../src/look/serve/answer.ts';
import { findRoute, pathBelow, type ServedRoute, targetOf } from '../../../src/look/serve/routes.ts';
import { listenOn } from '../../support/servers/free-port.ts';

const route = (path: string): ServedRoute => ({
  path,
  purpose: null,
  made: 'at once',
  isPacked: false,
  answer: () => words(200, path),
});
const routes = ['/', '/alerts', '/alerts/#id', '/c/*name', '/reply/:token', '/api/*name/series'].map(route);

for (const { path, found, parts } of [
  { path: '/', found: '/', parts: {} },
  { path: '/alerts', found: '/alerts', parts: {} },
  { path: '/alerts/17', found: '/alerts/#id', parts: { id: '17' } },
  { path: '/c/web-1', found: '/c/*name', parts: { name: 'web-1' } },
  { path: '/c/a%2Fb%20c', found: '/c/*name', parts: { name: 'a/b c' } },
  { path: '/c/%zz', found: '/c/*name', parts: { name: '%zz' } },
  { path: '/c/__proto__', found: '/c/*name', parts: { name: '__proto__' } },
  { path: '/c/a/b c', found: '/c/*name', parts: { name: 'a/b c' } },
  { path: '/c/web-1/', found: '/c/*name', parts: { name: 'web-1' } },
  { path: '/alerts/', found: '/alerts', parts: {} },
  { path: '/reply/x/', found: '/reply/:token', parts: { token: 'x' } },
  { path: '/api/a/b/series', found: '/api/*name/series', parts: { name: 'a/b' } },
  { path: '/api/web-1/series', found: '/api/*name/series', parts: { name: 'web-1' } },
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
  '/alerts//',
  '/reply/x/y',
  '/api/series',
  '/alerts/x',
  '/alerts/-1',
  `/alerts/${'1'.repeat(16)}`,
  '/c/',
]) {
  test(`${path} leads nowhere`, () => assert.equal(findRoute(routes, path), null));
}

for (const [prefix, paths] of Object.entries({
  '/fleet': {
    ...{ '/fleet': '/', '/fleet/': '/', '/fleet/alerts/1': '/alerts/1', '/fleet/c/a%2Fb': '/c/a%2Fb' },
    // Removed by the proxy, by one that leaves a second slash, and put there twice by one that rewrites links.
    ...{ '/': '/', '/alerts': '/alerts', '//': '/', '//alerts/': '/alerts/', '/fleet//c/a//b': '/c/a//b' },
    ...{ '/fleet/fleet/runs': '/runs', '//fleet//fleet//': '/', '/%66leet/runs': '/runs' },
    // Other paths, which only begin alike.
    ...{
      '/fleet2/runs': '/fleet2/runs',
      '/fleetruns': '/fleetruns',
      '/Fleet/runs': '/Fleet/runs',
      '/c/fleet': '/c/fleet',
    },
    ...{ '/v1/inbox/fleet/x': '/v1/inbox/fleet/x', '/fleet%2Fruns': '/fleet%2Fruns', '': '/', '*': '/*' },
  },
  '/tools/our%20fleet': {
    ...{ '/tools/our%20fleet/runs': '/runs', '/tools/our fleet/runs': '/runs', '/tools/runs': '/tools/runs' },
    ...{ '/our%20fleet/runs': '/our%20fleet/runs', '/tools/our+fleet/runs': '/tools/our+fleet/runs' },
  },
  '/büro': { '/b%C3%BCro/runs': '/runs', '/b%c3%bcro/': '/' },
  '': { '/fleet/runs': '/fleet/runs', '//runs': '//runs', '': '' },
} satisfies Readonly<Record<string, Readonly<Record<string, string>>>>)) {
  for (const [path, below] of Object.entries(paths)) {
    test(`${path} is ${below} below the prefix "${prefix}"`, () => assert.equal(pathBelow(prefix, path), below));
  }
}

for (const { url, path, query } of [
  { url: '/c/a?since=7d&q=a%20b+c', path: '/c/a', query: 'since=7d&q=a+b+c' },
  { url: '/?', path: '/', query: '' },
  { url: '?q=1', path: '/', query: 'q=1' },
  { url: 'http://fleet.example.org', path: '/', query: '' },
  { url: 'https://fleet.example.org?q=1', path: '/', query: 'q=1' },
  { url: 'http://fleet.example.org/runs?x=http://a/b', path: '/runs', query: 'x=http%3A%2F%2Fa%2Fb' },
  { url: '/%?%=%', path: '/%', query: '%25=%25' },
] as const) {
  test(`${url} is read`, () => {
    const target = targetOf(url);
    assert.deepEqual([target.path, target.query.toString()], [path, query]);
  });
}

suite('an answer', () => {
  const large = 'Ä text. '.repeat(500);
  const server = createServer((incoming, outgoing) => {
    const body = incoming.url === '/small' ? 'small' : large;
    const status = incoming.url === '/none' ? 404 : 200;
    send(words(status, body), { incoming, outgoing, isPacked: incoming.url !== '/as-is' });
  });
  let port = 0;
  before(async () => {
    port = await listenOn(server);
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const tagOf = async (path: string): Promise<string | null> => (await ask(path)).headers.get('etag');

  for (const { path, accepted, isPacked } of [
    { path: '/', accepted: 'gzip', isPacked: true },
    { path: '/', accepted: 'br, *', isPacked: true },
    { path: '/', accepted: 'deflate;q=1, GZIP ; Q=0.5', isPacked: true },
    { path: '/', accepted: 'gzip;q=0, *', isPacked: false },
    { path: '/', accepted: 'gzip;q=x', isPacked: false },
    { path: '/', accepted: 'identity', isPacked: false },
    { path: '/small', accepted: 'gzip', isPacked: false },
    { path: '/as-is', accepted: 'gzip', isPacked: false },
    { path: '/none', accepted: 'gzip', isPacked: true },
  ]) {
    test(`to ${path} is ${isPacked ? '' : 'not '}compressed for accept-encoding: ${accepted}`, async () => {
      const answer = await ask(path, { 'accept-encoding': accepted });
      const body = await answer.text();
      assert.equal(answer.headers.get('content-encoding') === 'gzip', isPacked);
      assert.equal(body, path === '/small' ? 'small' : large);
    });
  }

  test('has one tag, compressed or not, if it is 200 and may be compressed', async () => {
    const tag = (await tagOf('/')) ?? '';
    assert.notEqual(tag, '');
    assert.equal((await ask('/', { 'accept-encoding': 'gzip' })).headers.get('etag'), tag);
    assert.equal(await tagOf('/none'), null);
    assert.equal(await tagOf('/as-is'), null);
  });

  for (const { title, known, status } of [
    { title: 'the tag', known: (tag: string) => tag, status: 304 },
    { title: 'the tag as a strong one', known: (tag: string) => tag.replace('W/', ''), status: 304 },
    { title: 'several tags', known: (tag: string) => `"other", ${tag}`, status: 304 },
    { title: 'any tag', known: () => '*', status: 304 },
    { title: 'another tag', known: () => '"other"', status: 200 },
    { title: 'a part of the tag', known: (tag: string) => tag.slice(0, -2), status: 200 },
  ]) {
    test(`is ${status} if the browser knows ${title}`, async () => {
      const tag = (await tagOf('/')) ?? '';
      const answer = await ask('/', { 'if-none-match': known(tag) });
      assert.equal(answer.status, status);
      assert.equal(await answer.text(), status === 304 ? '' : large);
    });
  }
});
