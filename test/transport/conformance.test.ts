/**
 * The requirements for every transport on every server: the same tests over ssh2 and OpenSSH, to OpenSSH and dropbear.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import { FleetError } from '../../src/platform/errors/errors.ts';
import type { Connection, ConnectOptions } from '../../src/transport/transport.ts';
import { isWide } from '../support/long-tests.ts';
import { sshServers } from '../support/ssh/ssh-servers.ts';
import { sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { until } from '../support/until.ts';
import { connectBy, noChildLeft, targetAt, transports } from '../support/ssh/both-transports.ts';

for (const { name, missing, start, login, ended } of isWide ? sshServers : sshServers.slice(0, 1)) {
  for (const transport of isWide ? transports : (['ssh2'] as const)) {
    describe(`${transport} to ${name}`, { skip: missing ?? false }, async () => {
      const server = await stoppedAfter(start());
      const { privateKey, publicKey } = sshKeygen(path.join(server.dir, 'login'), '-t', 'ed25519');
      const account = await server.addAccount({ shell: '/bin/bash', publicKey });
      afterEach(noChildLeft);
      const target = targetAt(server, { username: account.name, privateKey });
      const connect = (options?: Partial<ConnectOptions>): Promise<Connection> => connectBy(transport, target, options);

      it('carries input, output, errors and the exit status, byte for byte', async () => {
        const connection = await connect();
        const channel = await connection.exec('cat; echo oops >&2; exit 7');
        const sent = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index & 255));
        channel.stdin.end(sent);
        const output = Promise.all([buffer(channel.stdout), text(channel.stderr)]);
        const [received, errors] = await output;
        assert.ok(received.equals(sent));
        assert.equal(errors, 'oops\n');
        assert.deepEqual(await channel.exit, { status: 7, signal: null });
        assert.ok(connection.connectMs > 0 && connection.connectMs < 10_000);
        const bytes = connection.bytes();
        assert.ok(bytes.in >= 100_000 && bytes.out >= 100_000 && bytes.in < 130_000, JSON.stringify(bytes));
        await connection.leave();
      });

      it('carries megabytes both ways at once', async () => {
        const connection = await connect();
        const channel = await connection.exec('cat');
        const sent = Buffer.alloc(6 * 1024 * 1024, 'fleet health ');
        channel.stdin.end(sent);
        assert.ok((await buffer(channel.stdout)).equals(sent));
        assert.deepEqual(await channel.exit, { status: 0, signal: null });
        await connection.leave();
      });

      it('half close: the command goes on after its input has ended', async () => {
        const connection = await connect();
        const channel = await connection.exec('cat >/dev/null; sleep 0.2; echo after');
        channel.stdin.end('before');
        assert.equal(await text(channel.stdout), 'after\n');
        assert.deepEqual(await channel.exit, { status: 0, signal: null });
        await connection.leave();
      });

      for (const status of [0, 1, 81, 137, 254, 255]) {
        it(`exit status ${status} is the command's own`, async () => {
          const connection = await connect();
          const channel = await connection.exec(`exit ${status}`);
          assert.deepEqual(await channel.exit, { status, signal: null });
          await connection.leave();
        });
      }

      it('a command that a signal ended has no status', async () => {
        const connection = await connect();
        const channel = await connection.exec('kill -TERM $$');
        channel.stdout.resume();
        const { status, signal } = await channel.exit;
        assert.equal(status, null);
        // OpenSSH's client does not report the signal.
        if (transport === 'ssh2') assert.match(String(signal), /^(?:SIG)?TERM$/);
        else assert.equal(signal, null);
        await connection.leave();
      });

      it('hands a long command line on as it is, whatever it looks like', async () => {
        const connection = await connect();
        const words = ['-v', '$HOME', '%h ~ `id`', '"', ';#', 'x'.repeat(7000)];
        const channel = await connection.exec(`printf '%s\\n' ${words.map((word) => `'${word}'`).join(' ')}`);
        assert.equal(await text(channel.stdout), `${words.join('\n')}\n`);
        await connection.leave();
      });

      it('runs several commands over one connection, one login for all', async () => {
        const logins = server.count(login);
        const connection = await connect();
        for (const word of ['one', 'two', 'three']) {
          const channel = await connection.exec(`echo ${word}; exit 255`);
          assert.equal(await text(channel.stdout), `${word}\n`);
          assert.deepEqual(await channel.exit, { status: 255, signal: null });
        }
        await connection.leave();
        assert.equal(server.count(login), logins + 1);
      });

      it('destroy in the middle: the exit rejects, the streams end, the server ends the session', async () => {
        const connection = await connect();
        const channel = await connection.exec('echo started; exec cat');
        await new Promise((resolve) => channel.stdout.once('data', resolve));
        const output = buffer(channel.stdout);
        const before = server.count(ended);
        connection.destroy();
        connection.destroy();
        await assert.rejects(channel.exit, { code: 'connect-failed' });
        await output;
        await assert.rejects(connection.exec('true'), { code: 'connect-failed' });
        await connection.leave();
        await until(() => server.count(ended) > before, 'the server still holds the session');
      });

      it('an aborted visit in the middle of a command ends it with the reason', async () => {
        const visit = new AbortController();
        const connection = await connect({ signal: visit.signal });
        const channel = await connection.exec('exec sleep 60');
        visit.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'SIGTERM' }));
        await assert.rejects(channel.exit, { code: 'interrupted', stage: 'channel', client: 'web-1' });
        assert.equal(await text(channel.stdout), '');
      });

      it('leaving without a command ends the session', async () => {
        const before = server.count(ended);
        const connection = await connect();
        await connection.leave();
        await until(() => server.count(ended) > before, 'the server still holds the session');
      });

      it('leave loses nothing of what was written, and cuts no connection off', async () => {
        // A loss shows in one round of many. dropbear refuses a sixth login at a time from one address.
        const [rounds, workers] = !isWide ? [20, 6] : transport === 'ssh2' && name === 'OpenSSH' ? [150, 6] : [40, 4];
        const dir = `${account.home}/acks`;
        const mkdir = await connect();
        assert.equal((await (await mkdir.exec(`mkdir ${dir}`)).exit).status, 0);
        await mkdir.leave();
        let next = 0;
        const worker = async (): Promise<void> => {
          while (next < rounds) {
            const round = next++;
            const visit = new AbortController();
            const connection = await connect({ signal: visit.signal });
            const channel = await connection.exec(
              `echo go; cat > ${dir}/${round}; mv ${dir}/${round} ${dir}/${round}.done`,
            );
            await new Promise((resolve) => channel.stdout.once('data', resolve));
            channel.stdin.write(`ack ${round}\n`);
            await connection.leave();
            // A cleanup often aborts a visit that has ended: the abort must not reach bytes that are still being sent.
            visit.abort();
          }
        };
        await Promise.all(Array.from({ length: workers }, worker));
        const names = Array.from({ length: rounds }, (_, round) => `${round}.done`);
        const done = (): string[] => readdirSync(dir).filter((file) => file.endsWith('.done'));
        await until(
          () => done().length === rounds,
          () => `${done().length} of ${rounds} arrived`,
        );
        assert.deepEqual(readdirSync(dir).sort(), names.sort());
        const wrong = names.filter((file) => readFileSync(`${dir}/${file}`, 'utf8') !== `ack ${file.slice(0, -5)}\n`);
        assert.deepEqual(wrong, []);
      });
    });
  }
}
