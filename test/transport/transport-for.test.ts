// Runs alone: programs that it has started go on for a while.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { generateHostKey, startLoopbackServer, type LoopbackServer } from '../../src/simulator/loopback-server.ts';
import { loginHome } from '../../src/platform/account.ts';
import { createSshConfigReader, type SshConfigReader } from '../../src/transport/ssh-config/ssh-config-reader.ts';
import { decodeLoginKey } from '../../src/transport/credentials/private-key.ts';
import { commandTransportFor, transportFor } from '../../src/transport/transport-for.ts';
import { fails, failure } from '../support/ssh/login.ts';
import { literal } from '../support/ssh/both-transports.ts';
import { setHome } from '../support/programs/set-home.ts';
import { sharedFor, sshClient } from '../support/ssh/run-shared.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const privateKey = path.join(dir, 'key');
const pem = generateHostKey();

let server: LoopbackServer;
before(async () => {
  writeFileSync(privateKey, pem, { mode: 0o600 });
  const publicKey = `ssh-ed25519 ${decodeLoginKey(pem, null).publicBlob.toString('base64')}`;
  server = await startLoopbackServer({ username: 'demo', password: 'right', publicKey, home: dir });
  writeFileSync(knownHosts, `[127.0.0.1]:${server.port} ${server.hostKey.type} ${server.hostKey.key}\n`);
});
after(() => server.close());

const client = (ssh: Partial<SshSettings>): Client =>
  sshClient(
    'web-1',
    { username: 'demo', knownHosts, via: 'auto', ...ssh },
    { address: '127.0.0.1', port: server.port },
  );

const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };

const connect = (ssh: Partial<SshSettings>, shared = sharedFor()) =>
  commandTransportFor(client(ssh), shared).connect(limits);

async function output(ssh: Partial<SshSettings>): Promise<string> {
  const connection = await connect(ssh);
  const channel = await connection.exec('echo "$USER"');
  const printed = (await text(channel.stdout)).trim();
  await connection.leave();
  return printed;
}

/** Returns a reader of ssh_config whose first file has a Host line for these names. */
function readerOf(...hostNames: readonly string[]): SshConfigReader {
  const nothing = createSshConfigReader();
  return {
    ...nothing,
    load: (file) => ({ ...nothing.load('/nowhere/config'), hostNames: file.endsWith('.ssh/config') ? hostNames : [] }),
  };
}

describe('an ip that does not resolve', () => {
  const adviceFor = async (name: string, ...aliases: readonly string[]): Promise<string> => {
    const nas = sshClient(name, { username: 'demo', password: literal('x') }, { address: 'nas.invalid' });
    const nameless = { ...nas, ssh: { ...nas.ssh, explicit: {} } };
    const signal = new AbortController().signal;
    const connecting = transportFor(nameless, sharedFor({ sshConfig: readerOf(...aliases) })).connect({
      ...{ tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal },
    });
    return (await fails(connecting, 'dns')).advice;
  };
  it('is said to be an alias of ssh_config if there is one of that name', async () => {
    assert.match(
      await adviceFor('nas.invalid', 'nas.invalid'),
      /\.ssh\/config has a Host nas\.invalid, .*remove the ip\.$/,
    );
    assert.match(await adviceFor('files', 'nas.invalid'), /remove the ip, and write name="nas\.invalid"\.$/);
    assert.match(await adviceFor('nas.invalid', 'files'), /^Check ip=/);
  });
  it('is looked for in the ssh_config of the home folder of passwd, whatever HOME is', async (t) => {
    setHome(t, dir);
    const advice = await adviceFor('nas.invalid', 'nas.invalid');
    assert.ok(advice.includes(`${path.join(userInfo().homedir, '.ssh', 'config')} has a Host nas.invalid`), advice);
  });
});

