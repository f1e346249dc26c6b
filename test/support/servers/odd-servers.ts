/** Servers that behave and misbehave, and what a check of each must say, whichever agent makes it. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { gzipSync } from 'node:zlib';

import { makeCertificates } from './certificates.ts';

/** A check and its result. */
export interface ServerCase {
  /** The words of a line of a conf file behind the name. */
  readonly words: string;
  readonly kind: 'http' | 'tcp' | 'dns';
  readonly state: 0 | 1 | 2 | 3;
  readonly text: RegExp;
}

export interface OddServers {
  readonly cases: Readonly<Record<string, ServerCase>>;
  readonly stop: () => void;
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"up"}';
const head = (status: string, ...lines: readonly string[]): string =>
  [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
const chunked = (...chunks: readonly string[]): string =>
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
const moved = (location: string): string => head('302 Found', `Location: ${location}`, 'Content-Length: 0');

type Answer = (socket: Socket, request: string) => void;
const say =
  (text: string | Buffer): Answer =>
  (socket) =>
    socket.end(text);

function flood(socket: Socket, first: string): void {
  const block = Buffer.alloc(64 * 1024, 'x');
  socket.write(first);
  const push = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on('drain', push);
  push();
}

/** The answers of web servers by the first word of their path. */
const pages: Readonly<Record<string, Answer>> = {
  ok: say(ok),
  empty: say(head('204 No Content')),
  silentReason: say('HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'),
  http10: say('HTTP/1.0 200 OK\r\n\r\nuntil the end, up'),
  gone: say(head('404 Not Found', 'Content-Length: 0')),
  bad: say(`${head('502 Bad Gateway', 'Content-Length: 6')}<html>`),
  login: say(`${head('401 Unauthorized', 'WWW-Authenticate: Basic realm="x"', 'Content-Length: 2')}no`),
  hints: say(`${head('103 Early Hints', 'Link: </a>; rel=preload')}${ok}`),
  continues: say(`${head('100 Continue')}${ok}`),
  odd: say(head('799 Odd', 'Content-Length: 0')),
  same: say(moved('/ok')),
  relative: say(moved('ok')),
  other: say(moved('http://other.invalid:9/secret')),
  network: say(moved('//other.invalid/x')),
  file: say(moved('file:///etc/passwd')),
  script: say(moved('javascript:alert(1)')),
  user: say(moved('http://127.0.0.1@other.invalid:9/')),
  slash: say(moved('http://127.0.0.1\\@other.invalid:9/')),
  circle: say(moved('/circle')),
  none: say(head('302 Found', 'Content-Length: 0')),
  nine: say('<html>an answer of HTTP 0.9</html>'),
  bare: say('HTTP/1.1 200 OK\nContent-Length: 2\n\nup'),
  smtp: say('220 mx.example.org ESMTP\r\n'),
  closes: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  stalls: () => undefined,
  drips: (socket) => {
    const timer = setInterval(() => socket.write('x'), 200);
    socket.on('close', () => clearInterval(timer));
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
  },
  stallsInBody: (socket) => socket.write(`${head('200 OK', 'Content-Length: 100')}half`),
  half: say(`${head('200 OK', 'Content-Length: 100')}half`),
  chunked: say(head('200 OK', 'Transfer-Encoding: chunked') + chunked('{"status":', '"up"}') + '0\r\n\r\n'),
  cutChunks: say(head('200 OK', 'Transfer-Encoding: chunked') + chunked('{"status":"up"}')),
  gzip: say(Buffer.concat([Buffer.from(head('200 OK', 'Content-Encoding: gzip')), gzipSync('{"status":"up"}')])),
  bomb: say(Buffer.concat([Buffer.from(head('200 OK', 'Content-Encoding: gzip')), gzipSync(Buffer.alloc(2 ** 26))])),
  notGzip: say(`${head('200 OK', 'Content-Encoding: gzip')}plain`),
  endless: (socket) => flood(socket, head('200 OK', `Content-Length: ${2 ** 30}`)),
  headers: (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nX-Long: '),
  escapes: say(`${head('200 \u001b[31mRed|x=1', 'Connection: close')}\u001b[2J\u202e<b>|x=1;2`),
  binary: say(Buffer.concat([Buffer.from(head('200 OK')), Buffer.from([0, 255, 254, 10, 13, 128])])),
  late: (socket) => void setTimeout(() => socket.end(ok), 400),
  echo: (socket, request) => socket.end(`${head('200 OK')}${request}`),
  preface: (socket) => socket.end(Buffer.from('00001204000000000000030000006400', 'hex')),
  resetAfter: (socket) => socket.write(ok, () => socket.resetAndDestroy()),
};

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function webServer(base: Server): Server {
  const answered = (socket: Socket): void => {
    let request = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      request += chunk.toString('latin1');
      const [, page = ''] = /^GET \/(\w*)/.exec(request) ?? [];
      if (request.includes('\r\n\r\n')) (pages[page] ?? say(head('404 Not Found')))(socket, request);
    });
  };
  return base.on('connection', answered);
}

