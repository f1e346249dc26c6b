/** Pages behind nginx, Apache, HAProxy and Caddy as their packages and manuals configure them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { loadConfig } from '../../src/config/load-config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { alertFolder } from '../cli/support/stored-alerts.ts';
import { type Answer, ask, type AskOptions, serveFolder, servedFleet } from '../look/serve/support/served-fleet.ts';
import { runStart } from '../storage/support/samples.ts';
import { freePort } from '../support/servers/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Place {
  readonly dir: string;
  /** The port of the proxy, and that of the server behind it. */
  readonly own: number;
  readonly port: number;
}

interface Proxy {
  readonly program: string;
  readonly config: (place: Place) => string;
  readonly args: (file: string, dir: string) => readonly string[];
}

const nginx = (location: string): Proxy => ({
  program: '/usr/sbin/nginx',
  args: (file, dir) => ['-c', file, '-p', dir, '-e', `${dir}/error.log`],
  config: ({ dir, own, port }) => `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log;
    events {}
    http { access_log off; gzip on; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')}
      server { listen 127.0.0.1:${own}; ${location.replace('PORT', String(port))} } }\n`,
});

const apache = (settings: string): Proxy => ({
  program: '/usr/sbin/apache2',
  args: (file) => ['-X', '-f', file],
  config: ({ dir, own, port }) =>
    `ServerRoot ${dir}\nServerName localhost\nListen 127.0.0.1:${own}\nPidFile ${dir}/pid\nErrorLog ${dir}/error.log\n` +
    `DefaultRuntimeDir ${dir}\n` +
    ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'filter', 'deflate', 'headers']
      .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`)
      .join('') +
    `SetOutputFilter DEFLATE\n${settings.replaceAll('PORT', String(port))}\n`,
});

const haproxy = (frontend: string): Proxy => ({
  program: '/usr/sbin/haproxy',
  args: (file) => ['-db', '-f', file],
  config: ({ own, port }) => `global\n  expose-experimental-directives
defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  compression algo gzip
frontend f\n  bind 127.0.0.1:${own}\n${frontend}  default_backend b\nbackend b\n  option forwardfor\n  server s 127.0.0.1:${port}\n`,
});

const caddy = (site: string): Proxy => ({
  program: '/usr/bin/caddy',
  args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  config: ({ dir, own, port }) =>
    `{\n  admin off\n  storage file_system ${dir}\n}\n` +
    `http://127.0.0.1:${own} {\n  encode gzip\n${site.replaceAll('PORT', String(port))}\n}\n`,
});

const proxies: Readonly<Record<string, Proxy>> = {
  'nginx that passes the address on': nginx('location / { proxy_pass http://127.0.0.1:PORT; }'),
  'nginx that decodes the address': nginx('location / { proxy_pass http://127.0.0.1:PORT/; }'),
  'Apache as it is': apache('ProxyPass / http://127.0.0.1:PORT/'),
  'Apache that takes slashes': apache('AllowEncodedSlashes On\nProxyPass / http://127.0.0.1:PORT/ nocanon'),
  'HAProxy as it is': haproxy(''),
  'HAProxy that normalises': haproxy(
    [
      'fragment-encode',
      'path-merge-slashes',
      'path-strip-dot',
      'path-strip-dotdot full',
      'percent-decode-unreserved',
      'percent-to-uppercase',
      'query-sort-by-name',
    ]
      .map((one) => `  http-request normalize-uri ${one}\n`)
      .join(''),
  ),
};

/** Names with everything that a proxy may decode, merge, refuse or strip in a path. */
const names = [
  ...['web-1', 'a/b', 'a//b', '/a', 'a/', 'a\\b', '..a', '../runs', 'a/../b', './a', 'a;b', ';a=1/b', 'a#b', 'a%2Fb'],
  ...['a%b', '100%', 'a%252Fb', 'a b', 'a+b', 'a&b=c', 'büro', '東京', '2001:db8::1', "a'b", 'a"b', '<b>', '~a', '_'],
  ...['a@b', 'a|b', 'a^b', '$a', 'a!', '.a', 'a.'],
];

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

