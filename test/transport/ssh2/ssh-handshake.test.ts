/** A login over a wire in memory, to a server that does what a case says: the fault of each end, and what is left. */
import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import ssh2, { type AuthContext, type Connection, type ServerConfig } from 'ssh2';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { SshAgent, type Credentials } from '../../../src/transport/credentials/credentials.ts';
import { decodeLoginKey, Sha1Refused } from '../../../src/transport/credentials/private-key.ts';
import { parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import type { SshSession } from '../../../src/transport/ssh2/ssh-connection.ts';
import { Handshake, MustWait } from '../../../src/transport/ssh2/ssh-handshake.ts';
import type { SshTarget } from '../../../src/transport/ssh2/target.ts';
import type { ConnectOptions } from '../../../src/transport/transport.ts';
import { failure } from '../../support/ssh/login.ts';
import { publicBlobOf } from '../../support/ssh/ssh2-server.ts';
import { wirePair } from '../../support/ssh/wire-pair.ts';

// A server whose connection ends during its answer would go on with its keepalives.
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 });
const pem = generateHostKey();
const key = decodeLoginKey(pem, null);
const knownHosts = parseKnownHosts(`web-1 ssh-ed25519 ${publicBlobOf(pem).toString('base64')}\n`, '/nowhere/k');
const nothing: Credentials = { password: null, keys: [], agent: null, problem: null, certificates: [] };

const silent = (): void => undefined;

interface Meeting {
  /** Answers a login. Default: takes it. */
  readonly onLogin?: (attempt: AuthContext, server: Connection) => unknown;
  /** Answers the request for a channel. Default: takes it, and confirms the command. */
  readonly onSession?: (accept: () => unknown, reject: () => void) => void;
  readonly config?: Partial<ServerConfig>;
  readonly credentials?: Partial<Credentials>;
  readonly target?: Partial<SshTarget>;
  readonly options?: Partial<ConnectOptions>;
  readonly wire?: object;
  readonly ahead?: string;
  readonly take?: (session: SshSession) => SshSession;
  /** The time that the dial took, in ms. */
  readonly tookMs?: number;
}

/** Starts a login with a password. The far end of the wire is a server, or `far` if that is false. */
function meet({ onLogin = (attempt) => attempt.accept(), onSession, ...meeting }: Meeting, serves = true) {
  const { near, far } = wirePair(meeting.wire);
  const server = new EventEmitter();
  if (serves) {
    const own = new ssh2.Server({ hostKeys: [pem], ...meeting.config }, (client) => {
      server.emit('client', client);
      client.on('error', () => undefined);
      client.on('authentication', (attempt) => onLogin(attempt, client));
      client.on('session', (accept, reject) => {
        if (onSession === undefined) accept().on('exec', (confirm) => void confirm());
        else onSession(accept, reject);
      });
    });
    own.injectSocket(far as never);
  }
  const visit = new AbortController();
  const handshake = new Handshake<SshSession>({
    target: {
      ...{ client: 'web-1', address: '192.0.2.1', port: 22, username: 'monitor', knownAs: 'web-1', knownHosts },
      ...{ policy: 'strict', credentials: () => nothing, ...meeting.target },
    },
    options: { tcpTimeoutMs: 1000, connectTimeoutMs: 60_000, signal: visit.signal, ...meeting.options },
    credentials: { ...nothing, ...(meeting.credentials ?? { password: 'secret' }) },
    ...{
      wire: near,
      take: meeting.take ?? ((session) => session),
      startedMs: performance.now() - (meeting.tookMs ?? 0),
    },
    ...{ ahead: meeting.ahead ?? null, withoutFirst: false },
  });
  const session = handshake.run();
  session.catch(silent);
  return { near, far, server, visit, session };
}

/** Returns code, stage and message of a fault, and checks that its wire is gone and nothing listens for the visit. */
async function faultOf({ session, near, visit }: Pick<ReturnType<typeof meet>, 'session' | 'near' | 'visit'>) {
  const fault = await failure(session);
  assert.equal(near.destroyed, true);
  assert.equal(getEventListeners(visit.signal, 'abort').length, 0);
  assert.ok(fault.client === 'web-1' || fault.client === 'gate');
  return [fault.code, fault.stage, fault.message] as const;
}

async function thrownBy(session: Promise<unknown>): Promise<FleetError> {
  return (await session.catch((thrown: unknown) => thrown)) as FleetError;
}

const reject = (attempt: AuthContext): void => attempt.reject(['publickey']);

