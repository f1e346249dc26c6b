// Runs alone: its clock is a mock from the start.
/** The end of each login of ssh, as its log says it, and the commands after a login. The program ssh is scripted. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { createOpensshTransport } from '../../../src/transport/openssh/openssh.ts';
import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import type { Connection, ConnectOptions } from '../../../src/transport/transport.ts';
import * as scripted from '../../support/ssh/scripted-ssh.ts';

const { atLogin, connecting, greeted, hangs, loggedIn, silent, staysIn } = scripted;
const { dir, set, began } = scripted.scriptSsh();
const open: Connection[] = [];
afterEach(() => {
  for (const connection of open.splice(0)) connection.destroy();
});

/** Logs in to a client whose ssh plays this. */
async function connect(
  master: string,
  more: Partial<ConnectOptions> = {},
  target: Partial<OpensshTarget> = {},
  command = '',
): Promise<Connection> {
  set({ master, command });
  const transport = createOpensshTransport({ ...scripted.scriptedTarget, ...target });
  const { signal } = new AbortController();
  const connection = await transport.connect({ tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal, ...more });
  open.push(connection);
  return connection;
}
/** Logs in to a client whose ssh says this and no more, and lets the time pass. */
async function late(t: TestContext, master: string, limits: Partial<ConnectOptions>, ms: number): Promise<Connection> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ended = connect(`${master}${said(master)}`, limits);
  ended.catch(() => undefined);
  await began();
  t.mock.timers.tick(ms);
  t.mock.timers.reset();
  return await ended;
}
/** Returns what follows the words of an ssh that hangs. */
const said = (master: string): string => `${master === '' ? '' : '; '}$began; ${hangs}`;
const fleetError = { name: 'FleetError', client: 'web-1' };
const much = 'head -c 300000 /dev/zero | tr "\\0" x >&2';

for (const [what, master, facts, message] of [
  ['ends without a word', 'exit 1', 'config-invalid connect', 'ssh did not begin: ssh ended without a word'],
  [
    'cannot connect',
    `${connecting} 'ssh: connect to host web-1 port 22: Connection refused'; exit 255`,
    'connect-refused connect',
    'web-1: Connection refused',
  ],
  [
    'meets a server of another protocol',
    `${silent} 'debug1: kex_exchange_identification: banner line 0: HTTP/1.1 400 Bad Request'; ${hangs}`,
    'handshake-failed handshake',
    /HTTP/,
  ],
  [
    'is told without end',
    `${greeted}; ${much}; ${hangs}`,
    'handshake-timeout handshake',
    'the client talks without end',
  ],
  ['is told without end at the login', `${atLogin}; ${much}; ${hangs}`, 'auth-timeout login', /talks without end/],
] as const) {
  test(`an ssh that ${what}`, async () => {
    const [code, stage] = facts.split(' ');
    await assert.rejects(connect(master), { ...fleetError, code, stage, message });
  });
}

const resolving = `say 'debug1: resolving "web-1" port 22'`;
for (const [what, master, facts, message] of [
  ['has not begun', '', 'connect-timeout connect', 'ssh did not begin to connect to web-1 within 15000 ms'],
  ['looks up the name', resolving, 'dns resolve', 'web-1 did not resolve within 15000 ms'],
  ['connects', connecting, 'connect-timeout connect', 'no answer from web-1 port 22 within 15000 ms'],
] as const) {
  test(`TCP has its time, also if the login had more: ssh ${what}`, async (t) => {
    const [code, stage] = facts.split(' ');
    await assert.rejects(late(t, master, { tcpTimeoutMs: 15_000 }, 15_000), { ...fleetError, code, stage, message });
  });
}

