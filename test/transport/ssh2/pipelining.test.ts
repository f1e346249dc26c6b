// Second tier: a server for each order of answers.
/**
 * A pipelined login, sent with its first command: on OpenSSH and dropbear, refused, and on servers that cannot handle
 * it.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey, loadPrivateKey, type LoginKey } from '../../../src/transport/credentials/private-key.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { dropbearMissing, startDropbear, type Dropbear } from '../../support/ssh/dropbear.ts';
import type { HostileMode } from '../../support/ssh/hostile-ssh.ts';
import type { Listener } from '../../support/servers/free-port.ts';
import { startTcpProxy } from '../../support/servers/tcp-proxy.ts';
import { startHostileServer } from '../../support/ssh/hostile-server.ts';
import { connectTo, fails, failure, type Login } from '../../support/ssh/login.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../../support/ssh/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';

const kinds = { ed25519: ['ed25519'], ecdsa: ['ecdsa'], rsa: ['rsa', '-b', '2048'] } as const;
type Kind = keyof typeof kinds;

const servers = [
  { name: 'OpenSSH', missing: sshdMissing(), start: () => startSshd(), goesOn: true },
  // This server ends the connection at the channel that was opened before the login.
  { name: 'dropbear', missing: dropbearMissing(), start: startDropbear, goesOn: false },
];

async function outcome(connection: Connection, command: string): Promise<string> {
  const channel = await connection.exec(command);
  channel.stdin.end();
  const [said, exit] = await Promise.all([text(channel.stdout), channel.exit]);
  return `${said}${exit.status}`;
}

for (const { name, missing, start, goesOn } of servers) {
  describe(name, { skip: missing ?? false }, async () => {
    const server = await stoppedAfter(start());
    const made = Object.entries(kinds).map(([kind, [type, ...more]]) => {
      const { privateKey, publicKey } = sshKeygen(path.join(server.dir, kind), '-t', type, ...more);
      return { kind, publicKey, key: loadPrivateKey(privateKey, null) };
    });
    const keys = Object.fromEntries(made.map(({ kind, key }) => [kind, key])) as Record<Kind, LoginKey>;
    const lines = made.map(({ publicKey }) => publicKey);
    const account = await server.addAccount({ shell: '/bin/bash', publicKey: lines.join('\n') });
    const other = await server.addAccount({ shell: '/bin/bash', publicKey: lines[1] ?? '' });
    let proxy: TurnsProxy;
    beforeEach(async () => {
      proxy = await startTurnsProxy(server.port);
    });
    afterEach(() => proxy.close());

    const login = (credentials: Login['credentials'], command?: string, username = account.name): Promise<Connection> =>
      connectTo({
        server: { port: proxy.port, hostKeyLine: () => lineAt(server, proxy.port) },
        username,
        credentials,
        ...(command === undefined ? {} : { options: { ahead: command } }),
      });

    for (const kind of ['ed25519', 'ecdsa', 'rsa'] as const) {
      it(`takes a login with ${kind} and the first command in one turn`, async () => {
        const command = 'cat; echo out; exit 3';
        const waiting = await login({ key: keys[kind] });
        assert.equal(await outcome(waiting, command), 'out\n3');
        const waited = proxy.turns();
        await waiting.leave();
        const ahead = await login({ key: keys[kind] }, command);
        assert.equal(await outcome(ahead, command), 'out\n3');
        // The service, query, signature, channel and exec are sent in one turn.
        assert.ok(proxy.turns() - waited <= waited - 3, `${proxy.turns() - waited} turns, ${waited} when waiting`);
        assert.equal(proxy.connections(), 2);
        assert.ok(ahead.connectMs > 0);
        await ahead.leave();
      });
    }

    it('runs further commands on the same connection', async () => {
      const connection = await login({ key: keys.ed25519 }, 'echo one');
      assert.equal(await outcome(connection, 'echo one'), 'one\n0');
      assert.equal(await outcome(connection, 'echo two'), 'two\n0');
      await connection.leave();
    });

    it('another command than the one that went ahead is a mistake of the caller', async () => {
      const connection = await login({ key: keys.ed25519 }, 'echo one');
      await assert.rejects(connection.exec('echo two'), /another command/);
      connection.destroy();
    });

    it('a refused key ends in the next one, which is asked for in the ordinary way', async () => {
      const command = 'echo in';
      const connection = await login({ keys: [keys.ed25519, keys.ecdsa] }, command, other.name);
      assert.equal(await outcome(connection, command), 'in\n0');
      assert.equal(proxy.connections(), goesOn ? 1 : 2);
      await connection.leave();
    });

    it('a key that is refused, and nothing else to try: one connection, and the ordinary fault', async () => {
      const error = await failure(login({ key: keys.ed25519 }, 'echo in', other.name));
      const ordinary = await failure(login({ key: keys.ed25519 }, undefined, other.name));
      assert.deepEqual(
        { code: error.code, stage: error.stage, message: error.message },
        { code: ordinary.code, stage: ordinary.stage, message: ordinary.message },
      );
      assert.equal(error.code, 'auth-failed');
      assert.equal(proxy.connections(), 2);
    });
  });
}

function lineAt(server: Sshd | Dropbear, port: number): string {
  return server.hostKeyLine().replace(/^\S+/, `[127.0.0.1]:${port}`);
}

describe('servers that do not follow', () => {
  const key = decodeLoginKey(generateHostKey(), null);
  const meet = async (mode: HostileMode, run: (login: () => Promise<Connection>) => Promise<void>): Promise<number> => {
    const server = await stoppedAfter(startHostileServer(mode));
    const options = { ahead: 'echo ok', channelTimeoutMs: 300 };
    await run(() => connectTo({ server, username: 'monitor', credentials: { key }, options }));
    return server.accepted();
  };

  it('a channel with another number: the connection is given up, and another one waits for each answer', async () => {
    const connections = await meet('numbers-from-one', async (login) => {
      const connection = await login();
      assert.equal(await outcome(connection, 'echo ok'), 'ok\n0');
      connection.destroy();
    });
    assert.equal(connections, 2);
  });

  it('no channel, or no answer to the command: the ordinary fault, and no second connection', async () => {
    for (const mode of ['channel-silent', 'exec-silent'] as const) {
      const connections = await meet(mode, async (login) => {
        await fails(login(), 'channel-timeout channel');
      });
      assert.equal(connections, 1, mode);
    }
    for (const mode of ['channel-refused', 'exec-refused'] as const) {
      const connections = await meet(mode, async (login) => {
        const connection = await login();
        await fails(connection.exec('echo ok'), 'channel-failed channel');
        connection.destroy();
      });
      assert.equal(connections, 1, mode);
    }
  });

  it('a login that is not answered, or ended', async () => {
    for (const [mode, code] of [
      ['login-close', 'connect-failed'],
      ['login-disconnect', 'auth-failed'],
    ] as const) {
      const connections = await meet(mode, async (login) => assert.equal((await failure(login())).code, code));
      assert.equal(connections, 1, mode);
    }
  });

  it('a host key that is not the right one: nothing goes out', async () => {
    const server = await stoppedAfter(startHostileServer('greeting'));
    const wrong = await stoppedAfter(startHostileServer('greeting'));
    const knownHosts = parseKnownHosts(wrong.hostKeyLine().replace(/^\S+/, `[127.0.0.1]:${server.port}`), '/nowhere/k');
    const options = { ahead: 'echo ok' };
    const login = connectTo({ server, username: 'monitor', credentials: { key }, options, target: { knownHosts } });
    await fails(login, 'host-key-changed');
  });
});

interface TurnsProxy extends Listener {
  /** Returns the number of connections so far. */
  connections(): number;
  /** Counts round trips: answers of the far end after the near end had sent something. */
  turns(): number;
}

/** Starts a proxy that counts round trips. Bytes within `gatherMs` count as sent at once. */
async function startTurnsProxy(to: number, gatherMs = 40): Promise<TurnsProxy> {
  let connections = 0;
  let turns = 0;
  const relay = (near: Socket, far: Socket): void => {
    connections += 1;
    let speaker: Socket = near;
    const pass = (from: Socket, other: Socket): void => {
      let held: Buffer[] = [];
      from.on('data', (data: Buffer) => {
        if (held.length === 0) {
          setTimeout(() => {
            if (from === far && speaker === near) turns += 1;
            speaker = from;
            other.write(Buffer.concat(held));
            held = [];
          }, gatherMs);
        }
        held.push(data);
      });
      from.on('end', () => setTimeout(() => other.end(), gatherMs));
    };
    pass(near, far);
    pass(far, near);
  };
  const listener = await startTcpProxy(to, relay, { lingerMs: 2 * gatherMs });
  return { ...listener, connections: () => connections, turns: () => turns };
}