test('a session has what its connection needs, and nothing of the login ends it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { near, visit, session } = meet({ options: { channelTimeoutMs: 77 }, tookMs: 20 });
  const { client, ssh, socket, connectMs, byKey, channelTimeoutMs, signal, opened } = await session;
  assert.deepEqual([client, socket, byKey, channelTimeoutMs, opened], ['web-1', near, false, 77, null]);
  assert.equal(signal, visit.signal);
  assert.ok(Number.isInteger(connectMs) && connectMs >= 20, String(connectMs));
  assert.deepEqual([ssh.listenerCount('error'), ssh.listenerCount('end')], [0, 0]);
  assert.equal(getEventListeners(visit.signal, 'abort').length, 0);
  t.mock.timers.tick(60_000);
  assert.equal(near.destroyed, false);
  near.destroy();
});

test('a login by a key alone is told, and a channel has the time of a login unless it has its own', async () => {
  const { near, session } = meet({ credentials: { keys: [key] } });
  const { byKey, channelTimeoutMs } = await session;
  assert.deepEqual([byKey, channelTimeoutMs], [true, 60_000]);
  near.destroy();
});

for (const keepaliveMs of [undefined, 5000]) {
  test(`a session whose target asks for keepalives each ${keepaliveMs ?? 'never'} ms`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { near, session } = meet({ target: keepaliveMs === undefined ? {} : { keepaliveMs } });
    await session;
    let answers = 0;
    near.on('data', () => (answers += 1));
    for (const [passedMs, answered] of [
      [4999, 0],
      [1, keepaliveMs === undefined ? 0 : 1],
    ] as const) {
      t.mock.timers.tick(passedMs);
      for (let turns = 0; turns < 5; turns += 1) await turn();
      assert.equal(Math.min(answers, 1), answered);
    }
    near.destroy();
  });
}

const gone = new FleetError({ client: 'gate', code: 'bastion-failed', stage: 'connect', message: 'gone' });
const refusals: readonly (readonly [string, Meeting, readonly [string, string, RegExp]])[] = [
  [
    'refuses',
    { onLogin: reject, config: { banner: 'Go\r\naway' } },
    ['auth-failed', 'login', /^monitor was refused; tried password; .*publickey; the client says "Go away"$/],
  ],
  [
    'refuses all keys, with one that is missing',
    { onLogin: reject, credentials: { keys: [key], problem: 'k2 is missing' } },
    ['auth-failed', 'login', /tried key .*; the client takes publickey; k2 is missing$/],
  ],
  [
    'meets no credentials',
    { onLogin: reject, credentials: { problem: 'k2 is missing' } },
    ['credentials-unusable', 'login', /nothing that is configured was asked for; k2 is missing$/],
  ],
  [
    'meets no credentials, without a reason',
    { onLogin: reject, credentials: {} },
    ['auth-failed', 'login', /nothing that is configured was asked for$/],
  ],
  [
    'meets an agent that is not there',
    { onLogin: reject, credentials: { agent: new SshAgent('/nowhere/agent'), certificates: ['/k-cert.pub'] } },
    [
      'credentials-unusable',
      'login',
      /; the ssh-agent at \/nowhere\/agent cannot be reached: .*ENOENT.*; the certificate \/k-cert\.pub needs /,
    ],
  ],
  [
    'wants a new password',
    { onLogin: (attempt) => attempt.method === 'password' && attempt.requestChange('new?', silent) },
    ['auth-failed', 'login', /^the password has expired$/],
  ],
  [
    'asks for a code',
    {
      onLogin: (attempt) =>
        attempt.method === 'keyboard-interactive'
          ? attempt.prompt([{ prompt: 'Code:', echo: true }], silent)
          : attempt.reject(['keyboard-interactive']),
    },
    ['auth-failed', 'login', /^keyboard-interactive asks "Code:", which is not answered$/],
  ],
  [
    'ends the login with a reason',
    { onLogin: (_, client) => (client as unknown as Inside)._protocol.disconnect(2) },
    ['auth-failed', 'login', /^the client ended the login of monitor: .*PROTOCOL_ERROR.*; tried password/],
  ],
  [
    'has another host key',
    { target: { knownHosts: parseKnownHosts('', '/nowhere/k') } },
    ['host-key-unknown', 'handshake', /^web-1 shows ED25519 /],
  ],
  [
    'has no algorithm in common',
    { config: { algorithms: { cipher: ['aes128-cbc'] } } },
    ['no-common-algorithm', 'handshake', /no matching C->S cipher; the client offers aes128-cbc$/],
  ],
  [
    'is asked for a key exchange that nobody knows',
    { target: { kex: 'unknown' } },
    ['handshake-failed', 'handshake', /^none of the key exchanges of `kex` can be offered$/],
  ],
  [
    'is behind a bastion that broke',
    { onLogin: reject, wire: { brokenBy: gone } },
    ['bastion-failed', 'connect', /^gone$/],
  ],
];
interface Inside {
  readonly _protocol: {
    disconnect(reason: number): void;
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
    channelSuccess(channel: number): void;
  };
}
for (const [what, meeting, [code, stage, says]] of refusals) {
  test(`a server that ${what}: ${code}`, async () => {
    const fault = await faultOf(meet(meeting));
    assert.deepEqual(fault.slice(0, 2), [code, stage]);
    assert.match(fault[2], says);
  });
}

