// Second tier: each kind of key at a real server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { after, describe, it } from 'node:test';

import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { SshAgent } from '../../src/transport/credentials/credentials.ts';
import { connectBy, targetAt, transports } from '../support/ssh/both-transports.ts';
import { fails, login, refused } from '../support/ssh/login.ts';
import { addToAgent, startSshAgent } from '../support/ssh/ssh-agent.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';

const skip = sshdMissing() ?? false;

describe('private keys', { skip }, async () => {
  const sshd = await sshdOfSuite();
  const passphrase = 'open sesame';
  const password = 'a password of an account';

  const genpkey: Readonly<Record<string, readonly string[]>> = {
    ed25519: ['-algorithm', 'ed25519'],
    'ecdsa-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'ecdsa-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'ecdsa-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
    rsa: ['-algorithm', 'RSA'],
  };
  const byKeygen = (file: string, type: string, ...options: readonly string[]): void => {
    const [name = '', bits] = type.split('-');
    // The default key derivation of a passphrase, and the primes of a long RSA key, take a second each. Only the
    // ed25519 key keeps the defaults.
    const quick = name === 'ed25519' ? [] : ['-a', '2', ...(name === 'rsa' ? ['-b', '2048'] : [])];
    execFileSync('ssh-keygen', ['-q', '-t', name, ...(bits ? ['-b', bits] : []), ...quick, ...options, '-f', file]);
  };
  const byOpenssl = (file: string, type: string, ...options: readonly string[]): void => {
    const args = ['genpkey', ...(genpkey[type] ?? []), '-out', file, ...options];
    execFileSync('openssl', args, { stdio: 'ignore' });
    chmodSync(file, 0o600);
  };
  const formats: Readonly<Record<string, (file: string, type: string) => void>> = {
    OpenSSH: (file, type) => byKeygen(file, type, '-N', ''),
    'OpenSSH, encrypted': (file, type) => byKeygen(file, type, '-N', passphrase),
    PEM: (file, type) => byKeygen(file, type, '-N', '', '-m', 'PEM'),
    'PEM, encrypted': (file, type) => byKeygen(file, type, '-N', passphrase, '-m', 'PEM'),
    'PKCS#8': (file, type) => byOpenssl(file, type),
    'PKCS#8, encrypted': (file, type) => byOpenssl(file, type, '-aes256', '-pass', `pass:${passphrase}`),
  };

  for (const type of Object.keys(genpkey)) {
    for (const [format, make] of Object.entries(formats)) {
      it(`${type}, ${format}`, async () => {
        const file = path.join(sshd.dir, `${type}${format}`.replace(/\W/g, ''));
        make(file, type);
        const key = loadPrivateKey(file, format.includes('encrypted') ? passphrase : null);
        const publicKey = `${key.usable?.type ?? ''} ${key.publicBlob.toString('base64')}`;
        const { name: username } = await sshd.addAccount({ publicKey });
        await login({ server: sshd, username, credentials: { key } });
      });
    }
  }

  describe('in an ssh-agent', () => {
    it('an agent that is not there, alone and beside a password', async () => {
      const { name: username } = await sshd.addAccount({ password });
      const gone = (): SshAgent => new SshAgent(path.join(sshd.dir, 'no-agent'));
      const alone = { server: sshd, username, credentials: { agent: gone() } };
      await refused(alone, 'credentials-unusable', /no-agent.*ENOENT/);
      await login({ server: sshd, username, credentials: { agent: gone(), password } });
    });

    it('a certificate in it is named, for the transport that can offer it', async () => {
      const { name: username } = await sshd.addAccount();
      const held = sshKeygen(path.join(sshd.dir, 'certified'), '-t', 'ed25519').privateKey;
      execFileSync('ssh-keygen', ['-q', '-s', held, '-I', 'id', '-n', username, `${held}.pub`]);
      const agent = new SshAgent(await startSshAgent(path.join(sshd.dir, 'certifying'), held));
      const says = /tried agent key \S+; .*certificates of ssh-agent need transport="openssh"$/;
      await refused({ server: sshd, username, credentials: { agent } }, 'auth-failed', says);
    });

    it('a security key in it is named, and the key beside it is used', async () => {
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'beside'), '-t', 'ed25519');
      const text = (value: string | Buffer): Buffer => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(Buffer.byteLength(value));
        return Buffer.concat([length, Buffer.from(value)]);
      };
      const type = 'sk-ssh-ed25519@openssh.com';
      const security = Buffer.concat([text(type), text(Buffer.alloc(32, 1)), text('ssh:')]);
      const usable = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
      const blobs = [security, text('a'), usable, text('b')].map((part, at) => (at % 2 === 0 ? text(part) : part));
      const answer = text(Buffer.concat([Buffer.from([12, 0, 0, 0, 2]), ...blobs]));
      const real = await startSshAgent(path.join(sshd.dir, 'real'), privateKey);
      const mixed = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', (request) => {
          if (request[4] === 11) socket.write(answer);
          else {
            const on = connect(real, () => on.write(request));
            on.on('error', () => undefined).pipe(socket);
            socket.pipe(on);
          }
        });
      }).listen(path.join(sshd.dir, 'mixed'));
      const { name: username } = await sshd.addAccount({ publicKey });
      const { name: stranger } = await sshd.addAccount();
      const agent = (): SshAgent => new SshAgent(path.join(sshd.dir, 'mixed'));
      await login({ server: sshd, username, credentials: { agent: agent() } });
      const says = /; security keys of ssh-agent need transport="openssh"$/;
      await refused({ server: sshd, username: stranger, credentials: { agent: agent() } }, 'auth-failed', says);
      mixed.close();
    });

    describe('that does not help: it is named, and no client is blamed', async () => {
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'held'), '-t', 'ed25519');
      const other = sshKeygen(path.join(sshd.dir, 'other'), '-t', 'ed25519');
      const holding = await startSshAgent(path.join(sshd.dir, 'holding'), privateKey);
      const locked = await startSshAgent(path.join(sshd.dir, 'locked'), privateKey);
      const askpass = path.join(sshd.dir, 'askpass');
      writeFileSync(askpass, '#!/bin/sh\necho word\n', { mode: 0o700 });
      const env = { ...process.env, SSH_AUTH_SOCK: locked, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
      execFileSync('ssh-add', ['-x'], { env, stdio: 'ignore' });
      const confirming = await startSshAgent(path.join(sshd.dir, 'confirming'));
      addToAgent(confirming, '-c', privateKey);
      writeFileSync(path.join(sshd.dir, 'no-socket'), '');
      /** Stands before the agent, and answers one kind of its messages (draft-ietf-sshm-ssh-agent) by itself. */
      const before = (name: string, kind: number, answer: Buffer | null): string => {
        const socket = path.join(sshd.dir, name);
        const server = createServer((client) => {
          const real = connect(holding);
          for (const end of [client, real]) end.on('error', () => undefined);
          client.on('data', (data) => {
            if (data[4] !== kind) real.write(data);
            else if (answer === null) client.resume();
            else if (answer.length === 0) client.destroy();
            else client.write(answer);
          });
          client.on('close', () => real.destroy());
          real.pipe(client);
        }).listen(socket);
        after(() => server.close());
        return socket;
      };
      const failure = Buffer.from([0, 0, 0, 1, 5]);
      const [list, sign] = [11, 13];
      const unsigned = /ssh-agent at \S+ did not sign|signing failed for ED25519 .* from agent/;
      const rows: Readonly<Record<string, readonly [socket: string, says: RegExp]>> = {
        'that is not there': [path.join(sshd.dir, 'nowhere'), /ssh-agent at \S+ cannot be reached: /],
        'whose path is a file': [path.join(sshd.dir, 'no-socket'), /ssh-agent at \S+ cannot be reached: /],
        'without a key': [await startSshAgent(path.join(sshd.dir, 'empty')), /ssh-agent at \S+ has no key to offer/],
        'that is locked': [locked, /ssh-agent at \S+ has no key to offer/],
        'that refuses to list': [before('unlisted', list, failure), /ssh-agent at \S+ did not list its keys: /],
        'that hangs up': [before('hanging-up', list, Buffer.alloc(0)), /ssh-agent at \S+ did not list its keys: /],
        'that does not list': [before('mute-list', list, null), /ssh-agent at \S+ did not answer within/],
        'that refuses to sign': [before('unsigning', sign, failure), unsigned],
        'that wants a confirmation': [confirming, unsigned],
        'that does not sign': [
          before('mute-sign', sign, null),
          /ssh-agent .* (?:did not answer|asked for a signature)/,
        ],
      };
      for (const transport of transports) {
        for (const [name, [agent, says]] of Object.entries(rows)) {
          it(`${transport}: an agent ${name}`, async () => {
            const { name: username } = await sshd.addAccount({ publicKey });
            const target = targetAt(sshd, { username, agent, privateKey: null });
            const isMute = name.includes('does not');
            const options = isMute ? { connectTimeoutMs: 3000 } : {};
            const ends = isMute && transport === 'openssh' && name.includes('sign');
            const code = ends ? 'auth-timeout' : 'credentials-unusable';
            const { message, advice } = await fails(connectBy(transport, target, options), `${code} login`, says);
            assert.doesNotMatch(advice, /sshd's log|^Check PAM/, message);
          });
        }
        it(`${transport}: an agent without a key beside a key that is refused`, async () => {
          const { name: username } = await sshd.addAccount({ publicKey });
          const agent = path.join(sshd.dir, 'empty');
          const target = targetAt(sshd, { username, agent, privateKey: other.privateKey });
          await fails(connectBy(transport, target), 'auth-failed login', /tried key SHA256:.*has no key to offer/);
        });
      }
    });

    it('an agent that does not answer ends with the login, and is left', async () => {
      const mute = createServer().listen(path.join(sshd.dir, 'mute'));
      const connected = once(mute, 'connection');
      const { name: username } = await sshd.addAccount();
      const agent = new SshAgent(path.join(sshd.dir, 'mute'));
      const attempt = { server: sshd, username, credentials: { agent }, options: { connectTimeoutMs: 2000 } };
      await fails(login(attempt), 'credentials-unusable', /the ssh-agent at \S+mute did not answer within 2000 ms$/);
      const [connection] = (await connected) as [NodeJS.ReadableStream];
      connection.resume();
      await once(connection, 'end');
      mute.close();
    });
  });
});
