// Second tier: each kind of key at a real server.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';

import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { SshAgent } from '../../src/transport/credentials/credentials.ts';
import { fails, login, refused } from '../support/ssh/login.ts';
import { startSshAgent } from '../support/ssh/ssh-agent.ts';
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

    it('an agent that does not answer ends with the login, and is left', async () => {
      const mute = createServer().listen(path.join(sshd.dir, 'mute'));
      const connected = once(mute, 'connection');
      const { name: username } = await sshd.addAccount();
      const agent = new SshAgent(path.join(sshd.dir, 'mute'));
      const attempt = { server: sshd, username, credentials: { agent }, options: { connectTimeoutMs: 2000 } };
      await fails(login(attempt), 'auth-timeout');
      const [connection] = (await connected) as [NodeJS.ReadableStream];
      connection.resume();
      await once(connection, 'end');
      mute.close();
    });
  });
});
