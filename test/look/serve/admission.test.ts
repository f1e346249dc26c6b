import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { test } from 'node:test';

import type { ServeConfig } from '../../../src/config/config.ts';
import { createAdmission } from '../../../src/look/serve/admission.ts';
import { InUse, Rates } from '../../../src/look/serve/rates.ts';
import { tokenOf } from '../../../src/look/serve/tokens.ts';
import { isOwnHost, visitorReader } from '../../../src/look/serve/visitor.ts';

const plain: ServeConfig = {
  hosts: ['::1', '127.0.0.1'],
  port: 5151,
  socket: null,
  tls: null,
  trustedProxies: [],
  userHeader: null,
  auth: 'beyond-loopback',
  look: true,
  acknowledge: false,
  url: null,
  prefix: '',
  title: 'fleet',
  metrics: null,
  ipv6Only: false,
  hiddenOpts: [],
  events: null,
  push: false,
  ping: null,
  status: null,
};
const tls = { cert: '/c', key: '/k' };
const proxied = { trustedProxies: ['10.0.0.0/8', '2001:db8::/32', 'socket'], userHeader: 'x-remote-user' };

interface Asked {
  readonly peer?: string;
  readonly headers?: Record<string, string>;
  readonly serve?: Partial<ServeConfig>;
  readonly what?: 'look' | 'metrics' | 'status';
}

