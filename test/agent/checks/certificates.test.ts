// Second tier: visits many servers; requested-checks.test.ts reads one certificate
/** Certificates of real servers and files, read by each agent with equal results. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createSecureContext, createServer, type TlsOptions } from 'node:tls';

import { checkStats } from '../../../src/report/checks/checks.ts';
import { makeCertificates, type Certificates } from '../../support/servers/certificates.ts';
import { checkAgents, checkClient, type CheckVisit } from '../../support/clients/check-client.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const folder = tempFolder();
let certificates: Certificates;
const servers: Server[] = [];
/** The ports of the servers, by server name. */
const ports = new Map<string, number>();

async function listen(name: string, server: Server): Promise<void> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  ports.set(name, (server.address() as AddressInfo).port);
}

async function serve(name: string, options: TlsOptions): Promise<void> {
  await listen(
    name,
    createServer(options).on('tlsClientError', () => undefined),
  );
}

before(async () => {
  certificates = makeCertificates(folder);
  const { good, wrongHost, expired } = certificates;
  await serve('good', good);
  await serve('expired', expired);
  await serve('names', {
    ...good,
    SNICallback: (name, answer) => {
      answer(null, createSecureContext(name === 'localhost' || name === 'other.example' ? wrongHost : good));
    },
  });
  await serve('mutual', { ...expired, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' });
  await listen(
    'silent',
    createTcpServer((socket) => socket.on('error', () => undefined)),
  );
  await listen(
    'plain',
    createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2\r\n')),
  );
  await serve('refused', good);
  servers.at(-1)?.close();
});

after(() => {
  for (const server of servers) {
    server.close();
  }
});

/** Returns one line a check: name, state, text and performance data. Times are replaced by placeholders. */
function said({ checks }: CheckVisit, now = new Date()): string[] {
  return checkStats({ datetime: now.toISOString(), checks }).map(({ check_name: name, state, text, perfdata }) =>
    `${name} ${state} ${text} | ${perfdata}`
      .replaceAll(/until [\d: -]+ UTC/g, 'until END')
      .replaceAll(/days=(-?)\d+(?:\.\d)?/g, 'days=$1N'),
  );
}

/** Makes the folder with a certificate in every kind of file. Returns the files that are named in full. */
function makeCertificateFiles(dir: string): { readonly a: string; readonly b: string; readonly broken: string } {
  const put = (name: string, content: string): string => {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const { good, expired, ca } = certificates;
  const a = put('a/full chain.pem', good.cert + readFileSync(ca, 'utf8'));
  const b = put('b/full chain.pem', good.key + expired.cert);
  put('.hidden/full chain.pem', expired.cert);
  const broken = put('broken.pem', 'no certificate\n');
  mkdirSync(path.join(dir, 'folder.pem'));
  execFileSync('mkfifo', [path.join(dir, 'pipe.pem')]);
  for (let count = 0; count < 20; count++) put(`many/${count}.crt`, good.cert);
  return { a, b, broken };
}

for (const agent of checkAgents) {
  test(`certificates of servers are read, whoever signed them (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const at = (name: string): string => `connect=127.0.0.1:${ports.get(name)}`;
    client.conf(
      [
        `certificate good timeout=30s warning=2d critical=1d ${at('good')}`,
        `certificate soon timeout=30s ${at('good').replace('127.0.0.1', 'localhost')}`,
        `certificate fine timeout=30s warning=1h critical=1m ${at('good')}`,
        `certificate expired timeout=30s every=1d ${at('expired')}`,
        `certificate name timeout=30s servername=other.example warning=1d critical=1h ${at('names')}`,
        `certificate by-host timeout=30s warning=1d critical=1h ${at('names').replace('127.0.0.1', 'localhost')}`,
        `certificate mutual timeout=30s ${at('mutual')}`,
        `certificate silent timeout=1s ${at('silent')}`,
        `certificate plain timeout=30s every=1d ${at('plain')}`,
        `certificate refused timeout=30s ${at('refused')}`,
        'certificate nobody connect=no-such-host.invalid:443',
      ].join('\n'),
    );
    const visited = await client.visit();
    assert.deepEqual(visited.refused, []);
    const by = 'issued by CN=Test CA, until END';
    const lines = said(visited).map((line) => line.replace(/(cannot read [\w.-]+:\d+).* \|/, '$1 |'));
    assert.deepEqual(lines, [
      `certificate:good 1 1 day left: CN=good, ${by} | days=N;2:;1:`,
      `certificate:soon 2 1 day left: CN=good, ${by} | days=N;21:;7:`,
      `certificate:fine 0 1 day left: CN=good, ${by} | days=N;0.0416666666666667:;0.000694444444444444:`,
      `certificate:expired 2 expired 1 day ago: CN=expired, ${by} | days=-N;21:;7:`,
      `certificate:name 0 1 day left: CN=wrong, ${by} | days=N;1:;0.0416666666666667:`,
      `certificate:by-host 0 1 day left: CN=wrong, ${by} | days=N;1:;0.0416666666666667:`,
      `certificate:mutual 2 expired 1 day ago: CN=expired, ${by} | days=-N;21:;7:`,
      'certificate:silent 3 timeout | ',
      `certificate:plain 3 cannot read 127.0.0.1:${ports.get('plain')} | `,
      `certificate:refused 3 cannot read 127.0.0.1:${ports.get('refused')} | `,
      'certificate:nobody 3 cannot read no-such-host.invalid:443 | ',
    ]);
    // The age of a kept result grows. A server that did not answer is asked again.
    const again = (await client.visit()).checks;
    assert.equal(again[3]?.output, visited.checks[3]?.output);
    const later = said({ ...visited, checks: again }, new Date(Date.now() + 9 * 86_400_000));
    assert.match(later[3] ?? '', /^certificate:expired 2 expired 10 days ago/);
  });

  test(`certificates of files are read by globs, and each fault is reported (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'my live');
    const { a, b, broken } = makeCertificateFiles(dir);
    client.conf(
      [
        `certificate one timeout=30s warning=1d critical=1h "file=${a}"`,
        `certificate each timeout=30s "file=${dir}/*/full chain.pem"`,
        `certificate broken timeout=30s "file=${dir}/*.pem"`,
        `certificate none "file=${dir}/*/no*.pem"`,
        'certificate absent file=/no/such.pem',
        `certificate many timeout=30s warning=1d critical=1h "file=${dir}/many/?*.crt"`,
      ].join('\n'),
    );
    const text = (days: string, name: string): string => `${days}: CN=${name}, issued by CN=Test CA, until END`;
    const visited = await client.visit();
    assert.deepEqual(said(visited).slice(0, 5), [
      `certificate:one 0 ${a}: ${text('1 day left', 'good')} | days=N;1:;0.0416666666666667:`,
      `certificate:each 2 ${b}: ${text('expired 1 day ago', 'expired')}\n${a}: ${text('1 day left', 'good')} | ` +
        'days=-N;21:;7:',
      `certificate:broken 3 no certificate: ${broken}\nno certificate: ${dir}/folder.pem\n` +
        `no certificate: ${dir}/pipe.pem | `,
      `certificate:none 3 not there: ${dir}/*/no*.pem | `,
      'certificate:absent 3 not there: /no/such.pem | ',
    ]);
    const [, many = ''] = /(certificate:many .*)/s.exec(said(visited).join('\n')) ?? [];
    assert.match(many, /^certificate:many 3 more than 16 files\n/);
    assert.equal(many.match(/1 day left/g)?.length, 5);
    assert.match(many, /\nand 11 more \| days=N;/);
    rmSync(path.join(dir, 'b'), { recursive: true });
    chmodSync(a, 0o644);
    appendFileSync(a, 'rest');
    assert.match(said(await client.visit())[1] ?? '', /^certificate:each 2 .*a\/full chain\.pem: 1 day left/);
  });

  test(`lines that name no certificate are refused (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const wrong = [
      'certificate',
      'certificate x',
      'certificate x connect=host',
      'certificate x connect=host:443 file=/x',
      'certificate x connect=-cert:443',
      'certificate x connect=a:1:2',
      'certificate x connect=[::1]:4a',
      'certificate x connect=h:123456',
      'certificate x "connect=h o:1"',
      'certificate x connect=h:1 servername=-x',
      'certificate x connect=h:1 warning=soon',
      'certificate x connect=h:1 critical=0',
      'certificate x connect=h:1 every=8d',
      'certificate x connect=h:1 true',
      'certificate x format=nagios connect=h:1',
      'certificate x file=relative',
      'certificate x file=/a[b]',
      'certificate x file=/a\\\\b',
      'certificate x file=/a,b',
      'certificate x file=/a servername=b',
      'certificate "<x>" file=/a',
      'certificate "" file=/a',
    ];
    const file = client.conf([...wrong, 'x format=certificate connect [::1]:443 "" 1 1'].join('\n'));
    const { checks, refused } = await client.visit();
    assert.deepEqual(checks, []);
    const why = 'certificate takes NAME and connect=HOST:PORT or file=PATH';
    assert.deepEqual(
      refused.map(({ path }) => path),
      [...wrong.slice(0, 20).keys()].map((at) => `${file}:${at + 1}`),
    );
    assert.ok(refused.every((one) => one.why === why));
    const rest = client.conf([...wrong.slice(20), 'x format=certificate connect [::1]:443 "" 1 1'].join('\n'));
    assert.deepEqual((await client.visit()).refused, [
      { path: `${rest}:1`, why },
      { path: `${rest}:2`, why },
      { path: `${rest}:3`, why: 'not a line of NAME and COMMAND' },
    ]);
  });
}
