/** Clients behind bastions, with real sshd on both sides and checks of both logs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as dialTcp, createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import type { TransportShared } from '../../src/transport/transport-shared.ts';
import type { Connection } from '../../src/transport/transport.ts';
import { freePort, listenOn } from '../support/free-port.ts';
import { failure } from '../support/login.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd, type SshdAccount } from '../support/sshd.ts';
import { sharedFor, wayBastion, wayClient, type Ways } from '../support/run-shared.ts';

const reason = sshdMissing();
const skip = reason === null ? {} : { skip: reason };

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const limits = { tcpTimeoutMs: 3000, connectTimeoutMs: 8000 };
const signal = new AbortController().signal;
// The programs set no limit either: every visited client adds a listener to this signal.
setMaxListeners(0, signal);

const servers: Sshd[] = [];
let jump: Sshd;
let inner: Sshd;
let target: Sshd;
let jumper: SshdAccount;
let middle: SshdAccount;
let guest: SshdAccount;
let keys: Record<'jump' | 'inner' | 'target', string>;

before(async () => {
  if (reason !== null) return;
  const made = (name: string): { privateKey: string; publicKey: string } => sshKeygen(path.join(dir, name));
  const [one, two, three] = [made('jump'), made('inner'), made('target')];
  keys = { jump: one.privateKey, inner: two.privateKey, target: three.privateKey };
  // Many logins at once are the subject of some tests, and MaxStartups is not.
  const config = ['MaxStartups 200', 'PerSourceMaxStartups none'];
  [jump, inner, target] = await Promise.all([startSshd({ config }), startSshd({ config }), startSshd({ config })]);
  servers.push(jump, inner, target);
  jumper = await jump.addAccount({ publicKey: one.publicKey });
  middle = await inner.addAccount({ publicKey: two.publicKey });
  guest = await target.addAccount({ publicKey: three.publicKey });
  writeFileSync(
    knownHosts,
    [jump.hostKeyLine(), ...behind('inner', inner), ...behind('web-1', target)].join('\n') + '\n',
  );
});
after(() => Promise.all(servers.map((server) => server.stop())));

/** Behind a bastion a machine is known by its name, whatever its address. */
function behind(name: string, server: Sshd): readonly string[] {
  return [`[${name}]:${server.port} ${server.hostKeys[0]?.line ?? ''}`];
}

const fra = (own: Partial<SshSettings> = {}, port = jump.port) =>
  wayBastion(
    'fra',
    { username: jumper.name, privateKey: keys.jump, knownHosts, ...own },
    { address: '127.0.0.1', port },
  );

const web = (own: Partial<SshSettings> = {}, more: Partial<Client> = {}): Client =>
  wayClient(
    'web-1',
    { username: guest.name, privateKey: keys.target, knownHosts, proxyJump: 'fra', ...own },
    { address: '127.0.0.1', port: target.port, ...more },
  );

const connect = (client: Client, shared: TransportShared): Promise<Connection> =>
  transportFor(client, shared).connect({ ...limits, signal });

async function say(connection: Connection): Promise<string> {
  const channel = await connection.exec('echo "$SSH_CONNECTION"; cat');
  channel.stdin.end('in and out\n');
  const said = await text(channel.stdout);
  await connection.leave();
  return said;
}

async function withWays<T>(ways: Ways, work: (shared: TransportShared) => Promise<T>): Promise<T> {
  const shared = sharedFor(ways);
  try {
    return await work(shared);
  } finally {
    await shared.close();
  }
}

