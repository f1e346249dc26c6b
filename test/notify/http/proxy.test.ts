import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ProxyFault, proxyFor } from '../../../src/notify/http/proxy.ts';

const proxy = 'http://proxy.example.org:3128/';
const both = { HTTPS_PROXY: proxy, http_proxy: 'plain.example.org:8080' };

/** The URL, the variables of the environment, and the proxy that is used. */
const table: readonly (readonly [url: string, env: NodeJS.ProcessEnv, uses: string | null])[] = [
  ['https://hooks.example.org/', {}, null],
  ['https://hooks.example.org/', both, proxy],
  ['http://hooks.example.org/', both, 'http://plain.example.org:8080/'],
  ['https://hooks.example.org/', { https_proxy: '', HTTPS_PROXY: proxy }, proxy],
  ['http://hooks.example.org/', { HTTPS_PROXY: proxy }, null],
  ['https://localhost/', both, null],
  ['https://127.8.0.1/', both, null],
  ['https://[::1]/', both, null],
  ['https://[0:0:0:0:0:0:0:1]/', both, null],
  ...(
    [
      ['*', null],
      ['example.org', null],
      ['.example.org', null],
      ['*.example.org', null],
      ['HOOKS.example.org', null],
      ['other.org, hooks.example.org', null],
      ['other.org hooks.example.org', null],
      ['hooks.example.org:443', null],
      ['hooks.example.org:8443', proxy],
      ['ks.example.org', proxy],
      ['hooks.example.org.', null],
      ['192.0.2.0/24', proxy],
      ['', proxy],
    ] as const
  ).map(([NO_PROXY, uses]) => ['https://hooks.example.org/', { ...both, NO_PROXY }, uses] as const),
  ...(
    [
      ['https://192.0.2.7/', '192.0.2.7', null],
      ['https://192.0.2.7/', '192.0.2.0/24', null],
      ['https://192.0.2.7/', '192.0.3.0/24', proxy],
      ['https://[2001:db8::7]/', '2001:DB8:0::7', null],
      ['https://[2001:db8::7]/', '[2001:db8::7]', null],
      ['https://[2001:db8::7]/', '2001:db8::/32', null],
      ['https://[2001:db8::7]/', 'example.org/x,1/2/3', proxy],
    ] as const
  ).map(([url, NO_PROXY, uses]) => [url, { ...both, no_proxy: NO_PROXY }, uses] as const),
];

for (const [url, env, uses] of table) {
  const exceptions = env['NO_PROXY'] ?? env['no_proxy'] ?? 'nothing';
  test(`${url} goes ${uses === null ? 'directly' : `through ${uses}`} with the exceptions ${exceptions}`, () => {
    for (const written of [null, 'environment']) {
      assert.equal(proxyFor(new URL(url), written, env)?.href ?? null, uses);
    }
  });
}

test('a written proxy counts whatever the environment says, and none means no proxy', () => {
  const url = new URL('https://hooks.example.org/');
  const env = { ...both, NO_PROXY: '*' };
  assert.equal(proxyFor(url, 'http://own.example.org:3128', env)?.host, 'own.example.org:3128');
  assert.equal(proxyFor(url, 'none', { HTTPS_PROXY: proxy }), null);
});

test('a proxy of another protocol is a fault that names the variable and not its value', () => {
  for (const HTTPS_PROXY of ['socks5://me:s3cret@proxy:1080', 'http://', 'a b']) {
    assert.throws(
      () => proxyFor(new URL('https://hooks.example.org/'), null, { HTTPS_PROXY }),
      (thrown) => {
        assert.ok(thrown instanceof ProxyFault);
        assert.equal(thrown.message, 'HTTPS_PROXY is no HTTP proxy');
        return true;
      },
    );
  }
});
