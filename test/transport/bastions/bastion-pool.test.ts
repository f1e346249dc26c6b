// Second tier: a server for each bastion.
/** The built-in transport's one login at a bastion, which all clients of a run share. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as dialTcp, type Socket } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, test } from 'node:test';

import ssh2 from 'ssh2';

import type { Client } from '../../../src/config/config.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { commandTransportFor } from '../../../src/transport/transport-for.ts';
import type { TransportShared } from '../../../src/transport/transport-shared.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { startBastionServers } from '../../support/ssh/bastion-servers.ts';
import { freePort, listen } from '../../support/servers/free-port.ts';
import { isWide } from '../../support/long-tests.ts';
import { fails } from '../../support/ssh/login.ts';
import { sharedFor, sshBastion, sshClient, type Machines } from '../../support/ssh/run-shared.ts';
import { startSsh2Server } from '../../support/ssh/ssh2-server.ts';
import { sshdMissing, sshdOfSuite, type Sshd } from '../../support/ssh/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
const signal = new AbortController().signal;
// The programs set no limit either: every visited client adds a listener to this signal.
setMaxListeners(0, signal);

const connect = (client: Client, shared: TransportShared): Promise<Connection> =>
  commandTransportFor(client, shared).connect({ ...limits, signal });

/** Returns the objects that the clients of a run share, until the end of the test. */
const sharing = (machines: Machines): Promise<TransportShared> => stoppedAfter(sharedFor({ ...limits, ...machines }));

/** Listens on a port and counts its connections. */
async function countingListener(onSocket: (socket: Socket) => unknown) {
  let accepted = 0;
  const listener = await listen((socket) => {
    accepted += 1;
    onSocket(socket);
  });
  return { ...listener, accepted: () => accepted };
}

async function say(connection: Connection): Promise<string> {
  const channel = await connection.exec('cat');
  channel.stdin.end('in and out\n');
  const said = await text(channel.stdout);
  await connection.leave();
  return said;
}