/** Starts the servers. `dir` is an empty folder. */
export async function startOddServers(dir: string): Promise<OddServers> {
  const servers: Server[] = [];
  const start = async (server: Server, host?: string): Promise<number> => {
    servers.push(server);
    return await listen(server, host);
  };
  const web = await start(webServer(createServer()));
  const socketPath = path.join(dir, 'web.sock');
  const onSocket = webServer(createServer());
  servers.push(onSocket.listen(socketPath));
  await once(onSocket, 'listening');
  const refused = createServer();
  const refusedPort = await listen(refused);
  refused.close();
  const headerFile = path.join(dir, 'headers');
  writeFileSync(headerFile, 'X-Secret: swordfish\n');

  const { good, wrongHost, expired, ca } = makeCertificates(path.join(dir, 'tls'));
  const own = path.join(dir, 'self');
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90'].concat(
      ['-keyout', `${own}.key`, '-out', `${own}.pem`, '-subj', '/CN=localhost'],
      ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ),
    { stdio: 'pipe' },
  );
  const self = { key: readFileSync(`${own}.key`), cert: readFileSync(`${own}.pem`) };
  const secure = async (options: TlsOptions): Promise<number> => {
    const server = createTlsServer(options).on('tlsClientError', () => undefined);
    server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        const [, page = ''] = /^GET \/(\w*)/.exec(chunk.toString('latin1')) ?? [];
        (pages[page] ?? say('220 mx.example.org\r\n'))(socket, chunk.toString('latin1'));
      });
    });
    return await start(server);
  };
  const tls = {
    good: await secure(good),
    expired: await secure(expired),
    wrong: await secure(wrongHost),
    self: await secure(self),
    mutual: await secure({ ...good, requestCert: true, rejectUnauthorized: true }),
    old: await secure({ ...good, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    h2: await secure({ ...good, ALPNProtocols: ['h2'] }),
    closes: await start(createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end()))),
    silent: await start(createServer((socket) => socket.on('error', () => undefined))),
  };
  const greets = await start(
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('220 mx.example.org ESMTP\r\n');
      socket.on('data', (chunk: Buffer) =>
        socket.write(chunk.toString().startsWith('PING') ? '+PONG\r\n' : '500 ?\r\n'),
      );
    }),
  );
  const closing = await start(createServer((socket) => socket.on('error', () => undefined).end()));
  const flooding = await start(
    createServer((socket) => {
      socket.on('error', () => undefined);
      flood(socket, '');
    }),
  );
  const names = await startNames();
  const cases = {
    ...webCases(`http://127.0.0.1:${web}`, { refusedPort, socketPath, headerFile }),
    ...tlsCases({ ...tls, greets }, ca, path.join(dir, 'tls', 'good.pem')),
    ...tcpCases(
      { greets, closing, flooding, silent: tls.silent, refused: refusedPort, good: tls.good, expired: tls.expired },
      ca,
    ),
    ...dnsCases(names.port),
  };
  return {
    cases,
    stop: () => {
      for (const server of servers) server.close();
      names.stop();
    },
  };
}

type Cases = Readonly<Record<string, ServerCase>>;

