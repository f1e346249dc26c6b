// Second tier: bastions of every kind of fault.
/** Clients behind bastions, by both transports: real sshd on every machine, and checks of their logs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import type { Bastion, Client, SshSettings } from '../../src/config/config.ts';
import { commandTransportFor } from '../../src/transport/transport-for.ts';
import type { Connection } from '../../src/transport/transport.ts';
import { startBastionServers } from '../support/ssh/bastion-servers.ts';
import { literal, noChildLeft, transports } from '../support/ssh/both-transports.ts';
import { startDeafListener } from '../support/servers/deaf-listener.ts';
import { freePort, listen } from '../support/servers/free-port.ts';
import { isWide } from '../support/long-tests.ts';
import { fails } from '../support/ssh/login.ts';
import { sharedFor, sshBastion } from '../support/ssh/run-shared.ts';
import { sshdMissing, sshdOfSuite, type Sshd, type SshdAccount } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

interface Fault {
  readonly what: string;
  readonly bastions: () => readonly Bastion[] | Promise<readonly Bastion[]>;
  /** Default: the right client, behind `fra`. */
  readonly client?: () => Partial<SshSettings> | Promise<Partial<SshSettings>>;
  readonly port?: () => Promise<number>;
  readonly facts: Parameters<typeof fails>[1];
  readonly says: RegExp;
  readonly advice?: RegExp;
}

const unlimited = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
const { signal } = new AbortController();

/** Kills the server processes of an account. Spares its commands, because sshd would report their end. */
function killServersOf({ uid }: SshdAccount): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== uid) continue;
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd')) process.kill(Number(pid), 'SIGKILL');
  }
}

/** Runs a command and leaves. Returns the user that it ran as, and its input. */
async function say(connection: Connection): Promise<string> {
  const channel = await connection.exec('echo "$USER"; cat');
  channel.stdin.end('in and out\n');
  const said = await text(channel.stdout);
  await connection.leave();
  return said;
}

