import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError } from '../../../src/errors.ts';
import { hostName, parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { loadPrivateKey } from '../../../src/transport/credentials/private-key.ts';
import { createSshTransport } from '../../../src/transport/ssh2/ssh.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd, type SshdAccount } from '../../support/sshd.ts';

const skip = sshdMissing() ?? false;

describe('ssh to a real OpenSSH server', { skip }, () => {
  let sshd: Sshd;
  let account: SshdAccount;
  let key: { privateKey: string; publicKey: string };
  before(async () => {
    sshd = await startSshd();
    key = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
    account = await sshd.addAccount({ shell: '/bin/bash', publicKey: key.publicKey });
  });
  after(() => sshd.stop());

  const connect = (username: string, signal = new AbortController().signal): Promise<Connection> =>
    createSshTransport({
      client: 'web-1',
      address: '127.0.0.1',
      port: sshd.port,
      username,
      knownAs: hostName('127.0.0.1', sshd.port),
      knownHosts: parseKnownHosts(`${sshd.hostKeyLine()}\n`, '/nowhere/known_hosts'),
      policy: 'strict',
      credentials: () => {
        const keys = [loadPrivateKey(key.privateKey, null)];
        return { password: null, keys, agent: null, problem: null, certificates: [] };
      },
    }).connect({ tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal });

  for (const shell of ['/bin/bash', '/bin/dash', '/usr/bin/fish', '/bin/zsh', '/bin/tcsh']) {
    it(`runs a command under ${path.basename(shell)}`, async () => {
      const { name } = await sshd.addAccount({ shell, publicKey: key.publicKey });
      const connection = await connect(name);
      const channel = await connection.exec('echo ok');
      assert.equal(await text(channel.stdout), 'ok\n');
      assert.deepEqual(await channel.exit, { status: 0, signal: null });
      await connection.leave();
    });
  }

  it('carries input, output, errors and the exit status, byte for byte', async () => {
    const connection = await connect(account.name);
    const channel = await connection.exec('cat; echo oops >&2; exit 7');
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index & 255));
    channel.stdin.end(sent);
    const [received, errors, exit] = await Promise.all([buffer(channel.stdout), text(channel.stderr), channel.exit]);
    assert.ok(received.equals(sent));
    assert.equal(errors, 'oops\n');
    assert.deepEqual(exit, { status: 7, signal: null });
    assert.ok(connection.connectMs > 0 && connection.connectMs < 10_000);
    const bytes = connection.bytes();
    assert.ok(bytes.in > 100_000 && bytes.out > 100_000 && bytes.in < 130_000, JSON.stringify(bytes));
    await connection.leave();
  });

  it('says by which signal a command ended', async () => {
    const connection = await connect(account.name);
    const channel = await connection.exec('kill -TERM $$');
    channel.stdout.resume();
    assert.deepEqual(await channel.exit, { status: null, signal: 'SIGTERM' });
    await connection.leave();
  });

  it('runs several commands over one connection, one login for all', async () => {
    const logins = sshd.count(/Accepted publickey/g);
    const connection = await connect(account.name);
    for (const word of ['one', 'two', 'three']) {
      const channel = await connection.exec(`echo ${word}`);
      assert.equal(await text(channel.stdout), `${word}\n`);
    }
    await connection.leave();
    assert.equal(sshd.count(/Accepted publickey/g), logins + 1);
  });

  it('destroy in the middle: the exit rejects, the streams end, sshd ends the session', async () => {
    const connection = await connect(account.name);
    const channel = await connection.exec('echo started; exec cat');
    await new Promise((resolve) => channel.stdout.once('data', resolve));
    const ended = buffer(channel.stdout);
    const closed = sshd.count(/Closing connection to|Connection (?:closed|reset) by/g);
    connection.destroy();
    connection.destroy();
    await assert.rejects(channel.exit, (error) => error instanceof FleetError && error.code === 'connect-failed');
    await ended;
    await assert.rejects(connection.exec('true'), (error) => error instanceof FleetError);
    await connection.leave();
    const ends = (): number => sshd.count(/Closing connection to|Connection (?:closed|reset) by/g);
    for (let wait = 0; wait < 500 && ends() === closed; wait += 1) await sleep(10);
    assert.ok(ends() > closed, 'sshd still holds the session');
  });

  it('an aborted visit in the middle of a command ends it with the reason', async () => {
    const visit = new AbortController();
    const connection = await connect(account.name, visit.signal);
    const channel = await connection.exec('exec sleep 60');
    visit.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' }));
    await assert.rejects(channel.exit, (error) => error instanceof FleetError && error.code === 'interrupted');
    assert.equal(await text(channel.stdout), '');
  });

  it('leave loses nothing of what was written, and cuts no connection off', async () => {
    const rounds = 150;
    const dir = `${account.home}/acks`;
    const mkdir = await connect(account.name);
    const made = await mkdir.exec(`mkdir ${dir}`);
    assert.equal((await made.exit).status, 0);
    await mkdir.leave();

    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < rounds) {
        const round = next++;
        const visit = new AbortController();
        const connection = await connect(account.name, visit.signal);
        const channel = await connection.exec(
          `echo go; cat > ${dir}/${round}; mv ${dir}/${round} ${dir}/${round}.done`,
        );
        await new Promise((resolve) => channel.stdout.once('data', resolve));
        channel.stdin.write(`ack ${String(round).padStart(11)}\n`);
        await connection.leave();
        // A cleanup often aborts a visit that has ended: the abort must not reach bytes that are still being sent.
        visit.abort();
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    const names = Array.from({ length: rounds }, (_, round) => `${round}.done`);
    for (
      let wait = 0;
      wait < 500 && readdirSync(dir).filter((name) => name.endsWith('.done')).length < rounds;
      wait += 1
    ) {
      await sleep(10);
    }
    assert.deepEqual(readdirSync(dir).sort(), names.sort());
    const wrong = names.filter(
      (name) => readFileSync(`${dir}/${name}`, 'utf8').trim() !== `ack ${name.slice(0, -5).padStart(11)}`,
    );
    assert.deepEqual(wrong, []);
  });
});
