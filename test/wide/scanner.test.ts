import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

import { servedFleet } from '../look/serve/support/served-fleet.ts';
import { tempFolder } from '../support/temp-folder.ts';

const wapiti = '/usr/bin/wapiti';
const options = { skip: existsSync(wapiti) ? false : 'wapiti is not installed' };
/** The modules that need nothing but the server. `ssrf` and `xxe` send requests to a host of their author. */
const modules =
  'backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss';

/** Runs the scanner over the pages below these paths. Returns its findings and anomalies. */
async function scan(
  t: TestContext,
  port: number,
  paths: readonly string[],
  modulesList: string,
): Promise<readonly string[]> {
  const dir = tempFolder(t);
  const base = `http://127.0.0.1:${port}`;
  const file = path.join(dir, 'report.json');
  const starts = paths.flatMap((where) => ['-s', `${base}${where}`]);
  const args = ['-u', `${base}/`, ...starts, '-m', modulesList, '--no-bugreport', '-t', '10'];
  const limits = ['-d', '2', '--max-files-per-dir', '20', '--max-attack-time', '60', '--max-scan-time', '300'];
  const own = ['--store-session', dir, '--store-config', dir, '-f', 'json', '-o', file];
  await promisify(execFile)(wapiti, [...args, ...limits, ...own], {
    env: { ...process.env, HOME: dir },
  });
  const report = JSON.parse(readFileSync(file, 'utf8')) as Record<
    'vulnerabilities' | 'anomalies',
    Readonly<Record<string, readonly { readonly info: string; readonly path: string }[]>>
  >;
  return [...Object.entries(report.vulnerabilities), ...Object.entries(report.anomalies)].flatMap(([kind, found]) =>
    found.map((one) => `${kind}: ${one.info} (${one.path})`),
  );
}

/**
 * Starts a proxy before a server. Each request has another visitor's address, because the limits of one address would
 * stop the scanner. `without` is a header that the proxy removes from the answers.
 */
async function startProxy(t: TestContext, port: number, without = ''): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    const { url = '/', method = 'GET' } = incoming;
    const number = asked.push(`${method} ${url}`);
    // The events never end, and a scanner would wait for their end.
    if (url.startsWith('/live')) return void outgoing.writeHead(204).end();
    const visitor = { 'x-forwarded-for': `10.0.${(number >> 8) & 255}.${number & 255}`, 'x-user': 'anna' };
    const sent = request({ host: '127.0.0.1', port, path: url, method, headers: { ...incoming.headers, ...visitor } });
    sent.on('response', (response: IncomingMessage) => {
      const headers = { ...response.headers };
      Reflect.deleteProperty(headers, without);
      outgoing.writeHead(response.statusCode ?? 500, headers);
      response.pipe(outgoing);
    });
    sent.on('error', () => outgoing.destroy());
    incoming.pipe(sent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

const attributes = 'trustedProxies="127.0.0.1" userHeader="X-User"';
const paths = ['/alerts', '/alerts/1', '/runs', '/c/web-1?span=24h', '/?q=web&state=critical&sort=name&from=1'];

/**
 * The accepted findings. Strict-Transport-Security means nothing without TLS, and X-XSS-Protection must be 0 or
 * missing.
 */
const accepted = [
  'HTTP Secure Headers: X-XSS-Protection is not set (/)',
  'HTTP Secure Headers: Strict-Transport-Security is not set (/)',
];

test('wapiti finds nothing in the pages of serve, and no answer is a fault of the server', options, async (t) => {
  const { port, log } = await servedFleet(t, { attributes });
  const proxy = await startProxy(t, port);
  const findings = await scan(t, proxy.port, paths, modules);
  t.diagnostic(`${proxy.asked.length} requests`);
  assert.deepEqual(findings, accepted);
  assert.ok(proxy.asked.length > 200, `only ${proxy.asked.length} requests`);
  assert.doesNotMatch(log(), /answer-failed|database-away/);
});

test('wapiti would find a policy that is missing', options, async (t) => {
  const { port } = await servedFleet(t, { attributes });
  const proxy = await startProxy(t, port, 'content-security-policy');
  const findings = await scan(t, proxy.port, [], 'csp');
  assert.match(findings.join('\n'), /^Content Security Policy/m);
});