interface Places {
  readonly refusedPort: number;
  readonly socketPath: string;
  readonly headerFile: string;
}

const time = String.raw`\d+\.\d+ s`;
const found = new RegExp(`^200 OK after ${time}$`);

function webCases(base: string, { refusedPort, socketPath, headerFile }: Places): Cases {
  const port = base.split(':').at(-1) ?? '';
  const http = (page: string, state: ServerCase['state'], text: RegExp, more = ''): ServerCase => ({
    kind: 'http',
    words: `url=${base}/${page} ${more}`.trim(),
    state,
    text,
  });
  const up = String.raw`contains="\"status\":\"up\""`;
  return {
    ok: http('ok', 0, found, up),
    query: http('ok?a=1&b=%20#part', 0, found),
    empty: http('empty', 0, new RegExp(`^204 No Content after ${time}$`)),
    'no reason': http('silentReason', 0, /^200 after /),
    'until the end': http('http10', 0, found, 'contains=up'),
    gone: http('gone', 2, new RegExp(`^404 Not Found after ${time}$`)),
    'gone is wanted': http('gone', 0, /^404 Not Found after/, 'status=200,404-410'),
    bad: http('bad', 2, /^502 Bad Gateway after /, up),
    login: http('login', 2, /^401 Unauthorized after /),
    'login is wanted': http('login', 0, /^401 Unauthorized after /, 'status=200,401'),
    'early hints': http('hints', 0, found, up),
    continues: http('continues', 0, found, up),
    'odd status': http('odd', 2, /^799 Odd after /),
    'redirect of the same host': http('same', 0, new RegExp(`^200 OK after ${time}, redirected to "${base}/ok"$`), up),
    'relative redirect': http('relative', 0, /^200 OK after .*, redirected to ".*\/ok"$/, up),
    'redirect to another host': http(
      'other',
      0,
      /^302 Found after .*, to "http:\/\/other\.invalid:9\/secret", which is not followed$/,
    ),
    'redirect to another host by //': http(
      'network',
      0,
      /^302 Found after .*, to "\/\/other\.invalid\/x", which is not/,
    ),
    'redirect that is followed': http('other', 2, /^name: other\.invalid does not /, 'follow=yes timeout=4'),
    'no redirect': http('same', 0, /^302 Found after .*, to "\/ok", which is not followed$/, 'follow=no'),
    'redirect to a file': http(
      'file',
      0,
      /^302 Found after .*, to "file:\/\/\/etc\/passwd", which is not followed$/,
      'follow=yes',
    ),
    'redirect to a script': http(
      'script',
      0,
      /^302 Found after .*, to "javascript:alert\(1\)", which is not/,
      'follow=yes',
    ),
    'redirect with a user': http('user', 0, /^302 Found after .*, which is not followed$/),
    'redirect with a backslash': http('slash', 0, /^302 Found after .*, which is not followed$/),
    'redirect without a place': http('none', 0, /^302 Found after /),
    circle: http(
      'circle',
      2,
      /^redirects without end: 10 followed, the last to http:\/\/127\.0\.0\.1:\d+\/circle/,
      'timeout=20',
    ),
    'HTTP 0.9': http('nine', 2, /^answer: is no HTTP/, 'timeout=4'),
    'line feeds alone': http('bare', 0, found, 'contains=up'),
    'no file of headers': http('ok', 3, /^a readable \/none is missing on the client$/, 'headerFile=/none'),
    smtp: http('smtp', 2, /^answer: is no HTTP/, 'timeout=4'),
    closes: http('closes', 2, /^answer: closed without an answer/, 'timeout=4'),
    resets: http('resets', 2, /^answer: connection reset/, 'timeout=4'),
    stalls: http('stalls', 2, /^answer: no answer within 2 s/, 'timeout=2'),
    drips: http('drips', 2, /^answer: no answer within 2 s/, 'timeout=2'),
    'stalls in body': http('stallsInBody', 2, /^body: no answer within 5 s/, 'timeout=5'),
    'half a body': http('half', 2, /^body: ended before its end/, 'timeout=4'),
    chunked: http('chunked', 0, found, up),
    'cut chunks': http('cutChunks', 2, /^body: ended before its end/, 'timeout=4'),
    gzip: http('gzip', 0, found, up),
    bomb: http('bomb', 0, found),
    'no gzip': http('notGzip', 2, /^body: cannot be unpacked/),
    endless: http('endless', 0, found, 'lacks=y'),
    'endless without a text': http('endless', 2, /^body lacks "y": begins "x{78}\.\."; 200 OK/, 'contains=y'),
    headers: http('headers', 2, /^answer: more headers than anybody needs/, 'timeout=4'),
    escapes: http('escapes', 2, /^body lacks "nothing": begins "[ -~?]*x=1;2"; 200 .*Red/, 'contains=nothing'),
    binary: http('binary', 2, /^body lacks "a": begins "[ ?\ufffd]*"; 200 OK/, 'contains=a'),
    slow: http('late', 1, new RegExp(`^slow: \\d\\.\\d s, more than 0\\.1 s; 200 OK after ${time}$`), 'slow=100ms,9s'),
    'too slow': http('late', 2, /^slow: \d\.\d s, more than 0\.2 s; 200 OK/, 'slow=100ms,200ms'),
    lacks: http('ok', 2, /^body has "up"; 200 OK after /, 'lacks=up'),
    'several texts': http(
      'ok',
      2,
      /^body lacks "down": begins "\{"status":"up"\}"; 200 OK after /,
      'contains=up contains=down',
    ),
    header: http('echo', 0, found, 'contains="X-Test: a b" "header=X-Test: a b"'),
    'host header': http('echo', 0, found, `"contains=Host: 127.0.0.1:${port}" "lacks=Accept-Encoding"`),
    'header of a file': http('echo', 0, found, `"contains=X-Secret: swordfish" headerFile=${headerFile}`),
    'HTTP/2 without TLS': http('preface', 2, /^answer: is no HTTP/, 'timeout=4'),
    'reset after the answer': http('resetAfter', 0, found, up),
    socket: { kind: 'http', words: `url=http://app/ok connect=${socketPath} ${up}`, state: 0, text: found },
    connect: {
      kind: 'http',
      words: `url=http://shop.example.org/echo connect=127.0.0.1:${port} "contains=Host: shop.example.org"`,
      state: 0,
      text: found,
    },
    'no socket': {
      kind: 'http',
      words: 'url=http://app/ok connect=/none.sock timeout=4',
      state: 2,
      text: /^connect: /,
    },
    refused: {
      kind: 'http',
      words: `url=http://127.0.0.1:${refusedPort}/`,
      state: 2,
      text: new RegExp(`^connect: refused by 127\\.0\\.0\\.1:${refusedPort}, twice$`),
    },
    nobody: {
      kind: 'http',
      words: 'url=http://no-such-host.invalid/ timeout=4',
      state: 2,
      text: /^name: no-such-host\.invalid does not /,
    },
    localhost: { kind: 'http', words: `url=http://localhost:${port}/ok ${up}`, state: 0, text: found },
    'IPv6 alone': {
      kind: 'http',
      words: `url=http://localhost:${port}/ok family=6 timeout=4`,
      state: 2,
      text: /^(connect|name): /,
    },
  };
}

