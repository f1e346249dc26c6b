/** transport="openssh" through the bastions of config.xml: real servers, and an ssh for each machine on the route. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import type { Bastion, Client, SshSettings } from '../../../src/config/config.ts';
import { transportFor } from '../../../src/transport/transport-for.ts';
import type { ConnectOptions } from '../../../src/transport/transport.ts';
import { startBastionServers } from '../../support/bastion-servers.ts';
import { literal, noChildLeft } from '../../support/both-transports.ts';
import { startDeafListener } from '../../support/deaf-listener.ts';
import { freePort, listen } from '../../support/free-port.ts';
import { fails } from '../../support/login.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { sharedFor, sshBastion } from '../../support/run-shared.ts';
import { startSshAgent } from '../../support/ssh-agent.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../../support/sshd.ts';
import type { Sshd, SshdAccount, SshdOptions } from '../../support/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

interface Refusal {
  readonly what: string;
  readonly attempt: () => Promise<unknown>;
  readonly facts: Parameters<typeof fails>[1];
  readonly says: RegExp;
  readonly advice?: RegExp;
}

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
  const servers = await startBastionServers((name) => options[name], { transport: 'openssh', config: null });
  const { dir, jump, second, target, jumper, changer, guest, keyOf, known, nameLine, fra, ber, web } = servers;
  afterEach(noChildLeft);

  const usual: ConnectOptions = { tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal: new AbortController().signal };
  const connect = (client: Client, bastions: readonly Bastion[], options: Partial<ConnectOptions> = {}) =>
    transportFor(client, sharedFor({ bastions })).connect({ ...usual, ...options });
  const output = async (client: Client, bastions: readonly Bastion[]): Promise<string> => {
    const connection = await connect(client, bastions);
    const channel = await connection.exec('echo "$USER"');
    const printed = (await text(channel.stdout)).trim();
    await connection.leave();
    return printed;
  };
  /** Returns the number of login attempts on a server. A connection without a login is none. */
  const attempts = (sshd: Sshd) => sshd.count(/Accepted \w+ for|Failed \w+ for|authenticating user|[Ii]nvalid user/g);

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
  it('the client’s password is sent to the client alone', async () => {
    const password = { privateKey: null, password: literal('of-the-client') };
    const tries = attempts(jump);
    assert.equal(await output(web(password), [fra()]), guest.name);
    assert.equal(attempts(jump), tries + 1);
    await fails(connect(web(password), [fra({ privateKey: keyOf('second') })]), 'bastion-failed');
    assert.equal(jump.count(/Failed password/g), 0);
  });
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
    const attempt = connect(web({}, { port }), [fra()], { tcpTimeoutMs: 500, connectTimeoutMs: 60_000 });
    await fails(attempt, 'connect-timeout connect', /through bastion fra within 500 ms/);
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
    const client = (transport: SshSettings['transport']) => web({ transport, privateKey, knownHosts });
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

  describe('a fault names the machine it went wrong at', () => {
    const on = async (work: (port: number) => Promise<unknown>): Promise<unknown> => await work(await freePort());
    const refusals: readonly Refusal[] = [
      {
        what: 'a bastion that refuses the login',
        attempt: () => connect(web(), [fra({ privateKey: keyOf('guest') })]),
        facts: 'bastion-failed login web-1',
        says: new RegExp(`^bastion fra: ${jumper.name} was refused; tried key SHA256:.*auth-failed`),
      },
      {
        what: 'a bastion whose key is not known',
        attempt: () => connect(web(), [fra({ knownHosts: known() })]),
        facts: 'bastion-failed handshake',
        says: /^bastion fra: .*host-key-unknown/,
        advice: /fleet-health trust fra/,
      },
      {
        what: 'a bastion that is not there',
        attempt: () => on((port) => connect(web(), [fra({}, { port })])),
        facts: 'bastion-failed connect',
        says: /^bastion fra: .*refused \(connect-refused\)/,
      },
      {
        what: 'a second bastion that the first cannot reach',
        attempt: () => on((port) => connect(web({ proxyJump: 'ber' }), [fra(), ber({}, { port })])),
        facts: 'bastion-failed',
        says: /^bastion ber: .*dialled by bastion fra: Connection refused \(connect-refused\)/,
      },
      {
        what: 'a client that is not there',
        attempt: () => on((port) => connect(web({}, { port }), [fra()])),
        facts: 'connect-refused connect',
        says: /dialled by bastion fra: Connection refused/,
      },
      {
        what: 'a client that refuses the login',
        attempt: () => connect(web({ privateKey: keyOf('jump') }), [fra()]),
        facts: 'auth-failed login',
        says: /./,
      },
      {
        what: 'a client that shows another key',
        attempt: () => connect(web({ knownHosts: known(nameLine('web-1', target, jump)) }), [fra()]),
        facts: 'host-key-changed handshake',
        says: new RegExp(`\\[web-1\\]:${target.port} shows`),
      },
    ];
    for (const { what, attempt, facts, says, advice = /^/ } of isWide ? refusals : refusals.slice(0, 1)) {
      it(what, async () => assert.match((await fails(attempt(), facts, says)).advice, advice));
    }
    const otherFra = async (options: SshdOptions = {}) => {
      const sshd = await sshdOfSuite(options);
      const account = await sshd.addAccount({ publicKey: readFileSync(`${keyOf('jump')}.pub`, 'utf8').trim() });
      const own = { username: account.name, knownHosts: known(sshd.hostKeyLine()) };
      return { account, bastion: fra(own, { port: sshd.port }) };
    };
    it('a bastion that does not forward', { skip: skipUnlessWide }, async () => {
      const { bastion } = await otherFra({ config: ['AllowTcpForwarding no'] });
      const says = /^bastion fra: it does not forward to 127\.0\.0\.1:\d+: .*channel-failed/;
      const { advice } = await fails(connect(web(), [bastion]), 'bastion-failed', says);
      assert.match(advice, /AllowTcpForwarding/);
    });
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
    if (isWide) describe('and of those that answer otherwise', rarerFaults);
    function rarerFaults(): void {
      it('the middle one of three shows another key: it is sent nothing, and nothing behind is dialled', async () => {
        const tries = attempts(second);
        const comers = target.count(/^Connection from /gm);
        const own = { username: guest.name, privateKey: keyOf('guest'), proxyJump: 'ber' };
        const last = sshBastion('par', own, { address: '127.0.0.1', port: target.port });
        const wrong = ber({ knownHosts: known(nameLine('ber', second, target)) });
        const attempt = connect(web({ proxyJump: 'par' }), [fra(), wrong, last]);
        const says = /^bastion ber: .*shows ED25519 SHA256:.* says ED25519 SHA256:.*host-key-changed/;
        await fails(attempt, 'bastion-failed handshake', says);
        assert.equal(attempts(second), tries);
        assert.equal(target.count(/^Connection from /gm), comers);
      });
      it('a bastion that does not answer', async () => {
        const { port } = await stoppedAfter(startDeafListener());
        const late = connect(web(), [fra({}, { port })], { tcpTimeoutMs: 5000, connectTimeoutMs: 600 });
        await fails(
          late,
          'bastion-failed connect',
          /^bastion fra: no answer from .* within 1200 ms \(connect-timeout\)/,
        );
      });
      it('a bastion or a client that says nothing', async () => {
        const { port } = await stoppedAfter(listen(() => undefined));
        const limits = { tcpTimeoutMs: 400, connectTimeoutMs: 1500 };
        const attempt = connect(web(), [fra({}, { port })], { ...limits, tcpTimeoutMs: 5000 });
        await fails(attempt, 'bastion-failed handshake', /^bastion fra: .*3000 ms \(handshake-timeout\)/);
        await fails(connect(web({}, { port }), [fra()], limits), 'handshake-timeout handshake');
      });
      /** Kills the server processes of an account. Spares its commands, because sshd would report their end. */
      const killServersOf = ({ uid }: SshdAccount): void => {
        for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
          if (statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== uid) continue;
          if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd')) process.kill(Number(pid), 'SIGKILL');
        }
      };
      it('a bastion that goes away while the client is being read', async () => {
        const { account, bastion } = await otherFra();
        const connection = await connect(web(), [bastion]);
        const channel = await connection.exec('exec sleep 60');
        killServersOf(account);
        await fails(channel.exit, 'bastion-failed', /^bastion fra: the connection broke/);
      });
      it('a client that goes away while it is being read', async () => {
        const connection = await connect(web(), [fra()]);
        const channel = await connection.exec('exec sleep 60');
        killServersOf(guest);
        await fails(channel.exit, 'connect-failed');
      });
    }
  });
});
