/** transport="openssh" through the bastions of config.xml: real servers, and an ssh for each machine on the route. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Bastion, Client, SshSettings } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { transportFor } from '../../../src/transport/transport-for.ts';
import type { Connection, ConnectOptions } from '../../../src/transport/transport.ts';
import { startDeafListener } from '../../support/deaf-listener.ts';
import { freePort, listenOn } from '../../support/free-port.ts';
import { failure } from '../../support/login.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { sharedFor, wayBastion, wayClient } from '../../support/run-shared.ts';
import { sshKeygen, sshdMissing, startSshd, type Sshd, type SshdAccount } from '../../support/sshd.ts';
import { noChildLeft } from '../../support/ways.ts';

const secret = (value: string): Secret => new Secret({ kind: 'literal', value });
const address = '127.0.0.1';

describe('OpenSSH through bastions of config.xml', { skip: sshdMissing() ?? false }, () => {
  const dir = tempFolder();
  const knownHosts = path.join(dir, 'known_hosts');
  const authority = path.join(dir, 'ca');
  let jump: Sshd;
  let second: Sshd;
  let target: Sshd;
  let jumper: SshdAccount;
  let changer: SshdAccount;
  let guest: SshdAccount;
  const keyOf = (name: string): string => path.join(dir, name);

  before(async () => {
    const [jumpKey, secondKey, guestKey] = ['jump', 'second', 'guest'].map((name) =>
      sshKeygen(keyOf(name), '-t', 'ed25519'),
    );
    sshKeygen(authority, '-t', 'ed25519');
    assert.ok(jumpKey && secondKey && guestKey);
    const trust = (): readonly string[] => [`TrustedUserCAKeys ${authority}.pub`];
    [jump, second, target] = await Promise.all([
      startSshd({ prepare: trust }),
      startSshd(),
      startSshd({
        prepare: (folder) => {
          sign(path.join(folder, 'host_ed25519'), '-h', '-n', 'web-1', '-I', 'host');
          return [...trust(), `HostCertificate ${folder}/host_ed25519-cert.pub`];
        },
      }),
    ]);
    jumper = await jump.addAccount({ publicKey: jumpKey.publicKey });
    changer = await second.addAccount({ publicKey: secondKey.publicKey });
    guest = await target.addAccount({ publicKey: guestKey.publicKey, password: 'of-the-client' });
    writeFileSync(
      knownHosts,
      `${[jump.hostKeyLine(), nameLine('ber', second), nameLine('web-1', target)].join('\n')}\n`,
    );
  });
  afterEach(noChildLeft);
  after(() => Promise.all([jump.stop(), second.stop(), target.stop()]));

  const sign = (key: string, ...options: readonly string[]): void => {
    execFileSync('ssh-keygen', ['-q', '-s', authority, ...options, `${key}.pub`], { stdio: 'ignore' });
  };
  const nameLine = (name: string, { port, hostKeys }: Sshd): string => `[${name}]:${port} ${hostKeys[0]?.line ?? ''}`;
  const knownOnly = (...lines: readonly string[]): string => {
    const file = path.join(mkdtempSync(path.join(dir, 'known-')), 'known_hosts');
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  };
  const fra = (own: Partial<SshSettings> = {}, more: Partial<Bastion> = {}): Bastion =>
    wayBastion(
      'fra',
      { username: jumper.name, privateKey: keyOf('jump'), knownHosts, ...own },
      { address, port: jump.port, ...more },
    );
  const ber = (own: Partial<SshSettings> = {}, more: Partial<Bastion> = {}): Bastion =>
    wayBastion(
      'ber',
      { username: changer.name, privateKey: keyOf('second'), knownHosts, proxyJump: 'fra', ...own },
      { address, port: second.port, ...more },
    );
  const web = (own: Partial<SshSettings> = {}, more: Partial<Client> = {}): Client =>
    wayClient(
      'web-1',
      {
        ...{ transport: 'openssh', proxyJump: 'fra', config: null },
        ...{ username: guest.name, privateKey: keyOf('guest'), knownHosts },
        ...own,
      },
      { address, port: target.port, ...more },
    );
  const connect = (
    client: Client,
    bastions: readonly Bastion[],
    options: Partial<ConnectOptions> = {},
  ): Promise<Connection> =>
    transportFor(client, sharedFor({ bastions })).connect({
      ...{ tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal: new AbortController().signal },
      ...options,
    });
  const output = async (client: Client, bastions: readonly Bastion[]): Promise<string> => {
    const connection = await connect(client, bastions);
    const channel = await connection.exec('echo "$USER"');
    const printed = (await text(channel.stdout)).trim();
    await connection.leave();
    return printed;
  };
  /** Returns the number of login attempts on a server. A connection without a login is none. */
  const attempts = (sshd: Sshd): number =>
    sshd.count(/Accepted \w+ for|Failed \w+ for|authenticating user|[Ii]nvalid user/g);

  it('one: each machine has its own user and key', async () => {
    const [before1, before2] = [attempts(jump), attempts(target)];
    assert.equal(await output(web(), [fra()]), guest.name);
    assert.equal(attempts(jump), before1 + 1);
    assert.equal(attempts(target), before2 + 1);
    assert.ok(!jump.log().includes(guest.name));
  });
  it('two, of which the second is reached by its own way', async () => {
    assert.equal(await output(web({ proxyJump: 'ber' }), [fra(), ber()]), guest.name);
    assert.ok(second.log().includes(`Accepted publickey for ${changer.name}`));
  });
  it('the client’s password is told to the client alone', async () => {
    const password = { privateKey: null, password: secret('of-the-client') };
    const tries = attempts(jump);
    assert.equal(await output(web(password), [fra()]), guest.name);
    assert.equal(attempts(jump), tries + 1);
    const refused = await failure(connect(web(password), [fra({ privateKey: keyOf('second') })]));
    assert.equal(refused.code, 'bastion-failed', refused.message);
    assert.equal(jump.count(/Failed password/g), 0);
  });
  it('an agent is asked for the machine that it is said for, and for no other', async (t) => {
    const socket = path.join(dir, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    t.after(() => agent.kill());
    for (let turn = 0; turn < 500 && !existsSync(socket); turn += 1) await sleep(10);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    for (const key of ['jump', 'guest']) execFileSync('ssh-add', ['-q', keyOf(key)], { env });
    const before = process.env['SSH_AUTH_SOCK'];
    t.after(() => {
      if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = before;
    });
    process.env['SSH_AUTH_SOCK'] = socket;
    const byAgent = { privateKey: null, agent: 'env' };
    assert.equal(await output(web(), [fra(byAgent)]), guest.name);
    assert.equal(await output(web(byAgent), [fra({ ...byAgent, agent: socket })]), guest.name);
    const inner = await failure(connect(web({ privateKey: null, agent: null }), [fra(byAgent)]));
    assert.equal(inner.code, 'auth-failed', inner.message);
    const outer = await failure(connect(web(byAgent), [fra({ privateKey: null, agent: null })]));
    assert.equal(outer.code, 'bastion-failed', outer.message);
    assert.match(outer.message, /^bastion fra: .*auth-failed/);
    delete process.env['SSH_AUTH_SOCK'];
    const none = await failure(connect(web(), [fra(byAgent)]));
    assert.match(none.message, /^bastion fra: .*SSH_AUTH_SOCK is not set \(credentials-unusable\)/);
  });
  it('writes nothing that others can read, and leaves nothing', async () => {
    const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => /^fh-[A-Za-z0-9]{6}$/.test(name));
    const connection = await connect(web(), [fra()]);
    const ways = temporary().flatMap((name) => {
      const folder = path.join(tmpdir(), name);
      return readdirSync(folder)
        .filter((file) => file.endsWith('.way'))
        .map((file) => path.join(folder, file));
    });
    const own = ways.filter((way) => readFileSync(path.join(way, '0.config'), 'utf8').includes(jumper.name) || way);
    assert.ok(own.length > 0);
    for (const way of own) {
      assert.equal(statSync(way).mode & 0o777, 0o700);
      for (const file of ['0.config', '0.to']) assert.equal(statSync(path.join(way, file)).mode & 0o777, 0o600);
    }
    await connection.leave();
    await noChildLeft();
    const left = (): boolean => own.some((way) => statSync(way, { throwIfNoEntry: false }) !== undefined);
    for (let turn = 0; turn < 300 && left(); turn += 1) await sleep(10);
    assert.equal(left(), false);
  });

  describe('certificates', () => {
    let certified: string;
    let client: (transport: SshSettings['transport']) => Client;
    before(() => {
      certified = keyOf('certified');
      sshKeygen(certified, '-t', 'ed25519');
      sign(certified, '-n', guest.name, '-I', 'user');
      const ca = readFileSync(`${authority}.pub`, 'utf8').trim();
      const known = knownOnly(`@cert-authority [web-1]:${target.port} ${ca}`);
      client = (transport) => web({ transport, privateKey: certified, knownHosts: known });
    });
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
      const without = await failure(connect(web(), [fra({ privateKey: key })]));
      assert.equal(without.code, 'bastion-failed', without.message);
    });
  });

  describe('what goes wrong is told of the machine it went wrong at', () => {
    it('a bastion that refuses the login', async () => {
      const error = await failure(connect(web(), [fra({ privateKey: keyOf('guest') })]));
      assert.deepEqual([error.code, error.stage, error.client], ['bastion-failed', 'login', 'web-1'], error.message);
      assert.match(
        error.message,
        new RegExp(`^bastion fra: ${jumper.name} was refused; tried key SHA256:.*auth-failed`),
      );
    });
    it('a bastion whose key is not known, or another', async () => {
      const unknown = await failure(connect(web(), [fra({ knownHosts: knownOnly('') })]));
      assert.deepEqual([unknown.code, unknown.stage], ['bastion-failed', 'handshake'], unknown.message);
      assert.match(unknown.message, /^bastion fra: .*host-key-unknown/);
      assert.match(unknown.advice, /fleet-health trust fra/);
    });
    it('the middle one of three shows another key: it is told nothing, and nothing behind is dialled', async () => {
      const tries = attempts(second);
      const comers = target.count(/^Connection from /gm);
      const [wrong = ''] = [target.hostKeys[0]?.line];
      const known = knownOnly(`[ber]:${second.port} ${wrong}`);
      const last = wayBastion(
        'par',
        { username: guest.name, privateKey: keyOf('guest'), knownHosts, proxyJump: 'ber' },
        { address, port: target.port },
      );
      const error = await failure(connect(web({ proxyJump: 'par' }), [fra(), ber({ knownHosts: known }), last]));
      assert.deepEqual([error.code, error.stage], ['bastion-failed', 'handshake'], error.message);
      assert.match(error.message, /^bastion ber: .*shows ED25519 SHA256:.* says ED25519 SHA256:.*host-key-changed/);
      assert.equal(attempts(second), tries);
      assert.equal(target.count(/^Connection from /gm), comers);
    });
    it('a bastion that is not there', async () => {
      const port = await freePort();
      const error = await failure(connect(web(), [fra({}, { port })]));
      assert.deepEqual([error.code, error.stage], ['bastion-failed', 'connect'], error.message);
      assert.match(error.message, /^bastion fra: .*refused \(connect-refused\)/);
    });
    it('a second bastion that the first cannot reach', async () => {
      const port = await freePort();
      const error = await failure(connect(web({ proxyJump: 'ber' }), [fra(), ber({}, { port })]));
      assert.equal(error.code, 'bastion-failed', error.message);
      assert.match(error.message, /^bastion ber: .*dialled by bastion fra: Connection refused \(connect-refused\)/);
    });
    it('a client that is not there', async () => {
      const port = await freePort();
      const error = await failure(connect(web({}, { port }), [fra()]));
      assert.deepEqual([error.code, error.stage], ['connect-refused', 'connect'], error.message);
      assert.match(error.message, /dialled by bastion fra: Connection refused/);
    });
    it('a client that refuses the login, or shows another key', async () => {
      const refused = await failure(connect(web({ privateKey: keyOf('jump') }), [fra()]));
      assert.deepEqual([refused.code, refused.stage], ['auth-failed', 'login'], refused.message);
      const known = knownOnly(`[web-1]:${target.port} ${jump.hostKeys[0]?.line ?? ''}`);
      const changed = await failure(connect(web({ knownHosts: known }), [fra()]));
      assert.deepEqual([changed.code, changed.stage], ['host-key-changed', 'handshake'], changed.message);
      assert.match(changed.message, new RegExp(`\\[web-1\\]:${target.port} shows`));
    });
    it('a bastion or a client that does not answer', async (t) => {
      const deaf = await startDeafListener();
      t.after(() => deaf.stop());
      const bastion = await failure(
        connect(web(), [fra({}, { port: deaf.port })], { tcpTimeoutMs: 5000, connectTimeoutMs: 600 }),
      );
      assert.deepEqual([bastion.code, bastion.stage], ['bastion-failed', 'connect'], bastion.message);
      assert.match(bastion.message, /^bastion fra: no answer from .* within 1200 ms \(connect-timeout\)/);
      const startedMs = performance.now();
      const client = await failure(connect(web({}, { port: deaf.port }), [fra()], { tcpTimeoutMs: 500 }));
      assert.deepEqual([client.code, client.stage], ['connect-timeout', 'connect'], client.message);
      assert.match(client.message, /through bastion fra within 500 ms/);
      assert.ok(performance.now() - startedMs < 8000, 'it waited for the whole login');
    });
    it('a bastion or a client that says nothing', async (t) => {
      const silent = createServer();
      t.after(() => silent.close());
      const port = await listenOn(silent);
      const limits = { tcpTimeoutMs: 400, connectTimeoutMs: 1500 };
      const bastion = await failure(connect(web(), [fra({}, { port })], { ...limits, tcpTimeoutMs: 5000 }));
      assert.deepEqual([bastion.code, bastion.stage], ['bastion-failed', 'handshake'], bastion.message);
      assert.match(bastion.message, /^bastion fra: .*3000 ms \(handshake-timeout\)/);
      const client = await failure(connect(web({}, { port }), [fra()], limits));
      assert.deepEqual([client.code, client.stage], ['handshake-timeout', 'handshake'], client.message);
    });
    it('a bastion that does not forward', async (t) => {
      const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
      t.after(() => closed.stop());
      const account = await closed.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
      const bastion = fra(
        { username: account.name, knownHosts: knownOnly(closed.hostKeyLine()) },
        { port: closed.port },
      );
      const error = await failure(connect(web(), [bastion]));
      assert.equal(error.code, 'bastion-failed', error.message);
      assert.match(error.message, /^bastion fra: it does not forward to 127\.0\.0\.1:\d+: .*channel-failed/);
      assert.match(error.advice, /AllowTcpForwarding/);
    });
    /** The servers' processes, not what they run: its end would be told. */
    const killServersOf = ({ uid }: SshdAccount): void => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        if (statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== uid) continue;
        if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd')) process.kill(Number(pid), 'SIGKILL');
      }
    };
    it('a bastion that goes away while the client is being read', async (t) => {
      const dying = await startSshd();
      t.after(() => dying.stop());
      const account = await dying.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
      const bastion = fra({ username: account.name, knownHosts: knownOnly(dying.hostKeyLine()) }, { port: dying.port });
      const connection = await connect(web(), [bastion]);
      const channel = await connection.exec('exec sleep 60');
      killServersOf(account);
      const error = await failure(channel.exit);
      assert.equal(error.code, 'bastion-failed', error.message);
      assert.match(error.message, /^bastion fra: the connection broke/);
    });
    it('a client that goes away while it is being read', async () => {
      const connection = await connect(web(), [fra()]);
      const channel = await connection.exec('exec sleep 60');
      killServersOf(guest);
      const error = await failure(channel.exit);
      assert.equal(error.code, 'connect-failed', error.message);
    });
    it('a bastion with nothing but a password, or with a passphrase: not dialled', async () => {
      const comers = jump.count(/^Connection from /gm);
      const password = secret('of-the-bastion');
      for (const own of [{ privateKey: null, password }, { passphrase: password }]) {
        const error = await failure(connect(web(), [fra(own)]));
        assert.deepEqual([error.code, error.stage], ['bastion-failed', 'login'], error.message);
        assert.match(error.message, /^bastion fra: .*pass.* \(credentials-unusable\)/);
        assert.ok(!error.message.includes('of-the-bastion'));
      }
      assert.equal(jump.count(/^Connection from /gm), comers);
    });
    it('a value that ssh_config cannot hold', async () => {
      for (const own of [{ privateKey: '/tmp/a"b' }, { knownHosts: '/tmp/a\nb' }, { config: '/tmp/a*' }]) {
        const error = await failure(connect(web(), [fra(own)]));
        assert.equal(error.code, 'config-invalid', error.message);
        assert.match(error.message, / of fra.* cannot be handed to ssh/);
      }
    });
  });
});