describe('bastions', skip, () => {
  it('a client behind one: every byte, counted, with its own login at each machine', async () => {
    await withWays({ bastions: [fra()] }, async (shared) => {
      const connection = await connect(web(), shared);
      const channel = await connection.exec('head -c 3000000 /dev/zero | tr "\\0" x; cat');
      channel.stdin.end('tail');
      const output = await text(channel.stdout);
      assert.equal(output.length, 3_000_004);
      assert.ok(output.endsWith('xtail'));
      assert.deepEqual(await channel.exit, { status: 0, signal: null });
      assert.ok(connection.bytes().in > 3_000_000 && connection.bytes().out > 1000);
      await connection.leave();
    });
    assert.match(jump.log(), new RegExp(`Accepted publickey for ${jumper.name}`));
    assert.match(target.log(), new RegExp(`Accepted publickey for ${guest.name}`));
    await jump.logged(/Received disconnect|Connection closed|Disconnected/);
  });

  it('fifty clients at the same time: one login at the bastion, and Node warns of nothing', async (t) => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const logins = jump.count(/Accepted publickey/g);
    await withWays({ bastions: [fra()] }, async (shared) => {
      const clients = Array.from({ length: 50 }, () => web());
      const said = await Promise.all(clients.map(async (client) => say(await connect(client, shared))));
      assert.ok(said.every((one) => one.endsWith('in and out\n')));
    });
    assert.equal(jump.count(/Accepted publickey/g), logins + 1);
    assert.deepEqual(warnings, []);
  });

  for (const proxyJump of ['inner', 'fra,inner']) {
    it(`two machines on the way: proxyJump="${proxyJump}"`, async () => {
      const own = { username: middle.name, privateKey: keys.inner, knownHosts };
      // If proxyJump lists several jumps, the second one's own proxyJump is ignored.
      const nested = proxyJump === 'inner' ? { proxyJump: 'fra' } : { proxyJump: 'nowhere.example' };
      const place = { address: '127.0.0.1', port: inner.port };
      const bastions = [fra(), wayBastion('inner', { ...own, ...nested }, place)];
      const before = [jump, inner].map((server) => server.count(/Accepted publickey/g));
      await withWays({ bastions }, async (shared) => {
        const both = await Promise.all([connect(web({ proxyJump }), shared), connect(web({ proxyJump }), shared)]);
        for (const connection of both) assert.match(await say(connection), /in and out/);
      });
      const after = [jump, inner].map((server) => server.count(/Accepted publickey/g));
      assert.deepEqual(
        after,
        before.map((count) => count + 1),
      );
    });
  }

  it('another client as the bastion, and user@host:port', async () => {
    const gate = wayClient(
      'gate',
      { username: jumper.name, privateKey: keys.jump, knownHosts },
      { address: '127.0.0.1', port: jump.port },
    );
    await withWays({ clients: [gate] }, async (shared) => {
      assert.match(await say(await connect(web({ proxyJump: 'gate' }), shared)), /in and out/);
    });
    const jumpHosts = { privateKey: keys.jump, knownHosts, config: null };
    await withWays({ jumpHosts }, async (shared) => {
      const proxyJump = `${jumper.name}@127.0.0.1:${jump.port}`;
      assert.match(await say(await connect(web({ proxyJump }), shared)), /in and out/);
    });
  });

  it('what ssh_config says of both', async () => {
    const config = path.join(dir, 'config');
    const host = (name: string, server: Sshd, user: string, key: string): string =>
      `Host ${name}\n HostName 127.0.0.1\n Port ${server.port}\n User ${user}\n IdentityFile ${key}\n`;
    const files = `UserKnownHostsFile ${knownHosts}\nGlobalKnownHostsFile none\n`;
    const both = host('gate', jump, jumper.name, keys.jump) + host('web-1', target, guest.name, keys.target);
    writeFileSync(config, `${both} ProxyJump gate\n HostKeyAlias [web-1]:${target.port}\nHost *\n ${files}`);
    const client = wayClient('web-1', { config }, { addressExplicit: false });
    const own = { ...client, ssh: { ...client.ssh, said: { config: '' } } };
    await withWays({}, async (shared) => {
      assert.deepEqual(
        shared.routeTo(own).hops.map(({ name, username, port }) => [name, username, port]),
        [
          ['gate', jumper.name, jump.port],
          ['web-1', guest.name, target.port],
        ],
      );
      assert.match(await say(await connect(own, shared)), /in and out/);
    });
  });
});