const proxied = "say 'debug1: Executing proxy command: exec nc' 'why'";
for (const [what, master, facts, message] of [
  [
    'TCP stands',
    silent,
    'handshake-timeout handshake',
    'TCP stands, but nothing that speaks SSH answered within 40000 ms',
  ],
  ['keys are exchanged', greeted, 'handshake-timeout handshake', 'the key exchange did not end within 40000 ms'],
  ['a login is under way', atLogin, 'auth-timeout login', 'no answer to the login within 40000 ms'],
  [
    'a login asks in words',
    `${atLogin} 'Touch your key'`,
    'auth-timeout login',
    /^no answer to the login within 40000 ms.*Touch your key/,
  ],
  ['it is logged in', loggedIn, 'auth-timeout login', 'ssh opened no control socket within 40000 ms'],
  [
    'a proxy is asked',
    proxied,
    'connect-timeout connect',
    'the route there, which ssh_config names, did not answer within 40000 ms: why',
  ],
] as const) {
  test(`a login that does not end says where it stands: ${what}`, async (t) => {
    const [code, stage] = facts.split(' ');
    const ended = late(t, master, { connectTimeoutMs: 40_000 }, 40_000);
    await assert.rejects(ended, { ...fleetError, code, stage, message });
  });
}

for (const [stage, master] of [
  ['resolve', ''],
  ['connect', connecting],
  ['handshake', silent],
  ['handshake', greeted],
  ['login', atLogin],
  ['login', loggedIn],
] as const) {
  test(`a run that ends during the login ends it at the stage ${stage}: ${master.slice(-40)}`, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const ended = connect(`${master}${said(master)}`, { signal });
    ended.catch(() => undefined);
    await began();
    controller.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'end' }));
    await assert.rejects(ended, { ...fleetError, code: 'interrupted', stage });
  });
}

test('a run that has ended before starts no ssh', async () => {
  const signal = AbortSignal.abort(new Error('over'));
  await assert.rejects(connect('exit 1', { signal }), { ...fleetError, code: 'visit-deadline', stage: 'connect' });
});

const asks = 'say "$FLEET_HEALTH_ASKS me@web-1\'s password: "';
const trying = "'debug1: Next authentication method: password' 'debug1: Authentications that can continue: password'";
const secrets = () => ({ password: 'the word', passphrase: null });

test('a password is handed to ssh when the server asks for it', async () => {
  const right = `read -r word; [ "$word" = "the word" ] || exit 1; ${staysIn}`;
  const { byKey } = await connect(`${atLogin} ${trying}; ${asks}; ${right}`, {}, { secrets });
  assert.equal(byKey, false);
});

test('a question that nothing answers ends the login, with what was tried and what the client takes', async () => {
  const again = `${atLogin} ${trying}; ${asks}; read -r word; ${asks}; ${hangs}`;
  await assert.rejects(connect(again, {}, { secrets }), {
    ...{ ...fleetError, code: 'auth-failed', stage: 'login' },
    message: 'monitor was refused; tried password; the client takes password; the password was refused',
  });
});

test('a login with a key alone is told from one with a password', async () => {
  const byPublicKey = staysIn.replace(atLogin, `${atLogin} 'debug1: Next authentication method: publickey'`);
  const connection = await connect(byPublicKey);
  assert.equal(connection.byKey, true);
  assert.ok(connection.connectMs >= 0 && Number.isInteger(connection.connectMs));
});

const accepted = (end: string): string =>
  `log 'debug2: exec request accepted on channel 2' 'debug1: client_input_channel_req: channel 2 rtype exit-${end} x'`;
const running = "log 'debug2: exec request accepted on channel 2'";
for (const [what, command, exit] of [
  ['its status', `${running}; exit 3`, { status: 3, signal: null }],
  ['the status 0', `${running}; exit 0`, { status: 0, signal: null }],
  ['the status 255, which ssh has too', `${accepted('status')}; exit 255`, { status: 255, signal: null }],
  ['a signal, which ssh does not name', `${accepted('signal')}; exit 255`, { status: null, signal: null }],
  ['an end that the log does not tell', `${running}; exit 255`, { status: null, signal: null }],
  ['output before the log', 'echo early; exit 4', { status: 4, signal: null }],
] as const) {
  test(`the exit of a command is ${what}`, async () => {
    const connection = await connect(staysIn, {}, {}, command);
    const channel = await connection.exec('true');
    channel.stdout.resume();
    channel.stderr.resume();
    assert.deepEqual(await channel.exit, exit);
  });
}

test('a command has its own input and output, whose bytes count', async () => {
  const connection = await connect(staysIn, {}, {}, `${running}; read -r word; echo "got $word"; echo why >&2`);
  const { stdin, stdout, stderr, exit } = await connection.exec('true');
  stdin.write('word\n');
  assert.deepEqual(await Promise.all([text(stdout), text(stderr), exit]), [
    ...['got word\n', 'why\n'],
    { status: 0, signal: null },
  ]);
  assert.deepEqual(connection.bytes(), { in: 13, out: 5 });
  await connection.leave();
  await connection.leave();
});