async function startProxy(t: TestContext, { program, config, args }: Proxy, port: number): Promise<number> {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'tmp'));
  const own = await freePort();
  const file = path.join(dir, 'proxy.conf');
  writeFileSync(file, config({ dir, own, port }));
  const child = spawn(program, args(file, dir), { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  let isUp = false;
  const look = (): void => {
    const socket = connect(own, '127.0.0.1', () => ((isUp = true), socket.destroy()));
    socket.on('error', () => undefined);
  };
  const error = path.join(dir, 'error.log');
  const why = () => `${program} did not start: ${said}${existsSync(error) ? readFileSync(error, 'utf8') : ''}`;
  await until(() => (look(), isUp), why, 20_000, 100);
  return own;
}

/** Returns the addresses of all links of a page that a pattern finds. */
function linksOf(body: string, pattern: RegExp): readonly string[] {
  return [...body.matchAll(pattern)].map(([, href = '']) => href.replaceAll('&amp;', '&'));
}

/** Returns the first bytes of the stream of runs. */
async function streamOf(port: number, headers: Readonly<Record<string, string>>, where = '/live'): Promise<string> {
  const sent = get({
    host: '127.0.0.1',
    port,
    path: where,
    agent: false,
    headers,
  });
  const [response] = (await once(sent, 'response', { signal: AbortSignal.timeout(10_000) })) as [IncomingMessage];
  const [first] = (await once(response, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  sent.destroy();
  assert.equal(response.statusCode, 200);
  return first.toString();
}

for (const [name, proxy] of Object.entries(proxies)) {
  const skip = existsSync(proxy.program) ? false : `${proxy.program} is not installed`;
  test(
    `every client is found by its links, and runs are followed, behind ${name}`,
    { skip, timeout: 120_000 },
    async (t) => {
      const clients = names.map((one, index) => `<client name="${escaped(one)}" ip="192.0.2.${index + 1}"/>`);
      const { dir, run } = await alertFolder(t, { config: `<config>${clients.join('')}</config>`, alerts: [] });
      const { storage: settings } = loadConfig({ file: path.join(dir, 'config.xml') });
      const storage = await openStorage({ storage: settings, migrate: true });
      await storage.reports.startRun(runStart({ startedAtMs: Date.now() }));
      await storage.close();
      const { port } = await serveFolder(t, dir, { attributes: 'trustedProxies="127.0.0.1"' });
      const token = (await run('tokens', 'add', 'anna')).stdout.trim();
      const own = await startProxy(t, proxy, port);
      let asked = 0;
      // Each request is of another visitor: the limits of one would stop the test.
      const headers = () => ({
        Authorization: `Bearer ${token}`,
        'X-Forwarded-For': `198.51.100.${(asked += 1) % 250}`,
      });
      const body = async (href: string): Promise<string> => {
        // Browsers resolve dots before they ask.
        const { pathname, search } = new URL(href, 'http://localhost');
        return (await ask(own, pathname + search, { headers: headers() })).body;
      };
      const found = linksOf(await body('/'), /<a class="name" href="([^"]*)"/g);
      assert.equal(found.length, names.length);
      const shown: string[] = [];
      for (const href of found) {
        const page = await body(href);
        const title = /<h1>(.*?)<\/h1>/.exec(page)?.[1] ?? '';
        shown.push(title);
        const [series = ''] = linksOf(page, /<a href="(\/api\/v1\/[^"]*)">JSON/g);
        const document = JSON.parse(await body(series)) as { client?: string };
        assert.equal(escaped(document.client ?? ''), title);
        const [week = ''] = linksOf(page, /<a href="([^"]*)">7d/g);
        const again = await body(new URL(week, `http://localhost${href}`).href);
        assert.match(again, /aria-current="true">7d</, week);
        assert.ok(again.includes(`<h1>${title}</h1>`), week);
      }
      assert.deepEqual(shown.sort(), names.map(escaped).sort());
      assert.match(await streamOf(own, headers()), /^: open\n\n/);
    },
  );
}

/** Proxies that have the pages below /fleet/, as people write them. */
const below: Readonly<Record<string, Proxy>> = {
  'nginx that passes the prefix on': nginx('location /fleet/ { proxy_pass http://127.0.0.1:PORT; }'),
  'nginx that removes the prefix': nginx('location /fleet/ { proxy_pass http://127.0.0.1:PORT/; }'),
  'nginx that leaves two slashes': nginx('location /fleet { proxy_pass http://127.0.0.1:PORT/; }'),
  'nginx that rewrites links and redirections': nginx(
    'location /fleet/ { proxy_pass http://127.0.0.1:PORT/; proxy_redirect / /fleet/; proxy_set_header Accept-Encoding ""; ' +
      `sub_filter_once off; ${['href', 'src', 'action'].map((name) => `sub_filter '${name}="/' '${name}="/fleet/';`).join(' ')} }`,
  ),
  'Apache that passes the prefix on': apache(
    'ProxyPass /fleet http://127.0.0.1:PORT/fleet\nProxyPassReverse /fleet http://127.0.0.1:PORT/fleet',
  ),
  'Apache that removes the prefix': apache(
    'ProxyPass /fleet/ http://127.0.0.1:PORT/\nProxyPassReverse /fleet/ http://127.0.0.1:PORT/\n' +
      'RequestHeader set X-Forwarded-Prefix /fleet',
  ),
  'Apache that leaves two slashes': apache(
    '<Location /fleet>\nProxyPass http://127.0.0.1:PORT/\nProxyPassReverse http://127.0.0.1:PORT/\n</Location>',
  ),
  'HAProxy that passes the prefix on': haproxy(''),
  'HAProxy that removes the prefix': haproxy('  http-request replace-path /fleet(/)?(.*) /\\2\n'),
  'Caddy that passes the prefix on': caddy(
    '  handle /fleet/* {\n    reverse_proxy 127.0.0.1:PORT {\n      trusted_proxies private_ranges\n    }\n  }',
  ),
  'Caddy that removes the prefix': caddy(
    '  handle_path /fleet/* {\n    reverse_proxy 127.0.0.1:PORT {\n      trusted_proxies private_ranges\n    }\n  }',
  ),
};