test('a key of RSA that the server takes with SHA-1 alone is the problem that is told', async () => {
  const usable = Object.assign(Object.create(key.usable), { sign: () => new Sha1Refused() }) as never;
  const onLogin = (attempt: AuthContext): void =>
    attempt.method === 'publickey' ? attempt.accept() : attempt.reject(['publickey']);
  const fault = await faultOf(meet({ credentials: { keys: [{ ...key, usable }] }, onLogin }));
  assert.match(
    fault[2],
    /^monitor was refused; .*; Error signing data with key: the server takes RSA keys with SHA-1 alone/,
  );
});

/** Starts a login to a server that answers the client's version line with these bytes. */
async function greetedBy(bytes: string, wire: object = {}) {
  const met = meet({ wire }, false);
  await once(met.far, 'data');
  met.far.write(bytes);
  await turn();
  return met;
}

const firstBytes: readonly (readonly [string, string, RegExp])[] = [
  ['', 'handshake-closed', /^the client closed the connection during the handshake$/],
  ['220 mx ESMTP\r\n', 'handshake-failed', /^SMTP answers there, not SSH: "220 mx ESMTP"$/],
  ['Exceeded MaxStartups\r\n', 'sshd-rejection', /^sshd turned away a connection from 192\.0\.2\.7: /],
  ['SSH-2.0-\r\n', 'handshake-failed', /^the built-in client does not read the version of the server, "SSH-2.0-"$/],
  ['You are banned.\r\n', 'handshake-failed', /; the client says "You are banned\."$/],
  [`${'x\n'.repeat(118)}Exceeded MaxStartups\n`, 'sshd-rejection', /./],
  [`${'x\n'.repeat(119)}Exceeded MaxStartups\n`, 'handshake-failed', /closed the connection/],
  ['SSH-2.0-x\r\n\0\0\0\x0c\x0a\x14\r\n220 mx', 'handshake-failed', /./],
];
for (const [bytes, code, says] of firstBytes) {
  test(`a server whose first bytes are ${JSON.stringify(bytes.slice(-40))}: ${code}`, async () => {
    const met = await greetedBy(bytes, { localAddress: '192.0.2.7' });
    met.near.destroy();
    const fault = await faultOf(met);
    assert.deepEqual(fault.slice(0, 2), [code, 'handshake']);
    assert.match(fault[2], says);
    const { advice } = await thrownBy(met.session);
    assert.equal(/Check port= of the client/.test(advice), bytes.startsWith('220'));
  });
}

test('a rejection over a wire without an address names none', async () => {
  const met = await greetedBy('Exceeded MaxStartups\r\n');
  met.near.destroy();
  assert.match((await faultOf(met))[2], /^sshd turned away the connection: /);
});

test('only the first 4 KiB of a server are looked at', async () => {
  const met = await greetedBy('x'.repeat(4095));
  const before = met.near.listenerCount('data');
  met.far.write('x');
  await turn();
  assert.equal(met.near.listenerCount('data'), before - 1);
  met.near.destroy();
  await faultOf(met);
});

/** Resolves when the server has an attempt to answer, or the request for a channel. */
async function until(server: EventEmitter, event: string): Promise<void> {
  await once(server, event);
  await turn();
}

