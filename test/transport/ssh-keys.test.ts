import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { SshAgent } from '../../src/transport/credentials/credentials.ts';
import { fails, login, refused } from '../support/login.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/sshd.ts';

const skip = sshdMissing() ?? false;

describe('private keys', { skip }, () => {
  let sshd: Sshd;
  const passphrase = 'open sesame';
  const password = 'a password of an account';
  before(async () => {
    sshd = await startSshd();
  });
  after(() => sshd.stop());

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

  it('a wrong key, then the right password', async () => {
    const wrong = sshKeygen(path.join(sshd.dir, 'wrong2'), '-t', 'ed25519');
    const { name: username } = await sshd.addAccount({ password });
    const key = loadPrivateKey(wrong.privateKey, null);
    await login({ server: sshd, username, credentials: { key, password } });
  });

  describe('in an ssh-agent', () => {
    let agent: ChildProcess;
    let socket: string;
    let first: string;
    let second: string;
    before(async () => {
      socket = path.join(sshd.dir, 'agent');
      agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      assert.ok(agent.stdout);
      await once(agent.stdout, 'data');
      const files = [path.join(sshd.dir, 'agent-1'), path.join(sshd.dir, 'agent-2')] as const;
      for (const [index, file] of files.entries()) {
        sshKeygen(file, '-t', index === 0 ? 'ed25519' : 'rsa');
        execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
      }
      [first, second] = files;
    });
    after(() => agent.kill());

    it('the second of its keys, RSA', async () => {
      const { name: username } = await sshd.addAccount({ publicKey: readFileSync(`${second}.pub`, 'utf8') });
      await login({ server: sshd, username, credentials: { agent: new SshAgent(socket) } });
    });

    it('none but the one key that is named', async () => {
      const { name: username } = await sshd.addAccount({ publicKey: readFileSync(`${second}.pub`, 'utf8') });
      const only = (file: string): SshAgent => {
        const named = [loadPrivateKey(`${file}.pub`, null).publicBlob];
        return new SshAgent(socket, { named, namedOnly: true, except: [] });
      };
      await login({ server: sshd, username, credentials: { agent: only(second) } });
      await refused(
        { server: sshd, username, credentials: { agent: only(first) } },
        'auth-failed',
        /tried agent key SHA256:/,
      );
    });

    it('an agent that is not there, alone and beside a password', async () => {
      const { name: username } = await sshd.addAccount({ password });
      const gone = (): SshAgent => new SshAgent(path.join(sshd.dir, 'no-agent'));
      await refused(
        { server: sshd, username, credentials: { agent: gone() } },
        'credentials-unusable',
        /no-agent.*ENOENT/,
      );
      await login({ server: sshd, username, credentials: { agent: gone(), password } });
    });

    it('an agent that does not answer ends with the login, and is left', async () => {
      const mute = createServer().listen(path.join(sshd.dir, 'mute'));
      const connected = once(mute, 'connection');
      const { name: username } = await sshd.addAccount();
      const agent = new SshAgent(path.join(sshd.dir, 'mute'));
      const attempt = { server: sshd, username, credentials: { agent }, options: { connectTimeoutMs: 600 } };
      await fails(login(attempt), 'auth-timeout');
      const [connection] = (await connected) as [NodeJS.ReadableStream];
      connection.resume();
      await once(connection, 'end');
      mute.close();
    });
  });
});
