/** Clients behind bastions, with real sshd on both sides and checks of both logs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as dialTcp } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import type { Client } from '../../src/config/config.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import type { TransportShared } from '../../src/transport/transport-shared.ts';
import type { Connection } from '../../src/transport/transport.ts';
import { startBastionServers } from '../support/bastion-servers.ts';
import { freePort, listen } from '../support/free-port.ts';
import { isWide } from '../support/long-tests.ts';
import { fails, failure } from '../support/login.ts';
import { sharedFor, sshClient, type Machines } from '../support/run-shared.ts';
import { sshdMissing, sshdOfSuite, type Sshd } from '../support/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { assertWithin } from '../support/within.ts';

const limits = { tcpTimeoutMs: 3000, connectTimeoutMs: 8000 };
const signal = new AbortController().signal;
// The programs set no limit either: every visited client adds a listener to this signal.
setMaxListeners(0, signal);

const connect = (client: Client, shared: TransportShared): Promise<Connection> =>
  transportFor(client, shared).connect({ ...limits, signal });

/** Returns the objects that the clients of a run share, until the end of the test. */
const sharing = (machines: Machines): Promise<TransportShared> => stoppedAfter(sharedFor(machines));

async function say(connection: Connection): Promise<string> {
  const channel = await connection.exec('echo "$SSH_CONNECTION"; cat');
  channel.stdin.end('in and out\n');
  const said = await text(channel.stdout);
  await connection.leave();
  return said;
}