describe('bastions', { skip: sshdMissing() ?? false }, async () => {
  const servers = await startBastionServers();
  const { jump, second, target, jumper, changer, guest, keyOf, known, nameLine, fra, ber } = servers;
  afterEach(noChildLeft);
  /** Returns the number of login attempts on a server. A connection without a login is none. */
  const attempts = (sshd: Sshd) => sshd.count(/Accepted \w+ for|Failed \w+ for|authenticating user|[Ii]nvalid user/g);
  const dialled = (sshd: Sshd) => sshd.count(/^Connection from /gm);
  const noPort = async (bastionAt: (port: number) => Bastion): Promise<Bastion> => bastionAt(await freePort());

  /** A user for whom nobody logs in before the host key is proven: the lines of other logins may come late. */
  const unproven = 'fh-unproven';

  const faults: readonly Fault[] = [
    {
      what: 'a bastion that refuses the login',
      bastions: () => [fra({ privateKey: keyOf('guest') })],
      facts: 'bastion-failed login web-1',
      says: /^bastion fra: .*was refused; tried key SHA256:.*\(auth-failed\)$/,
    },
    {
      what: 'a bastion whose key is not known',
      bastions: () => [fra({ username: unproven, knownHosts: known() })],
      facts: 'bastion-failed handshake',
      says: /^bastion fra: .*\(host-key-unknown\)$/,
      advice: /fleet-health trust fra/,
    },
    {
      what: 'a bastion that shows another key',
      bastions: () => {
        const knownHosts = known(`[127.0.0.1]:${jump.port} ${target.hostKeys[0]?.line ?? ''}`);
        return [fra({ username: unproven, knownHosts })];
      },
      facts: 'bastion-failed handshake web-1',
      says: /^bastion fra: .*ED25519 SHA256:.*\(host-key-changed\)$/,
      advice: /fleet-health trust --replace fra/,
    },
    {
      what: 'a bastion that is not there',
      bastions: async () => [await noPort((port) => fra({}, { port }))],
      facts: 'bastion-failed connect',
      says: /^bastion fra: .*refused.* \(connect-refused\)/i,
    },
    {
      what: 'a second bastion that the first cannot reach',
      bastions: async () => [fra(), await noPort((port) => ber({}, { port }))],
      client: () => ({ proxyJump: 'ber' }),
      facts: 'bastion-failed',
      says: /^bastion ber: .*dialled by bastion fra: Connection refused \(connect-refused\)/,
    },
    {
      what: 'a client that is not there',
      bastions: () => [fra()],
      port: freePort,
      facts: 'connect-refused connect',
      says: /dialled by bastion fra: Connection refused/,
    },
    {
      what: 'a client that refuses the login',
      bastions: () => [fra()],
      client: () => ({ privateKey: keyOf('jump') }),
      facts: 'auth-failed login',
      says: /was refused/,
    },
    {
      what: 'a client that shows another key',
      bastions: () => [fra()],
      client: () => ({ knownHosts: known(nameLine('web-1', target, jump)) }),
      facts: 'host-key-changed handshake',
      says: /\[web-1\]:\d+ shows/,
    },
    {
      // The key of the machine's address is ignored: the address may be another machine's in another network.
      what: 'a client of which known_hosts has only the address',
      bastions: () => [fra()],
      client: () => ({ knownHosts: known(target.hostKeyLine()) }),
      facts: 'host-key-unknown handshake',
      says: /web-1/,
    },
  ];

  for (const transport of transports) {
    // OpenSSH starts a process for each machine.
    const skip = transport === 'ssh2' || isWide ? false : 'in the second tier';
    const web = (own: Partial<SshSettings> = {}, more: Partial<Client> = {}): Client =>
      servers.web({ via: transport, ...own }, more);
    const connect = async (client: Client, bastions: readonly Bastion[], limits: Partial<typeof unlimited> = {}) => {
      const all = { ...unlimited, ...limits };
      const shared = await stoppedAfter(sharedFor({ bastions, ...all }));
      return await commandTransportFor(client, shared).connect({ ...all, signal });
    };

    describe(transport, () => {
      it('every byte goes through one and is counted, and each machine has its own user and key', async () => {
        const before = [jump, target].map(attempts);
        const connection = await connect(web(), [fra()]);
        const channel = await connection.exec('head -c 3000000 /dev/zero | tr "\\0" x; echo "$USER"; cat');
        channel.stdin.end('tail');
        const output = await text(channel.stdout);
        assert.equal(output.replace(/^x+/, ''), `${guest.name}\ntail`);
        assert.equal(/^x+/.exec(output)?.[0].length, 3_000_000);
        assert.deepEqual(await channel.exit, { status: 0, signal: null });
        assert.ok(connection.bytes().in > 3_000_000);
        await connection.leave();
        assert.deepEqual(
          [jump, target].map(attempts),
          before.map((count) => count + 1),
        );
        assert.ok(jump.log().includes(`Accepted publickey for ${jumper.name}`));
        assert.ok(!jump.log().includes(guest.name));
      });

      for (const proxyJump of ['ber', 'fra,ber']) {
        it(`two machines are on the route of proxyJump="${proxyJump}"`, { skip }, async () => {
          // If proxyJump lists several jumps, the second one's own proxyJump is ignored.
          const nested = proxyJump === 'ber' ? 'fra' : 'nowhere.example';
          const before = [jump, second].map(attempts);
          const bastions = [fra(), ber({ proxyJump: nested })];
          assert.equal(await say(await connect(web({ proxyJump }), bastions)), `${guest.name}\nin and out\n`);
          assert.deepEqual(
            [jump, second].map(attempts),
            before.map((count) => count + 1),
          );
          assert.ok(second.log().includes(`Accepted publickey for ${changer.name}`));
        });
      }

      it('the client’s password is sent to the client alone', { skip }, async () => {
        const password = { privateKey: null, password: literal('of-the-client') };
        assert.match(await say(await connect(web(password), [fra()])), /in and out/);
        await fails(connect(web(password), [fra({ privateKey: keyOf('second') })]), 'bastion-failed');
        assert.equal(jump.count(/Failed password/g), 0);
      });

      for (const { what, bastions, client, port, facts, says, advice = /^/ } of faults) {
        const isFirst = what === faults[0]?.what;
        it(`a fault names the machine it went wrong at: ${what}`, { skip: isFirst ? false : skip }, async () => {
          const own = web((await client?.()) ?? {}, port === undefined ? {} : { port: await port() });
          const error = await fails(connect(own, await bastions()), facts, says);
          assert.match(error.advice, advice);
          assert.ok(!jump.log().includes(unproven));
        });
      }

      it('a bastion that does not forward: says what to allow', { skip }, async () => {
        const closed = await sshdOfSuite({ config: ['AllowTcpForwarding no'] });
        const account = await closed.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
        const own = { username: account.name, knownHosts: known(closed.hostKeyLine()) };
        const says = /^bastion fra: it does not forward to 127\.0\.0\.1(?: port |:)\d+: .*\(channel-failed\)$/;
        const attempt = connect(web(), [fra(own, { port: closed.port })]);
        assert.match((await fails(attempt, 'bastion-failed', says)).advice, /AllowTcpForwarding/);
      });

      it(
        'a middle one that shows another key is sent nothing, and nothing behind it is dialled',
        { skip },
        async () => {
          const own = { username: guest.name, privateKey: keyOf('guest'), proxyJump: 'ber' };
          const last = sshBastion('par', own, { address: '127.0.0.1', port: target.port });
          const wrong = ber({ username: unproven, knownHosts: known(nameLine('ber', second, target)) });
          const before = dialled(target);
          const attempt = connect(web({ proxyJump: 'par' }), [fra(), wrong, last]);
          const says = /^bastion ber: .*shows ED25519 SHA256:.* says ED25519 SHA256:.*\(host-key-changed\)$/;
          await fails(attempt, 'bastion-failed handshake', says);
          assert.ok(!second.log().includes(unproven));
          assert.equal(dialled(target), before);
        },
      );

      it('a bastion that does not answer', { skip }, async () => {
        const { port } = await stoppedAfter(startDeafListener());
        const attempt = connect(web(), [fra({}, { port })], { connectTimeoutMs: 2000 });
        const says = /^bastion fra: no answer from .* within \d+ ms \(connect-timeout\)/;
        await fails(attempt, 'bastion-failed connect', says);
      });

      it('a bastion or a client that says nothing', { skip }, async () => {
        const { port } = await stoppedAfter(listen(() => undefined));
        const limits = { connectTimeoutMs: 2000 };
        const says = /^bastion fra: .*\d+ ms \(handshake-timeout\)/;
        await fails(connect(web(), [fra({}, { port })], limits), 'bastion-failed handshake', says);
        const attempt = connect(web({}, { port }), [fra()], { tcpTimeoutMs: 2000, connectTimeoutMs: 4000 });
        await fails(attempt, 'handshake-timeout handshake');
      });

      it('a bastion that goes away while the client is being read, and is found again', { skip }, async () => {
        const shared = await stoppedAfter(sharedFor({ bastions: [fra()], ...unlimited }));
        const connection = await commandTransportFor(web(), shared).connect({ ...unlimited, signal });
        const channel = await connection.exec('exec sleep 60');
        killServersOf(jumper);
        const says = /^bastion fra: (?:it closed the connection|the connection broke)/;
        assert.equal((await fails(channel.exit, 'bastion-failed', says)).client, 'web-1');
        assert.match(
          await say(await commandTransportFor(web(), shared).connect({ ...unlimited, signal })),
          /in and out/,
        );
      });

      it('a client that goes away while it is being read', { skip }, async () => {
        const connection = await connect(web(), [fra()]);
        const channel = await connection.exec('exec sleep 60');
        killServersOf(guest);
        await fails(channel.exit, 'connect-failed');
      });
    });
  }
});