type Asker = (where: string, options?: AskOptions) => Promise<Answer>;

/** Asks for a page and all that is linked from it. Returns the addresses. */
async function crawl(asker: Asker): Promise<readonly string[]> {
  const seen = new Set(['/fleet/']);
  const waiting = ['/fleet/', '/fleet/c/none', '/fleet/nothing', '/fleet/metrics', '/fleet/report'];
  for (let where = waiting.pop(); where !== undefined; where = waiting.pop()) {
    const answer = await asker(where);
    const isKnown = !/\/(?:none|nothing)$/.test(where);
    assert.equal(answer.status, isKnown ? 200 : 404, `${where} ${answer.body.slice(0, 200)}`);
    assert.equal(answer.headers['set-cookie'], undefined, where);
    if (!String(answer.headers['content-type']).startsWith('text/html')) continue;
    for (const href of linksOf(answer.body, /<[a-z][^<>]* (?:href|src|action)="([^"]*)"/g)) {
      if (href.startsWith('data:') || href.startsWith('#')) continue;
      const { origin, pathname, search } = new URL(href, `http://localhost${where}`);
      assert.ok(origin === 'http://localhost' && pathname.startsWith('/fleet/'), `${href} of ${where}`);
      if (!seen.has(pathname + search) && seen.size < 80) waiting.push(pathname + search);
      seen.add(pathname + search);
    }
  }
  return [...seen];
}

/** Acknowledges the alert by its button, and follows the redirection. */
async function acknowledge(asker: Asker): Promise<void> {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'same-origin' };
  const body = 'line=ack&severity=critical';
  const form = { method: 'POST', body, headers: { ...headers, 'Content-Length': String(body.length) } };
  const { status, headers: answered } = await asker('/fleet/alerts/1', form);
  const { pathname } = new URL(answered.location ?? '', 'http://localhost');
  assert.ok(status === 303 && pathname.startsWith('/fleet/'), `${status} ${answered.location}`);
  assert.match((await asker(pathname)).body, /<h2 id="answer">Acknowledged/, pathname);
}

for (const [name, proxy] of Object.entries(below)) {
  const skip = existsSync(proxy.program) ? false : `${proxy.program} is not installed`;
  test(`every address of every page is below /fleet/ behind ${name}`, { skip, timeout: 120_000 }, async (t) => {
    const attributes = 'trustedProxies="127.0.0.1" userHeader="X-User" url="https://example.org/fleet/"';
    const { port } = await servedFleet(t, { attributes, parts: '<look acknowledge="yes"/><metrics/><events/>' });
    const own = await startProxy(t, proxy, port);
    let asked = 0;
    const headers = () => ({ 'X-User': 'kim', 'X-Forwarded-For': `198.51.100.${(asked += 1) % 250}` });
    const asker: Asker = (where, options = {}) =>
      ask(own, where, { ...options, headers: { ...headers(), ...options.headers } });
    const found = await crawl(asker);
    for (const one of ['alerts/1', 'runs', 'c/web-1', 'c/db?since=7d', 'events/newest']) {
      assert.ok(
        found.some((other) => other.endsWith(`/fleet/${one}`)),
        `${one} of ${found.join(' ')}`,
      );
    }
    assert.match((await asker('/fleet/ping')).body, /^No run of the collector/);
    assert.match(await streamOf(own, headers(), '/fleet/live'), /^: open\n\n/);
    await acknowledge(asker);
    const direct = await ask(port, '/alerts', { headers: headers() });
    assert.match(direct.body, /<a href="\/fleet\/alerts\/1"/);
    assert.doesNotMatch((await asker('/fleet2/')).body, /id="clients"/);
  });
}