describe('bastions', { skip: sshdMissing() ?? false }, async () => {
  // Many logins at once are the subject of some tests, and MaxStartups is not.
  const servers = await startBastionServers(() => ({ config: ['MaxStartups 200', 'PerSourceMaxStartups none'] }));
  const { dir, jump, second, target, jumper, guest, keyOf, known, nameLine, fra, ber, web } = servers;
  const { knownHosts } = fra().ssh;
  const logins = (server: Sshd): number => server.count(/Accepted publickey/g);

  it('a client behind one: every byte, counted, with its own login at each machine', async () => {
    const shared = await sharing({ bastions: [fra()] });
    const connection = await connect(web(), shared);
    const channel = await connection.exec('head -c 3000000 /dev/zero | tr "\\0" x; cat');
    channel.stdin.end('tail');
    const output = await text(channel.stdout);
    assert.equal(output.length, 3_000_004);
    assert.ok(output.endsWith('xtail'));
    assert.deepEqual(await channel.exit, { status: 0, signal: null });
    assert.ok(connection.bytes().in > 3_000_000 && connection.bytes().out > 1000);
    await connection.leave();
    await shared.close();
    assert.match(jump.log(), new RegExp(`Accepted publickey for ${jumper.name}`));
    assert.match(target.log(), new RegExp(`Accepted publickey for ${guest.name}`));
    await jump.logged(/Received disconnect|Connection closed|Disconnected/);
  });

  it('many clients at the same time: one login at the bastion, and Node warns of nothing', async (t) => {
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

  for (const proxyJump of ['ber', 'fra,ber']) {
    it(`two machines on the route: proxyJump="${proxyJump}"`, async () => {
      // If proxyJump lists several jumps, the second one's own proxyJump is ignored.
      const nested = proxyJump === 'ber' ? 'fra' : 'nowhere.example';
      const before = [jump, second].map(logins);
      const shared = await sharing({ bastions: [fra(), ber({ proxyJump: nested })] });
      const both = await Promise.all([connect(web({ proxyJump }), shared), connect(web({ proxyJump }), shared)]);
      for (const connection of both) assert.match(await say(connection), /in and out/);
      assert.deepEqual(
        [jump, second].map(logins),
        before.map((count) => count + 1),
      );
    });
  }

  it('another client as the bastion, and user@host:port', async () => {
    const own = { username: jumper.name, privateKey: keyOf('jump'), knownHosts };
    const gate = sshClient('gate', own, { address: '127.0.0.1', port: jump.port });
    const shared = await sharing({ clients: [gate] });
    assert.match(await say(await connect(web({ proxyJump: 'gate' }), shared)), /in and out/);
    const jumpHosts = { privateKey: keyOf('jump'), knownHosts, config: null };
    const proxyJump = `${jumper.name}@127.0.0.1:${jump.port}`;
    assert.match(await say(await connect(web({ proxyJump }), await sharing({ jumpHosts }))), /in and out/);
  });

  it('what ssh_config says of both', async () => {
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

  describe('a bastion that fails', () => {
    it('shows another key: every client says so, and no login is tried', async () => {
      const wrong = known(`[127.0.0.1]:${jump.port} ${target.hostKeys[0]?.line ?? ''}`);
      const before = logins(jump);
      const shared = await sharing({ bastions: [fra({ knownHosts: wrong })] });
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const error = await failure(connect(web(), shared));
        assert.deepEqual(
          { code: error.code, client: error.client, retryable: error.retryable },
          { code: 'bastion-failed', client: 'web-1', retryable: false },
        );
        assert.match(error.message, /^bastion fra: .*ED25519 SHA256:.*\(host-key-changed\)$/);
        assert.match(error.advice, /fleet-health trust --replace fra/);
      }
      assert.equal(logins(jump), before);
    });

    it('is the second on the route, and shows another key: it is sent nothing', async () => {
      const wrong = known(nameLine('ber', second, target));
      const [before, behind] = [second.count(/authenticating|Accepted/g), target.count(/^Connection from /gm)];
      const shared = await sharing({ bastions: [fra(), ber({ knownHosts: wrong })] });
      const attempt = connect(web({ proxyJump: 'ber' }), shared);
      await fails(attempt, 'bastion-failed', /^bastion ber: .*ED25519 SHA256:.*\(host-key-changed\)$/);
      assert.deepEqual(
        { tried: second.count(/authenticating|Accepted/g), dialled: target.count(/^Connection from /gm) },
        { tried: before, dialled: behind },
      );
    });

    it('is not known yet', async () => {
      const shared = await sharing({ bastions: [fra({ knownHosts: path.join(dir, 'none') })] });
      await fails(connect(web(), shared), 'bastion-failed', /^bastion fra: .*\(host-key-unknown\)$/);
    });

    it('a client behind it shows another key: that is the client’s fault', async () => {
      const shared = await sharing({ bastions: [fra()] });
      const wrong = known(nameLine('web-1', target, jump));
      await fails(connect(web({ knownHosts: wrong }), shared), 'host-key-changed');
      // The key of the machine's address is ignored: the address may be another machine's in another network.
      await fails(connect(web({ knownHosts: known(target.hostKeyLine()) }), shared), 'host-key-unknown');
    });

    it('refuses the login, once for all clients', async () => {
      const refusals = /Connection closed by authenticating user|Failed publickey|Disconnected from authenticating/g;
      const before = jump.count(refusals);
      const shared = await sharing({ bastions: [fra({ privateKey: keyOf('guest') })] });
      const says = /^bastion fra: .*was refused.*\(auth-failed\)$/;
      const clients = Array.from({ length: 20 }, () => fails(connect(web(), shared), 'bastion-failed', says));
      await Promise.all(clients);
      const attempts = jump.count(refusals) - before;
      assert.ok(attempts <= 2, `${attempts} attempts`);
    });

    it('is not there: it is tried once, and costs the others nothing', async () => {
      let attempts = 0;
      const { port } = await stoppedAfter(
        listen((socket) => {
          attempts += 1;
          socket.destroy();
        }),
      );
      const shared = await sharing({ bastions: [fra({}, { port })] });
      for (let client = 0; client < 100; client += 1) {
        assert.equal((await fails(connect(web(), shared), 'bastion-failed')).retryable, true);
      }
      assert.equal(attempts, 1);
    });

    it('does not answer: each client waits at most for the one attempt, or for its own end', async () => {
      const { port } = await stoppedAfter(listen(() => undefined));
      const shared = await sharing({ bastions: [fra({}, { port })], connectTimeoutMs: 700 });
      const startedMs = performance.now();
      const early = new AbortController();
      setTimeout(() => early.abort(new Error('enough')), 100);
      const first = fails(transportFor(web(), shared).connect({ ...limits, signal: early.signal }), 'visit-deadline');
      const says = /^bastion fra: TCP stands.*handshake-timeout/;
      await Promise.all(Array.from({ length: 30 }, () => fails(connect(web(), shared), 'bastion-failed', says)));
      await first;
      assertWithin(startedMs, 3000);
    });

    it('dies while clients are visited: they say so, and the next one finds it again', async () => {
      const shared = await sharing({ bastions: [fra()] });
      const connection = await connect(web(), shared);
      const channel = await connection.exec('cat');
      const pids = execFileSync('pgrep', ['-f', `sshd: ${jumper.name}`], { encoding: 'utf8' })
        .trim()
        .split('\n');
      for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
      const error = await fails(channel.exit, 'bastion-failed', /^bastion fra: it closed the connection/);
      assert.equal(error.client, 'web-1');
      assert.match(await say(await connect(web(), shared)), /in and out/);
    });

    it('forwards nothing: says what to allow, and is asked for each client', async () => {
      const closed = await sshdOfSuite({ config: ['AllowTcpForwarding no'] });
      const account = await closed.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
      const own = { username: account.name, knownHosts: known(closed.hostKeyLine()) };
      const shared = await sharing({ bastions: [fra(own, { port: closed.port })] });
      const says = /^bastion fra: it does not forward to 127\.0\.0\.1 port \d+: .*\(channel-failed\)$/;
      assert.match((await fails(connect(web(), shared), 'bastion-failed', says)).advice, /AllowTcpForwarding/);
      await failure(connect(web(), shared));
      assert.equal(logins(closed), 1);
    });

    it('what lies behind it is not there: that is the client’s fault', async () => {
      const shared = await sharing({ bastions: [fra()] });
      const refused = connect(web({}, { port: await freePort() }), shared);
      await fails(refused, 'connect-refused', /dialled by bastion fra: .*refused/i);
      await fails(connect(web({}, { address: 'no-such-host.invalid' }), shared), 'dns');
    });

    it('that is behind another is left at once when nothing goes through it', async () => {
      const shared = await sharing({ bastions: [fra(), ber()] });
      assert.match(await say(await connect(web({ proxyJump: 'ber' }), shared)), /in and out/);
      const beganMs = performance.now();
      await shared.close();
      // A login that seems busy is waited for, for five seconds on any machine.
      assert.ok(performance.now() - beganMs < 4900);
    });

    it('nothing of it is left when the run has ended', async () => {
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
});
