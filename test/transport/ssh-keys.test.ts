// Second tier: each kind of key at a real server.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';

import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { SshAgent } from '../../src/transport/credentials/credentials.ts';
import { fails, login, refused } from '../support/ssh/login.ts';
import { sshdMissing, sshdOfSuite } from '../support/ssh/sshd.ts';

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