/** Returns the status with which a request is refused; null if it is admitted. */
function refusal({ peer, headers = {}, serve: changes = {}, what = 'look' }: Asked): number | null {
  const serve = { ...plain, ...changes };
  const request = { socket: { remoteAddress: peer }, headers: { host: 'localhost:5151', ...headers } };
  const checkToken = (token: string): 'look' | 'metrics' | 'status' | null =>
    token === 'l' ? 'look' : token === 'm' ? 'metrics' : token === 's' ? 'status' : null;
  const visitor = visitorReader(serve)(request as unknown as IncomingMessage);
  const { host, authorization } = request.headers as { host: string; authorization?: string };
  return createAdmission({ serve, checkToken })({ visitor, host, authorization }, what)?.status ?? null;
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
const far = '198.51.100.7';

const cases: readonly { readonly name: string; readonly asked: Asked; readonly status: number | null }[] = [
  { name: 'this machine', asked: { peer: '127.0.0.1' }, status: null },
  { name: 'this machine, over IPv6', asked: { peer: '::1', headers: { host: '[::1]:5151' } }, status: null },
  { name: 'this machine, as IPv6 shows IPv4', asked: { peer: '::ffff:127.0.0.1' }, status: null },
  {
    name: 'a proxy here that is not named',
    asked: { peer: '127.0.0.1', headers: { 'x-forwarded-for': far } },
    status: 401,
  },
  { name: 'such a proxy at the socket', asked: { headers: { forwarded: `for=${far}` } }, status: 401 },
  {
    name: 'such a proxy with a token',
    asked: { peer: '127.0.0.1', headers: { 'x-forwarded-for': far, authorization: 'Bearer l' } },
    status: null,
  },
  { name: 'the Unix socket, whatever the host', asked: { headers: { host: 'any' } }, status: null },
  {
    name: 'a name that was made to lead here',
    asked: { peer: '127.0.0.1', headers: { host: 'evil.example' } },
    status: 421,
  },
  {
    name: 'the same with a token',
    asked: { peer: '127.0.0.1', headers: { host: 'evil.example', authorization: 'Bearer l' } },
    status: 421,
  },
  {
    name: 'this machine where everybody needs a token',
    asked: { peer: '127.0.0.1', serve: { auth: 'always' } },
    status: 401,
  },
  {
    name: 'the same with one',
    asked: { peer: '127.0.0.1', serve: { auth: 'always' }, headers: { authorization: 'Bearer l' } },
    status: null,
  },
  {
    name: 'somebody without TLS, even with a token',
    asked: { peer: far, headers: { authorization: 'Bearer l' } },
    status: 403,
  },
  { name: 'somebody over TLS', asked: { peer: far, serve: { tls } }, status: 401 },
  {
    name: 'a Bearer token',
    asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer l' } },
    status: null,
  },
  {
    name: 'a token as password',
    asked: { peer: far, serve: { tls }, headers: { authorization: basic('anna:l') } },
    status: null,
  },
  {
    name: 'a token as user',
    asked: { peer: far, serve: { tls }, headers: { authorization: basic('l:') } },
    status: 401,
  },
  { name: 'a wrong token', asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer x' } }, status: 401 },
  {
    name: 'a token for metrics on a page',
    asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer m' } },
    status: 403,
  },
  {
    name: 'the same on metrics',
    asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer m' }, what: 'metrics' },
    status: null,
  },
  {
    name: 'a token to look on metrics',
    asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer l' }, what: 'metrics' },
    status: null,
  },
  {
    name: 'a token for status on metrics',
    asked: { peer: far, serve: { tls }, headers: { authorization: 'Bearer s' }, what: 'metrics' },
    status: 403,
  },
  {
    name: 'a user of a trusted proxy',
    asked: { peer: '10.1.2.3', serve: proxied, headers: { 'x-remote-user': 'anna' } },
    status: null,
  },
  {
    name: 'a user of a proxy at the socket',
    asked: { serve: proxied, headers: { 'x-remote-user': 'anna' } },
    status: null,
  },
  { name: 'a trusted proxy that names no user', asked: { peer: '2001:db8::1', serve: proxied }, status: 401 },
  { name: 'an empty user', asked: { peer: '10.1.2.3', serve: proxied, headers: { 'x-remote-user': '' } }, status: 401 },
  {
    name: 'a user whom nobody trusted names',
    asked: { peer: far, serve: proxied, headers: { 'x-remote-user': 'anna' } },
    status: 403,
  },
  {
    name: 'a user whom this machine names',
    asked: { peer: '127.0.0.1', serve: { ...proxied, auth: 'always' }, headers: { 'x-remote-user': 'anna' } },
    status: 401,
  },
];

for (const { name, asked, status } of cases) {
  test(`${name}: ${status === null ? 'let in' : status}`, () => assert.equal(refusal(asked), status));
}

const forwarded: readonly (readonly [header: string | undefined, address: string])[] = [
  ['198.51.100.7', '198.51.100.7'],
  ['192.0.2.66, 198.51.100.7', '198.51.100.7'],
  ['198.51.100.7, 10.9.9.9', '198.51.100.7'],
  ['198.51.100.7:4711', '198.51.100.7'],
  ['[2001:db9::7]:4711', '2001:db9::7'],
  ['::ffff:198.51.100.7', '198.51.100.7'],
  ['10.9.9.9', '10.9.9.9'],
  ['<script>', 'unknown'],
  [undefined, 'unknown'],
];
for (const [header, address] of forwarded) {
  test(`a trusted proxy says ${header}: ${address}`, () => {
    const headers = header === undefined ? {} : { 'x-forwarded-for': header };
    const request = { socket: { remoteAddress: '10.0.0.1' }, headers } as unknown as IncomingMessage;
    assert.equal(visitorReader({ ...plain, ...proxied })(request).address, address);
  });
}

for (const [host, isOwn] of [
  ['localhost', true],
  ['LOCALHOST:5151', true],
  ['fleet.localhost:5151', true],
  ['127.0.0.1:5151', true],
  ['[::1]:5151', true],
  [hostname(), true],
  ['localhost.', true],
  ['localhost.:5151', true],
  [`${hostname()}.`, true],
  ['localhost..', false],
  ['.', false],
  ['127.0.0.1.evil.example', false],
  ['192.0.2.1', false],
  ['localhost.evil.example', false],
  ['', false],
  [undefined, false],
] as const) {
  test(`Host ${host} is ${isOwn ? '' : 'not '}a name of this machine`, () => assert.equal(isOwnHost(host, []), isOwn));
}

for (const [header, token] of [
  [undefined, null],
  ['', null],
  ['Bearer', null],
  ['bearer  abc-_.~', 'abc-_.~'],
  [basic('anna:a:b'), 'a:b'],
  [basic('anna'), null],
  ['Digest abc', null],
  [`Bearer ${'x'.repeat(2_000)}`, null],
] as const) {
  test(`the token of ${JSON.stringify(header?.slice(0, 30))} is ${token}`, () => assert.equal(tokenOf(header), token));
}

test('a rate lets a burst through, then as many as time has passed, and counts IPv6 by its network', () => {
  let nowMs = 0;
  const rates = new Rates({ burst: 3, perSecond: 1, now: () => nowMs });
  assert.deepEqual(
    Array.from({ length: 4 }, () => rates.take('192.0.2.1')),
    [true, true, true, false],
  );
  assert.equal(rates.take('192.0.2.2'), true);
  nowMs = 1_000;
  assert.deepEqual([rates.take('192.0.2.1'), rates.take('192.0.2.1')], [true, false]);
  const network = ['2001:db8::1', '2001:db8:0:0:1::', '2001:db8::2:3', '2001:0db8::9'.replace('0db8', 'db8')];
  assert.deepEqual(
    network.map((address) => rates.take(address)),
    [true, true, true, false],
  );
  assert.equal(rates.take('2001:db8:1::1'), true);
});

test('a large cost is waited for, a refusal costs nothing, and a charge counts whatever is left', () => {
  let nowMs = 0;
  const rates = new Rates({ burst: 10, perSecond: 1, now: () => nowMs });
  assert.deepEqual([rates.take('a', 15), rates.take('a', 15), rates.take('a', 15)], [true, false, false]);
  nowMs = 5_900;
  assert.equal(rates.take('a'), false);
  nowMs = 6_000;
  assert.equal(rates.take('a'), true);
  rates.charge('b', 100);
  nowMs = 16_000;
  assert.equal(rates.take('b'), false);
  nowMs = 17_000;
  assert.equal(rates.take('b'), true);
});

test('an address has so many places, and gives them back', () => {
  const inUse = new InUse(2);
  const [first, second] = [inUse.take('a'), inUse.take('a')];
  assert.notEqual(second, null);
  assert.equal(inUse.take('a'), null);
  first?.();
  assert.notEqual(inUse.take('a'), null);
});

test('an address of <serve host> is a name of this machine in every form', () => {
  assert.equal(isOwnHost('[2001:DB8:0::7]:5151', ['2001:db8::7']), true);
});