type TlsPorts = Readonly<
  Record<'good' | 'expired' | 'wrong' | 'self' | 'mutual' | 'old' | 'h2' | 'closes' | 'silent' | 'greets', number>
>;

function tlsCases(ports: TlsPorts, ca: string, noAuthority: string): Cases {
  const https = (port: number, state: ServerCase['state'], text: RegExp, more = `ca=${ca} timeout=4`): ServerCase => ({
    kind: 'http',
    words: `url=https://127.0.0.1:${port}/ok ${more}`,
    state,
    text,
  });
  return {
    'TLS ends soon': https(ports.good, 2, new RegExp(`^certificate ends in 1 day; 200 OK after ${time}$`)),
    'TLS warns': https(ports.good, 1, /^certificate ends in 1 day; 200 OK/, `ca=${ca} critical=1h`),
    'TLS is fine': https(
      ports.good,
      0,
      new RegExp(`^200 OK after ${time}; certificate ends in 1 day$`),
      `ca=${ca} warning=1h critical=60`,
    ),
    'TLS by name': {
      ...https(0, 0, /^200 OK after /),
      words: `url=https://localhost:${ports.good}/ok ca=${ca} warning=1h critical=1m`,
    },
    'TLS expired': https(ports.expired, 2, /^TLS: certificate has expired/),
    'TLS expired, not verified': https(ports.expired, 0, new RegExp(`^200 OK after ${time}$`), 'verify=no'),
    'TLS expired, not verified, limits': https(
      ports.expired,
      2,
      /^certificate expired 1 day ago; 200 OK/,
      'verify=no warning=21d',
    ),
    'TLS for another': https(ports.wrong, 2, /^TLS: certificate is not for 127\.0\.0\.1/),
    'TLS self-signed': https(ports.self, 2, /^TLS: self-signed certificate/),
    'TLS self-signed, known': https(
      ports.self,
      2,
      /^TLS: (self-signed certificate|unable to get local issuer)/,
      `ca=${noAuthority} timeout=4`,
    ),
    'TLS of nobody': https(
      ports.good,
      2,
      /^TLS: unable to (get local issuer|verify the first) certificate/,
      'timeout=4',
    ),
    'TLS of a client': https(ports.mutual, 2, /^(TLS|answer): .*certificate required/),
    'TLS 1.1': https(ports.old, 2, /^TLS: .*(protocol version|unsupported protocol|legacy sigalg)/),
    'TLS for h2': https(ports.h2, 2, /^TLS: .*no application protocol/),
    'no file of authorities': https(ports.good, 3, /^a readable \/none is missing on the client$/, 'ca=/none'),
    'TLS closes': https(ports.closes, 2, /^TLS: connection closed/),
    'TLS is silent': https(ports.silent, 2, /^TLS: no answer within 2 s/, `ca=${ca} timeout=2`),
    'no TLS': https(ports.greets, 2, /^TLS: 127\.0\.0\.1:\d+ speaks no TLS/),
  };
}