for (const [what, command, message] of [
  [
    'refused',
    `log 'debug2: channel_input_status_confirm: type 100 id 2'; ${hangs}`,
    'the client refused to run a command',
  ],
  ['not run', "log 'nobody may'; exit 255", 'the client runs no command: nobody may'],
] as const) {
  test(`a command that is ${what} is a failed channel`, async () => {
    const connection = await connect(staysIn, {}, {}, command);
    await assert.rejects(connection.exec('true'), { ...fleetError, code: 'channel-failed', stage: 'channel', message });
  });
}

test('a command that does not begin in time ends the connection', async () => {
  const connection = await connect(staysIn, { channelTimeoutMs: 150 }, {}, hangs);
  const late = { ...fleetError, code: 'channel-timeout', message: 'no channel for a command within 150 ms' };
  await assert.rejects(connection.exec('true'), late);
  await assert.rejects(connection.exec('true'), late, 'and says so from then on');
});

for (const [what, end, fault] of [
  [
    'that this side ends',
    (connection: Connection) => connection.destroy(),
    { code: 'connect-failed', stage: 'channel', message: 'the connection was ended here' },
  ],
  [
    'that the run ends',
    (_: Connection, controller: AbortController) => controller.abort(new Error('over')),
    { code: 'visit-deadline', stage: 'channel', message: 'the visit was ended' },
  ],
] as const) {
  test(`a connection ${what} ends its command, and begins no other`, async () => {
    const controller = new AbortController();
    const connection = await connect(staysIn, { signal: controller.signal }, {}, `${running}; ${hangs}`);
    const channel = await connection.exec('true');
    end(connection, controller);
    await assert.rejects(channel.exit, { ...fleetError, ...fault });
    await assert.rejects(connection.exec('true'), { ...fleetError, ...fault });
  });
}

test('a connection that breaks is told with the last words of ssh', async () => {
  const breaks = `${loggedIn}; : >"$socket"; say ready; read -r line <>"$dir/fifo"; say "$line" 'Broken pipe'; exit 255`;
  const connection = await connect(breaks, {}, {}, `echo out; read -r go; log 'debug1: x'; ${hangs}`);
  const channel = await connection.exec('true');
  channel.stdin.write('go\n');
  const message = 'the connection broke: ready; Broken pipe';
  await assert.rejects(channel.exit, { ...fleetError, code: 'connect-failed', stage: 'channel', message });
});

/** Runs a command of a client. Time stands still from then on, but for the time that `leave` waits. */
async function held(t: TestContext, command: string) {
  const connection = await connect(`printf %s "$socket" >"$dir/where"; ${staysIn}`, {}, {}, `${running}; ${command}`);
  const channel = await connection.exec('true');
  const socket = readFileSync(path.join(dir, 'where'), 'utf8');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const isIn = (): boolean => existsSync(socket);
  const ended = async (): Promise<void> => {
    while (isIn()) await nextTurn();
  };
  return { connection, channel, isIn, ended };
}

for (const [what, command] of [
  ['that has ended', 'exit 0'],
  ['that ends with its input', 'cat >/dev/null'],
] as const) {
  test(`a connection is left at once after a command ${what}`, { timeout: 20_000 }, async (t) => {
    const { connection, channel, ended } = await held(t, command);
    if (command === 'exit 0') await channel.exit;
    await connection.leave();
    await ended();
    await assert.doesNotReject(channel.exit);
  });
}

test('a command that reads nothing more is left after 250 ms, and ended after 5 s', { timeout: 20_000 }, async (t) => {
  const { connection, channel, isIn, ended } = await held(t, hangs);
  channel.stdin.write(Buffer.alloc(1 << 20));
  const startedMs = performance.now();
  await connection.leave();
  assert.ok(performance.now() - startedMs > 240);
  t.mock.timers.tick(4999);
  // A program that was ended before this one began has gone before this one ends.
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  assert.equal(isIn(), true);
  t.mock.timers.tick(1);
  await ended();
});