describe('a bastion that fails', skip, () => {
  it('shows another key: every client says so, and no login is tried', async () => {
    const wrong = path.join(dir, 'wrong_known_hosts');
    writeFileSync(wrong, `[127.0.0.1]:${jump.port} ${target.hostKeys[0]?.line ?? ''}\n`);
    const logins = jump.count(/Accepted publickey/g);
    await withWays({ bastions: [fra({ knownHosts: wrong })] }, async (shared) => {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const error = await failure(connect(web(), shared));
        assert.equal(error.code, 'bastion-failed');
        assert.equal(error.client, 'web-1');
        assert.equal(error.retryable, false);
        assert.match(error.message, /^bastion fra: .*ED25519 SHA256:.*\(host-key-changed\)$/);
        assert.match(error.advice, /fleet-health trust --replace fra/);
      }
    });
    assert.equal(jump.count(/Accepted publickey/g), logins);
  });

  it('is not known yet', async () => {
    await withWays({ bastions: [fra({ knownHosts: path.join(dir, 'none') })] }, async (shared) => {
      assert.match((await failure(connect(web(), shared))).message, /^bastion fra: .*\(host-key-unknown\)$/);
    });
  });

  it('a client behind it shows another key: that is the client’s fault', async () => {
    const wrong = path.join(dir, 'wrong_for_web');
    writeFileSync(wrong, `[web-1]:${target.port} ${jump.hostKeys[0]?.line ?? ''}\n`);
    await withWays({ bastions: [fra()] }, async (shared) => {
      const error = await failure(connect(web({ knownHosts: wrong }), shared));
      assert.equal(error.code, 'host-key-changed');
      // The key of the machine's address is ignored: the address may be another machine's in another network.
      writeFileSync(wrong, `${target.hostKeyLine()}\n`);
      assert.equal(
        (await failure(connect(web({ knownHosts: path.join(dir, 'no_file') }), shared))).code,
        'host-key-unknown',
      );
    });
  });

  it('refuses the login, once for all clients', async () => {
    const refusals = /Connection closed by authenticating user|Failed publickey|Disconnected from authenticating/g;
    const before = jump.count(refusals);
    await withWays({ bastions: [fra({ privateKey: keys.target })] }, async (shared) => {
      const errors = await Promise.all(Array.from({ length: 20 }, () => failure(connect(web(), shared))));
      for (const error of errors) {
        assert.equal(error.code, 'bastion-failed');
        assert.match(error.message, /^bastion fra: .*was refused.*\(auth-failed\)$/);
      }
    });
    const attempts = jump.count(refusals) - before;
    assert.ok(attempts <= 2, `${attempts} attempts`);
  });

  it('is not there: it is tried once, and costs the others nothing', async (t) => {
    let attempts = 0;
    const closing = createServer((socket) => {
      attempts += 1;
      socket.destroy();
    });
    t.after(() => closing.close());
    const port = await listenOn(closing);
    await withWays({ bastions: [fra({}, port)] }, async (shared) => {
      for (let client = 0; client < 100; client += 1) {
        const error = await failure(connect(web(), shared));
        assert.equal(error.code, 'bastion-failed');
        assert.equal(error.retryable, true);
      }
    });
    assert.equal(attempts, 1);
  });

  it('does not answer: each client waits at most for the one attempt, or for its own end', async (t) => {
    const silent = createServer(() => undefined);
    t.after(() => silent.close());
    const port = await listenOn(silent);
    await withWays({ bastions: [fra({}, port)], connectTimeoutMs: 700 }, async (shared) => {
      const startedMs = performance.now();
      const early = new AbortController();
      setTimeout(() => early.abort(new Error('enough')), 100);
      const first = failure(transportFor(web(), shared).connect({ ...limits, signal: early.signal }));
      const others = await Promise.all(Array.from({ length: 30 }, () => failure(connect(web(), shared))));
      assert.equal((await first).code, 'visit-deadline');
      assert.ok(
        others.every(({ message }) => /^bastion fra: TCP stands.*handshake-timeout/.test(message)),
        others[0]?.message,
      );
      assert.ok(performance.now() - startedMs < 3000);
    });
  });

  it('dies while clients are visited: they say so, and the next one finds it again', async () => {
    await withWays({ bastions: [fra()] }, async (shared) => {
      const connection = await connect(web(), shared);
      const channel = await connection.exec('cat');
      const pids = execFileSync('pgrep', ['-f', `sshd: ${jumper.name}`], { encoding: 'utf8' })
        .trim()
        .split('\n');
      assert.ok(pids.length > 0);
      for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
      const error = await failure(channel.exit);
      assert.equal(error.code, 'bastion-failed');
      assert.equal(error.client, 'web-1');
      assert.match(error.message, /^bastion fra: it closed the connection/);
      assert.match(await say(await connect(web(), shared)), /in and out/);
    });
  });

  it('forwards nothing: says what to allow, and is asked for each client', async (t) => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    t.after(() => closed.stop());
    const account = await closed.addAccount({ publicKey: readFileSync(`${keys.jump}.pub`, 'utf8').trim() });
    const known = path.join(dir, 'known_closed');
    writeFileSync(known, `${closed.hostKeyLine()}\n`);
    await withWays({ bastions: [fra({ username: account.name, knownHosts: known }, closed.port)] }, async (shared) => {
      const error = await failure(connect(web(), shared));
      assert.equal(error.code, 'bastion-failed');
      assert.match(error.message, /^bastion fra: it does not forward to 127\.0\.0\.1 port \d+: .*\(channel-failed\)$/);
      assert.match(error.advice, /AllowTcpForwarding/);
      await failure(connect(web(), shared));
    });
    assert.equal(closed.count(/Accepted publickey/g), 1);
  });

  it('what lies behind it is not there: that is the client’s fault', async () => {
    const port = await freePort();
    await withWays({ bastions: [fra()] }, async (shared) => {
      const refused = await failure(connect(web({}, { port }), shared));
      assert.equal(refused.code, 'connect-refused');
      assert.match(refused.message, /dialled by bastion fra: .*refused/i);
      const unnamed = await failure(connect(web({}, { address: 'no-such-host.invalid' }), shared));
      assert.equal(unnamed.code, 'dns');
    });
  });

  it('that is behind another is left at once when nothing goes through it', async () => {
    const deep = wayBastion(
      'inner',
      { username: middle.name, privateKey: keys.inner, knownHosts, proxyJump: 'fra' },
      { address: '127.0.0.1', port: inner.port },
    );
    const shared = sharedFor({ bastions: [fra(), deep] });
    assert.match(await say(await connect(web({ proxyJump: 'inner' }), shared)), /in and out/);
    const beganMs = performance.now();
    await shared.close();
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs < 2000, `${tookMs} ms`);
  });

  it('nothing of it is left when the run has ended', async () => {
    await withWays({ bastions: [fra()] }, async (shared) => say(await connect(web(), shared)));
    const socket = dialTcp(jump.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    const open = execFileSync('ss', ['-tnH', 'state', 'established', `dport = :${jump.port}`], { encoding: 'utf8' });
    assert.equal(open.trim(), '');
  });
});