describe('transportFor', () => {
  it('a login without a key says where one was looked for, also where ssh_config enables GSSAPI', async () => {
    const [config, key] = [path.join(dir, 'gssapi'), path.join(dir, 'no-key')];
    writeFileSync(config, `GSSAPIAuthentication yes\nIdentityFile ${key}\n`);
    const { message, advice } = await fails(connect({ via: 'ssh2', config }), 'credentials-unusable login');
    assert.equal(message, `no private key: looked for ${key}`);
    assert.match(advice, /^Make one with ssh-keygen -t ed25519, or set privateKey/);
  });

  for (const [said, home] of [
    ['that of passwd', loginHome()],
    ['another folder', dir],
  ] as const) {
    it(`a login without a key or ssh_config says where one was looked for, where HOME is ${said}`, async (t) => {
      setHome(t, home);
      const { message, advice } = await fails(connect({ via: 'ssh2' }), 'credentials-unusable login');
      const files = ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => path.join(userInfo().homedir, '.ssh', name));
      assert.equal(message, `no private key: looked for ${files.join(', ')}`);
      assert.match(advice, /^Make one with ssh-keygen -t ed25519, or set privateKey/);
    });
  }

  it('privateKey="none" and nothing else is said to be no way to log in, with the ways there are', async () => {
    const none = { via: 'ssh2', privateKey: null, explicit: { privateKey: 'config.xml:2' } } as const;
    const { message, advice } = await fails(connect(none), 'credentials-unusable login');
    assert.equal(message, 'neither password nor privateKey nor agent is configured');
    assert.match(advice, /ssh-keygen -t ed25519, or set privateKey/);
  });

  for (const transport of ['ssh2', 'auto'] as const) {
    it(`${transport}: logs in with a password`, async () => {
      assert.equal(await output({ via: transport, password: literal('right') }), 'demo');
    });
  }

  it('openssh: what config.xml says goes before what ssh_config says', async () => {
    const config = path.join(dir, 'ssh_config');
    writeFileSync(config, `Host web-1\n  User nobody\n  Port ${server.port}\n  IdentityFile ${dir}/none\n`);
    const place = 'config.xml:2';
    const explicit = { config: place, username: place, privateKey: place };
    assert.equal(await output({ via: 'openssh', config, privateKey, explicit }), 'demo');
  });

  it('logs in with a key, and with a password where the key cannot be used', async () => {
    assert.equal(await output({ privateKey }), 'demo');
    assert.equal(await output({ privateKey: path.join(dir, 'none'), password: literal('right') }), 'demo');
  });

  it('local: no SSH at all', async () => {
    const logins = server.connections();
    assert.equal(
      (await transportFor({ ...client({}), arrival: { kind: 'local' } }, sharedFor()).connect(limits)).connectMs,
      0,
    );
    assert.equal(server.connections(), logins);
  });

  const proxied = path.join(dir, 'proxied');
  writeFileSync(proxied, 'Host web-*\n  ProxyCommand nc %h %p\n');
  const explicit = { config: 'config.xml:2' };
  const unsupported: readonly (readonly [Partial<SshSettings>, RegExp])[] = [
    [{ config: proxied, explicit, via: 'ssh2' }, /ProxyCommand \(.*proxied:2\) is beyond the built-in transport/],
  ];
  for (const [ssh, says] of unsupported) {
    it(`refuses ${JSON.stringify(ssh)} and connects in no other way`, async () => {
      const logins = server.connections();
      const error = await failure(connect({ ...ssh, password: literal('right') }));
      assert.equal(error.code, 'unsupported');
      assert.equal(error.client, 'web-1');
      assert.match(error.message, says);
      assert.equal(server.connections(), logins);
    });
  }

  it('a key that cannot be used, and nothing else: says so and does not connect', async () => {
    const logins = server.connections();
    const error = await failure(connect({ privateKey: path.join(dir, 'none') }));
    assert.equal(error.code, 'credentials-unusable');
    assert.equal(error.client, 'web-1');
    assert.match(error.message, /the file does not exist/);
    assert.equal(server.connections(), logins);
  });

  it('a key that cannot be used and a wrong password: says both', async () => {
    const error = await failure(connect({ privateKey: path.join(dir, 'none'), password: literal('wrong') }));
    // A refused password must not be repeated in every run.
    assert.equal(error.code, 'auth-failed');
    assert.match(error.message, /demo was refused; tried password; .*the file does not exist/);
  });

  it('agent="env" without an agent', async () => {
    const socket = process.env['SSH_AUTH_SOCK'];
    delete process.env['SSH_AUTH_SOCK'];
    const error = await failure(connect({ agent: 'env' }));
    if (socket !== undefined) process.env['SSH_AUTH_SOCK'] = socket;
    assert.equal(error.code, 'credentials-unusable');
    assert.match(error.message, /\$SSH_AUTH_SOCK is not set/);
  });

  it('a public key without an agent', async () => {
    const file = path.join(dir, 'key.pub');
    writeFileSync(file, `ssh-ed25519 ${decodeLoginKey(pem, null).publicBlob.toString('base64')}\n`);
    const error = await failure(connect({ privateKey: file }));
    assert.match(error.message, /needs an ssh-agent/);
  });

  it('a secret that cannot be read is the visit’s fault', async () => {
    await fails(connect({ password: new Secret({ kind: 'file', path: path.join(dir, 'no-file') }) }), 'secret-missing');
  });

  it('no username: that of whoever runs it', async () => {
    const error = await failure(connect({ username: null, password: literal('right') }));
    assert.match(error.message, new RegExp(`^${userInfo().username} was refused`));
  });

  it('known hosts that cannot be read fail each client, and are read once for all', async () => {
    const unreadable = path.join(dir, 'a-folder');
    mkdirSync(unreadable);
    await fails(connect({ knownHosts: unreadable, password: literal('right') }), 'state-unusable');
    const shared = sharedFor();
    assert.equal(shared.knownHosts(knownHosts), shared.knownHosts(knownHosts));
  });
});

describe('the login name', () => {
  for (const transport of ['ssh2', 'openssh'] as const) {
    it(`of <ssh> gives way to ssh_config, and no further (${transport})`, async () => {
      const ofSsh = { config: '', transport: '', privateKey: '', knownHosts: '', usernameOfSsh: 'config.xml:2' };
      const connect = async (username: string, sshConfig: string): Promise<string> => {
        const config = path.join(dir, `user-${transport}`);
        writeFileSync(config, `Host *\n  Port ${server.port}\n${sshConfig}`);
        const whole = client({ username, config, via: transport, privateKey, knownHosts });
        const asked = { ...whole, ssh: { ...whole.ssh, explicit: ofSsh } };
        const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };
        const connection = await transportFor(asked, sharedFor()).connect(limits);
        connection.destroy();
        return 'logged in';
      };
      assert.equal(await connect('fleet', '  User demo\n'), 'logged in');
      assert.equal(await connect('demo', ''), 'logged in');
      await fails(connect('demo', '  User other\n'), 'auth-failed');
    });
  }
});
