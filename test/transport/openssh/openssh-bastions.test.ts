// Second tier: bastions by OpenSSH.
/** transport="openssh" through the bastions of config.xml: real servers, and an ssh for each machine on the route. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import type { Bastion, Client, SshSettings } from '../../../src/config/config.ts';
import { commandTransportFor } from '../../../src/transport/transport-for.ts';
import type { ConnectOptions } from '../../../src/transport/transport.ts';
import { startBastionServers } from '../../support/ssh/bastion-servers.ts';
import { literal, noChildLeft } from '../../support/ssh/both-transports.ts';
import { startDeafListener } from '../../support/servers/deaf-listener.ts';
import { fails } from '../../support/ssh/login.ts';
import { isWide } from '../../support/long-tests.ts';
import { sharedFor } from '../../support/ssh/run-shared.ts';
import { startSshAgent } from '../../support/ssh/ssh-agent.ts';
import { sshdMissing, sshKeygen } from '../../support/ssh/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

describe('OpenSSH through bastions of config.xml', { skip: sshdMissing() ?? false }, async () => {
  const authority = path.join(tempFolder(), 'ca');
  sshKeygen(authority, '-t', 'ed25519');
  const sign = (key: string, ...options: readonly string[]): void => {
    execFileSync('ssh-keygen', ['-q', '-s', authority, ...options, `${key}.pub`], { stdio: 'ignore' });
  };
  const trust = `TrustedUserCAKeys ${authority}.pub`;
  const certified = (folder: string): readonly string[] => {
    sign(path.join(folder, 'host_ed25519'), '-h', '-n', 'web-1', '-I', 'host');
    return [trust, `HostCertificate ${folder}/host_ed25519-cert.pub`];
  };
  const options = { jump: { config: [trust] }, second: {}, target: { prepare: certified } };
  const servers = await startBastionServers((name) => options[name], { via: 'openssh', config: null });
  const { dir, jump, target, jumper, guest, keyOf, known, fra, web } = servers;
  afterEach(noChildLeft);

  const usual: ConnectOptions = {
    tcpTimeoutMs: 60_000,
    connectTimeoutMs: 60_000,
    signal: new AbortController().signal,
  };
  const connect = (client: Client, bastions: readonly Bastion[], options: Partial<ConnectOptions> = {}) =>
    commandTransportFor(client, sharedFor({ bastions })).connect({ ...usual, ...options });
  const output = async (client: Client, bastions: readonly Bastion[]): Promise<string> => {
    const connection = await connect(client, bastions);
    const channel = await connection.exec('echo "$USER"');
    const printed = (await text(channel.stdout)).trim();
    await connection.leave();
    return printed;
  };

  it('an agent is asked for the machine that it is said for, and for no other', async (t) => {
    const socket = await startSshAgent(path.join(dir, 'agent'), keyOf('jump'), keyOf('guest'));
    const before = process.env['SSH_AUTH_SOCK'];
    t.after(() => {
      if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = before;
    });
    process.env['SSH_AUTH_SOCK'] = socket;
    const byAgent = { privateKey: null, agent: 'env' };
    assert.equal(await output(web(), [fra(byAgent)]), guest.name);
    if (!isWide) return;
    assert.equal(await output(web(byAgent), [fra({ ...byAgent, agent: socket })]), guest.name);
    await fails(connect(web({ privateKey: null, agent: null }), [fra(byAgent)]), 'auth-failed');
    const attempt = connect(web(byAgent), [fra({ privateKey: null, agent: null })]);
    await fails(attempt, 'bastion-failed', /^bastion fra: .*auth-failed/);
    delete process.env['SSH_AUTH_SOCK'];
    const says = /^bastion fra: .*SSH_AUTH_SOCK is not set \(credentials-unusable\)/;
    await fails(connect(web(), [fra(byAgent)]), 'bastion-failed', says);
  });
  it('a client that does not answer ends the login once TCP has had its time', async () => {
    const { port } = await stoppedAfter(startDeafListener());
    const attempt = connect(web({}, { port }), [fra()], { tcpTimeoutMs: 2000, connectTimeoutMs: 60_000 });
    await fails(attempt, 'connect-timeout connect', /through bastion fra within 2000 ms/);
  });
  it('writes nothing that others can read, and leaves nothing', async () => {
    const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => /^fh-[A-Za-z0-9]{6}$/.test(name));
    const connection = await connect(web(), [fra()]);
    const own = temporary().flatMap((name) => {
      const folder = path.join(tmpdir(), name);
      const routes = readdirSync(folder).filter((file) => file.endsWith('.hops'));
      return routes.map((file) => path.join(folder, file));
    });
    assert.ok(own.length > 0);
    for (const folder of own) {
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      for (const file of ['0.config', '0.to']) assert.equal(statSync(path.join(folder, file)).mode & 0o777, 0o600);
    }
    await connection.leave();
    await noChildLeft();
    await until(() => !own.some((folder) => existsSync(folder)), 'a folder is left');
  });

  const certificates = (): void => {
    const { privateKey } = sshKeygen(keyOf('certified'), '-t', 'ed25519');
    sign(privateKey, '-n', guest.name, '-I', 'user');
    const signer = readFileSync(`${authority}.pub`, 'utf8').trim();
    const knownHosts = known(`@cert-authority [web-1]:${target.port} ${signer}`);
    const client = (via: SshSettings['via']) => web({ via, privateKey, knownHosts });
    for (const transport of ['openssh', 'auto'] as const) {
      it(`of a client and of its user, behind a bastion: ${transport}`, async () => {
        assert.equal(await output(client(transport), [fra()]), guest.name);
      });
    }
    it('of a client alone, whose user has none: auto', async () => {
      const plain = { ...client('auto').ssh, privateKey: keyOf('guest') };
      assert.equal(await output({ ...client('auto'), ssh: plain }, [fra()]), guest.name);
    });
    it('of a bastion’s user, whose certificate its ssh_config names', async () => {
      const key = keyOf('elsewhere');
      sshKeygen(key, '-t', 'ed25519');
      sign(key, '-n', jumper.name, '-I', 'jumper');
      const moved = path.join(dir, 'moved-cert.pub');
      execFileSync('mv', [`${key}-cert.pub`, moved]);
      const config = path.join(dir, 'ssh_config');
      // The port, user and address of config.xml take precedence over these.
      writeFileSync(config, `Host fra\n  CertificateFile ${moved}\n  Port 1\n  User nobody\n  HostName 192.0.2.1\n`);
      assert.equal(await output(web(), [fra({ privateKey: key, config })]), guest.name);
      await fails(connect(web(), [fra({ privateKey: key })]), 'bastion-failed');
    });
  };
  if (isWide) describe('certificates', certificates);

  it('a bastion with nothing but a password, or with a passphrase: not dialled', async () => {
    const comers = jump.count(/^Connection from /gm);
    const password = literal('of-the-bastion');
    for (const own of [{ privateKey: null, password }, { passphrase: password }]) {
      const attempt = connect(web(), [fra(own)]);
      const error = await fails(attempt, 'bastion-failed login', /^bastion fra: .*pass.* \(credentials-unusable\)/);
      assert.ok(!error.message.includes('of-the-bastion'));
    }
    assert.equal(jump.count(/^Connection from /gm), comers);
  });
  it('a value that ssh_config cannot hold', async () => {
    for (const own of [{ privateKey: '/tmp/a"b' }, { knownHosts: '/tmp/a\nb' }, { config: '/tmp/a*' }]) {
      await fails(connect(web(), [fra(own)]), 'config-invalid', / of fra.* cannot be handed to ssh/);
    }
  });
});