describe('the login at a bastion', { skip: sshdMissing() ?? false }, async () => {
  // Many logins at once are the subject of some tests, and MaxStartups is not.
  const servers = await startBastionServers(() => ({ config: ['MaxStartups 200', 'PerSourceMaxStartups none'] }));
  const { dir, jump, target, jumper, guest, keyOf, known, fra, ber, web } = servers;
  const { knownHosts } = fra().ssh;
  const logins = (server: Sshd): number => server.count(/Accepted publickey/g);

  it('is one for many clients at the same time, and Node warns of nothing', async (t) => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const before = logins(jump);
    const shared = await sharing({ bastions: [fra()] });
    const said = await Promise.all(
      // Node warns of more than ten listeners.
      Array.from({ length: isWide ? 50 : 12 }, async () => say(await connect(web(), shared))),
    );
    assert.ok(said.every((one) => one.endsWith('in and out\n')));
    assert.equal(logins(jump), before + 1);
    assert.deepEqual(warnings, []);
  });

  it('is made at another client, and at user@host:port', async () => {
    const own = { username: jumper.name, privateKey: keyOf('jump'), knownHosts };
    const gate = sshClient('gate', own, { address: '127.0.0.1', port: jump.port });
    const shared = await sharing({ clients: [gate] });
    assert.match(await say(await connect(web({ proxyJump: 'gate' }), shared)), /in and out/);
    const jumpHosts = { privateKey: keyOf('jump'), knownHosts, config: null };
    const proxyJump = `${jumper.name}@127.0.0.1:${jump.port}`;
    assert.match(await say(await connect(web({ proxyJump }), await sharing({ jumpHosts }))), /in and out/);
  });

  it('is made as ssh_config says of both', async () => {
    const config = path.join(dir, 'config');
    const host = (name: string, server: Sshd, user: string, key: string): string =>
      `Host ${name}\n HostName 127.0.0.1\n Port ${server.port}\n User ${user}\n IdentityFile ${keyOf(key)}\n`;
    const files = `UserKnownHostsFile ${knownHosts}\nGlobalKnownHostsFile none\n`;
    const both = host('gate', jump, jumper.name, 'jump') + host('web-1', target, guest.name, 'guest');
    writeFileSync(config, `${both} ProxyJump gate\n HostKeyAlias [web-1]:${target.port}\nHost *\n ${files}`);
    const client = sshClient('web-1', { config }, { addressExplicit: false });
    const own = { ...client, ssh: { ...client.ssh, said: { config: '' } } };
    const shared = await sharing({});
    assert.deepEqual(
      shared.routeTo(own).hops.map(({ name, username, port }) => ({ name, username, port })),
      [
        { name: 'gate', username: jumper.name, port: jump.port },
        { name: 'web-1', username: guest.name, port: target.port },
      ],
    );
    assert.match(await say(await connect(own, shared)), /in and out/);
  });

  it('is refused once for all clients', async () => {
    const refusals = /Connection closed by authenticating user|Failed publickey|Disconnected from authenticating/g;
    const before = jump.count(refusals);
    const shared = await sharing({ bastions: [fra({ privateKey: keyOf('guest') })] });
    const says = /^bastion fra: .*was refused.*\(auth-failed\)$/;
    const clients = Array.from({ length: 20 }, () => fails(connect(web(), shared), 'bastion-failed', says));
    await Promise.all(clients);
    const attempts = jump.count(refusals) - before;
    assert.ok(attempts <= 2, `${attempts} attempts`);
  });

  it('is tried once if the bastion is not there, and costs the others nothing', async () => {
    const { port, accepted } = await stoppedAfter(countingListener((socket) => socket.destroy()));
    const shared = await sharing({ bastions: [fra({}, { port })] });
    for (let client = 0; client < 100; client += 1) {
      assert.equal((await fails(connect(web(), shared), 'bastion-failed')).retryable, true);
    }
    assert.equal(accepted(), 1);
  });

  it('is waited for by each client until the one attempt ends, or its own visit', async () => {
    const { port, accepted } = await stoppedAfter(countingListener(() => undefined));
    const shared = await sharing({ bastions: [fra({}, { port })], connectTimeoutMs: 700 });
    const early = new AbortController();
    const first = fails(
      commandTransportFor(web(), shared).connect({ ...limits, signal: early.signal }),
      'visit-deadline',
    );
    const says = /^bastion fra: TCP stands.*handshake-timeout/;
    const others = Array.from({ length: 30 }, () => fails(connect(web(), shared), 'bastion-failed', says));
    early.abort(new Error('enough'));
    await Promise.all([first, ...others]);
    assert.equal(accepted(), 1);
  });

  it('stays when it does not forward, which is asked for each client', async () => {
    const closed = await sshdOfSuite({ config: ['AllowTcpForwarding no'] });
    const account = await closed.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
    const own = { username: account.name, knownHosts: known(closed.hostKeyLine()) };
    const shared = await sharing({ bastions: [fra(own, { port: closed.port })] });
    for (let client = 0; client < 2; client += 1) await fails(connect(web(), shared), 'bastion-failed');
    assert.equal(logins(closed), 1);
  });

  it('serves others when what lies behind it is not there', async () => {
    const shared = await sharing({ bastions: [fra()] });
    const before = logins(jump);
    await fails(connect(web({}, { port: await freePort() }), shared), 'connect-refused');
    await fails(connect(web({}, { address: 'no-such-host.invalid' }), shared), 'dns');
    assert.equal(await say(await connect(web(), shared)), 'in and out\n');
    // Names have a login of their own.
    assert.equal(logins(jump), before + 2);
  });

  it('behind another one is left at once when nothing goes through it', async () => {
    const shared = await sharing({ bastions: [fra(), ber()] });
    assert.match(await say(await connect(web({ proxyJump: 'ber' }), shared)), /in and out/);
    const beganMs = performance.now();
    await shared.close();
    // A login that seems busy is waited for, for five seconds on any machine.
    assert.ok(performance.now() - beganMs < 4900);
  });

  it('leaves nothing when the run has ended', async () => {
    const shared = await sharing({ bastions: [fra()] });
    await say(await connect(web(), shared));
    await shared.close();
    const socket = dialTcp(jump.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    const open = execFileSync('ss', ['-tnH', 'state', 'established', `dport = :${jump.port}`], { encoding: 'utf8' });
    assert.equal(open.trim(), '');
  });
});

test('a rejection in one packet with the end of its channel is heard, and the login is free again', async () => {
  const dir = tempFolder();
  let last: Socket | null = null;
  const serve = (pem: string) =>
    new ssh2.Server({ hostKeys: [pem] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (attempt) => attempt.accept());
      client.on('tcpip', (accept) => {
        last?.cork();
        const channel = accept();
        channel.end('Exceeded MaxStartups\r\n');
        channel.close();
        setImmediate(() => last?.uncork());
      });
    });
  const onSocket = (socket: Socket): boolean => {
    last = socket;
    return false;
  };
  const bastion = await stoppedAfter(startSsh2Server({ serve, onSocket }));
  const knownHosts = path.join(dir, 'known_hosts');
  writeFileSync(knownHosts, `${bastion.hostKeyLine()}\n`);
  const privateKey = path.join(dir, 'key');
  writeFileSync(privateKey, generateHostKey(), { mode: 0o600 });
  const own = { username: 'jumper', privateKey, knownHosts };
  const shared = sharedFor({ bastions: [sshBastion('fra', own, { address: '127.0.0.1', port: bastion.port })] });
  const client = sshClient('web-1', { ...own, proxyJump: 'fra' }, { address: '192.0.2.77' });
  await fails(connect(client, shared), 'sshd-rejection');
  const startedAt = performance.now();
  await shared.close();
  // A login that seems busy is waited for, for five seconds on any machine.
  assert.ok(performance.now() - startedAt < 4900);
});