function tcpCases(ports: Readonly<Record<string, number>>, ca: string): Cases {
  const tcp = (name: string, state: ServerCase['state'], text: RegExp, more = ''): ServerCase => ({
    kind: 'tcp',
    words: `connect=127.0.0.1:${ports[name]} ${more}`.trim(),
    state,
    text,
  });
  return {
    'tcp connects': tcp('silent', 0, new RegExp(`^connected to 127\\.0\\.0\\.1:\\d+ after ${time}$`)),
    'tcp greeting': tcp(
      'greets',
      0,
      /^connected to .* s, answer begins "220 mx\.example\.org ESMTP"$/,
      'expect="220 "',
    ),
    'tcp wrong greeting': tcp(
      'greets',
      2,
      /^answer lacks "554 ": begins "220 mx\.example\.org ESMTP/,
      'expect="554 " timeout=2',
    ),
    'tcp sends': tcp('greets', 0, /^connected to .* answer begins "220 mx/, String.raw`'send=PING\r\n' expect=+PONG`),
    'tcp hex': tcp(
      'greets',
      0,
      /^connected to .* answer begins "220 mx/,
      String.raw`'send=\x50ING\r\n' 'expect=\x2bPONG'`,
    ),
    'tcp silent': tcp('silent', 2, /^answer: no answer within 2 s/, 'expect=a timeout=2'),
    'tcp closes': tcp('closing', 2, /^answer: closed without an answer/, 'expect=a timeout=4'),
    'tcp floods': tcp('flooding', 2, /^answer lacks "y": begins "x{78}\.\."/, 'expect=y timeout=4'),
    'tcp refused': tcp('refused', 2, /^connect: refused by 127\.0\.0\.1:\d+, twice$/, 'timeout=4'),
    'tcp TLS': tcp(
      'good',
      2,
      /^certificate ends in 1 day; connected to /,
      String.raw`tls=yes ca=${ca} 'send=x\r\n' expect=220`,
    ),
    'tcp TLS expired': tcp('expired', 2, /^TLS: certificate has expired/, `tls=yes ca=${ca} timeout=4`),
    'tcp nobody': {
      kind: 'tcp',
      words: 'connect=no-such-host.invalid:25 timeout=4',
      state: 2,
      text: /^name: no-such-host\.invalid does not /,
    },
  };
}

function dnsCases(port: number): Cases {
  const dns = (name: string, state: ServerCase['state'], text: RegExp, more = ''): ServerCase => ({
    kind: 'dns',
    words: `name=${name} server=127.0.0.1:${port} timeout=4 ${more}`.trim(),
    state,
    text,
  });
  return {
    'dns A': dns('shop.example.org', 0, /^shop\.example\.org A is 192\.0\.2\.80$/),
    'dns expected': dns('shop.example.org', 0, /^shop\.example\.org A is /, 'expect=192.0.2.80'),
    'dns other': dns(
      'shop.example.org',
      2,
      /^shop\.example\.org A lacks 192\.0\.2\.81: it is 192\.0\.2\.80$/,
      'expect=192.0.2.80,192.0.2.81',
    ),
    'dns MX': dns('mail.example.org', 0, /^mail\.example\.org MX is 10 mx\.example\.org/, 'type=MX'),
    'dns TXT': dns('text.example.org', 0, /^text\.example\.org TXT is v=spf1 -all/, 'type=TXT "expect=v=spf1 -all"'),
    'dns nobody': dns('nobody.example.org', 2, /^name: nobody\.example\.org does not exist/),
    'dns without the type': dns(
      'shop.example.org',
      2,
      /^name: shop\.example\.org has no record of this type/,
      'type=AAAA',
    ),
    'dns nobody listens': {
      kind: 'dns',
      words: 'name=a.example server=127.0.0.1:1 timeout=4',
      state: 2,
      text: /^name: no answer about a\.example from 127\.0\.0\.1:1, which refuses/,
    },
    'dns PTR': dns('127.0.0.1', 2, /^name: 127\.0\.0\.1 has no record of this type/, 'type=PTR'),
    'dns fails': dns('fails.example.org', 2, /^name: 127\.0\.0\.1:\d+ fails for fails\.example\.org \(SERVFAIL\)/),
    'dns refuses': dns('refuses.example.org', 2, /^name: 127\.0\.0\.1:\d+ refuses to answer for refuses\.example\.org/),
    'dns stalls': dns(
      'stalls.example.org',
      2,
      /^name: no answer about stalls\.example\.org from 127\.0\.0\.1:\d+ within 4 s/,
    ),
    'dns of the machine': {
      kind: 'dns',
      words: 'name=localhost expect=127.0.0.1',
      state: 0,
      text: /^localhost A is 127\.0\.0\.1/,
    },
    'dns of nobody': {
      kind: 'dns',
      words: 'name=no-such-host.invalid timeout=4',
      state: 2,
      text: /^name: no-such-host\.invalid does not /,
    },
  };
}

/** Starts a name server with a few names. */
async function startNames(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const server = createSocket('udp4');
  server.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
      labels.push(query.subarray(at + 1, at + 1 + size).toString());
      at += size + 1;
    }
    const question = query.subarray(12, at + 5);
    const type = query.readUInt16BE(at + 1);
    const [first = ''] = labels;
    const code = { nobody: 3, fails: 2, refuses: 5 }[first] ?? 0;
    const values: Readonly<Record<string, Buffer>> = {
      'shop 1': Buffer.from([192, 0, 2, 80]),
      'mail 15': Buffer.concat([
        Buffer.from([0, 10, 2]),
        Buffer.from('mx'),
        Buffer.from([0xc0, 12 + 1 + first.length]),
      ]),
      'text 16': Buffer.concat([Buffer.from([11]), Buffer.from('v=spf1 -all')]),
    };
    const data = values[`${first} ${type}`];
    if (first === 'stalls') return;
    const answer =
      data === undefined ? [] : [Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(answer.length === 0 ? 0 : 1, 6);
    header.writeUInt32BE(0, 8);
    server.send(Buffer.concat([header, question, ...answer]), from.port, from.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, stop: () => server.close() };
}