/** Starts a login that stops at a stage. Mocked timers have `passed` since its start. */
async function stopped(
  t: TestContext,
  stage: 'silent' | 'login' | 'channel',
  meeting: Meeting = {},
  onClient: (client: Connection) => void = silent,
) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const at = new EventEmitter();
  const stop = (event: string) => () => void at.emit(event);
  const met = meet(
    {
      ...(stage === 'login' ? { onLogin: stop('login') } : {}),
      ...(stage === 'channel' ? { onSession: stop('channel'), ahead: 'true', credentials: { keys: [key] } } : {}),
      ...{ options: { connectTimeoutMs: 1000, channelTimeoutMs: 300 }, tookMs: 400, ...meeting },
    },
    stage !== 'silent',
  );
  met.server.on('client', onClient);
  if (stage !== 'silent') await until(at, stage);
  return met;
}

const lateWords = 'no answer to the login within 1000 ms; the client says "Visit a page"';
for (const [stage, limitMs, code, message, banner] of [
  ['silent', 600, 'handshake-timeout', 'TCP stands, but nothing that speaks SSH answered within 1000 ms', ''],
  ['login', 600, 'auth-timeout', 'no answer to the login within 1000 ms', ''],
  ['login', 600, 'auth-timeout', lateWords, 'Visit\na page'],
  ['channel', 300, 'channel-timeout', 'no channel for a command within 300 ms', ''],
] as const) {
  test(`a server that stops at the stage ${stage}: ${code} by its own limit: ${message}`, async (t) => {
    const met = await stopped(t, stage, banner === '' ? {} : { config: { banner } });
    t.mock.timers.tick(limitMs - 100);
    assert.equal(met.near.destroyed, false);
    t.mock.timers.tick(100);
    const fault = await faultOf(met);
    assert.deepEqual(fault, [code, stage === 'silent' ? 'handshake' : stage, message]);
    const { advice } = await thrownBy(met.session);
    assert.equal(/wait for somebody/.test(advice), banner !== '');
  });
}

test('a login whose time is over before it begins ends at once', async (t) => {
  const met = await stopped(t, 'silent', { tookMs: 5000, options: { connectTimeoutMs: 1000 } });
  t.mock.timers.tick(1);
  assert.equal((await faultOf(met))[0], 'handshake-timeout');
});

const closedAt = {
  silent: ['handshake-closed', 'handshake', 'the client closed the connection during the handshake'],
  login: ['connect-failed', 'login', 'the client closed the connection during the login'],
  channel: ['connect-failed', 'channel', 'the client closed the connection after the login'],
} as const;
for (const stage of ['silent', 'login', 'channel'] as const) {
  test(`a server that closes, breaks, or a visit that ends at the stage ${stage}`, async (t) => {
    const closed = await stopped(t, stage);
    closed.near.destroy();
    assert.deepEqual(await faultOf(closed), closedAt[stage]);
    t.mock.timers.reset();
    const ended = await stopped(t, stage);
    ended.visit.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' }));
    const interrupted = ['interrupted', closedAt[stage][1], 'SIGTERM'];
    assert.deepEqual(await faultOf(ended), interrupted);
    t.mock.timers.reset();
    const cut = await stopped(t, stage);
    cut.near.emit('error', new Error('ECONNRESET'));
    const broke = { silent: 'ECONNRESET', login: 'the connection broke: ', channel: 'the connection broke: ' }[stage];
    const fault = await faultOf(cut);
    assert.deepEqual(fault.slice(0, 2), closedAt[stage].slice(0, 2));
    assert.ok(fault[2].startsWith(broke) && fault[2].endsWith('ECONNRESET'), fault[2]);
  });
}

test('a visit that has ended before sends nothing', async () => {
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' });
  const visit = { signal: AbortSignal.abort(reason) };
  const met = meet({ options: visit }, false);
  assert.deepEqual(await faultOf(met), ['interrupted', 'handshake', 'SIGTERM']);
  assert.equal(getEventListeners(visit.signal, 'abort').length, 0);
  assert.equal(met.far.read(), null);
});

test('a server that greets, and then stops, is told from one that says nothing of SSH', async (t) => {
  const met = await stopped(t, 'silent');
  await once(met.far, 'data');
  met.far.write('SSH-2.0-x\r\n');
  await turn();
  t.mock.timers.tick(1000);
  const message = 'the key exchange did not end within 1000 ms';
  assert.deepEqual(await faultOf(met), ['handshake-timeout', 'handshake', message]);
});

test('a server that half-closes during the login has closed it', async (t) => {
  const met = await stopped(t, 'login');
  met.far.end();
  assert.deepEqual(await faultOf(met), closedAt.login);
  assert.match((await thrownBy(met.session)).advice, /PAM may forbid the login/);
});

test('a server that disconnects once the login is done has broken the connection', async (t) => {
  let client: Connection | null = null;
  const met = await stopped(t, 'channel', {}, (one) => (client = one));
  (client as unknown as Inside)._protocol.disconnect(2);
  const fault = await faultOf(met);
  assert.deepEqual(
    [fault[0], fault[1], fault[2].slice(0, 22)],
    ['connect-failed', 'channel', 'the connection broke: '],
  );
});

test('what an account is told when its login is closed stands in the message', async (t) => {
  const met = await stopped(t, 'login', { config: { banner: 'Expired' } });
  met.near.destroy();
  const told = 'the client ended the login of monitor; the client says "Expired"';
  assert.deepEqual(await faultOf(met), ['auth-failed', 'login', told]);
});

test('a command that goes ahead has its channel, or the error in its place', async () => {
  const credentials = { keys: [key] };
  const met = meet({ ahead: 'uptime', credentials });
  const { opened } = await met.session;
  assert.equal(opened?.command, 'uptime');
  assert.equal(opened.channel instanceof Error, false);
  met.near.destroy();
  const refused = meet({ ahead: 'uptime', credentials, onSession: (_accept, refuse) => refuse() });
  assert.ok((await refused.session).opened?.channel instanceof Error);
  refused.near.destroy();
});

/** Makes one chunk of all that an end writes in a turn, as TCP may. */
function joinWrites(end: ReturnType<typeof meet>['far']): void {
  const held: Buffer[] = [];
  const write = end.write.bind(end);
  end.write = (data: Buffer): boolean => {
    if (held.push(Buffer.from(data)) === 1) setImmediate(() => write(Buffer.concat(held.splice(0))));
    return true;
  };
}

test('a login that is taken in the same moment in which it failed has failed', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  for (const meeting of [{}, { ahead: 'true', credentials: { keys: [key] } }]) {
    const onLogin = (attempt: AuthContext, client: Connection): void => {
      joinWrites(met.far);
      (client as unknown as Inside)._protocol.disconnect(2);
      attempt.accept();
    };
    const take = t.mock.fn((session: SshSession) => session);
    const met = meet({ ...meeting, onLogin, take });
    assert.equal((await faultOf(met))[0], 'auth-failed');
    await turn();
    assert.deepEqual([take.mock.callCount(), timers()], [0, before]);
  }
});

test('a server that refuses what went ahead, and then answers nothing, is late', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const at = new EventEmitter();
  let attempts = 0;
  const onLogin = (attempt: AuthContext): unknown =>
    (attempts += 1) === 1 ? attempt.reject(['publickey']) : at.emit('second');
  const met = meet({ ahead: 'true', credentials: { keys: [key, key] }, onLogin, options: { connectTimeoutMs: 1000 } });
  await until(at, 'second');
  t.mock.timers.tick(1000);
  assert.equal((await faultOf(met))[0], 'auth-timeout');
});

test('a server that answers for the channel before the login has not followed', async () => {
  const onLogin = (_: AuthContext, client: Connection): void => {
    const { _protocol: protocol } = client as unknown as Inside;
    protocol.channelOpenConfirm(0, 0, 65_536, 32_768);
    protocol.channelSuccess(0);
  };
  const thrown = await thrownBy(meet({ ahead: 'true', credentials: { keys: [key] }, onLogin }).session);
  assert.ok(thrown instanceof MustWait && !thrown.firstWasRefused, String(thrown));
});

test('a server that takes nothing ahead is asked again, without the key that it refused', async () => {
  const numbersFromOne = (client: Connection): void =>
    (client as unknown as { readonly _chanMgr: { add(nothing: () => void): void } })._chanMgr.add(silent);
  let attempts = 0;
  const closesAfterOne = (attempt: AuthContext): unknown =>
    (attempts += 1) === 1 ? attempt.reject(['publickey']) : closed.near.destroy();
  const ahead = { ahead: 'true', credentials: { keys: [key, key] } };
  const numbered = meet(ahead);
  numbered.server.on('client', numbersFromOne);
  const closed = meet({ ...ahead, onLogin: closesAfterOne, config: { banner: 'Welcome' } });
  for (const [{ near, session }, firstWasRefused] of [
    [numbered, false],
    [closed, true],
  ] as const) {
    const thrown: unknown = await session.catch((error: unknown) => error);
    assert.ok(thrown instanceof MustWait, String(thrown));
    assert.deepEqual([thrown.firstWasRefused, near.destroyed], [firstWasRefused, true]);
  }
});
