// Second tier: a server for each of many clients.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import { generateHostKey, startLoopbackServer, type LoopbackServer } from '../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../src/transport/credentials/private-key.ts';
import { scanHostKeys } from '../../src/transport/ssh2/scan-host-keys.ts';
import type { Connection } from '../../src/transport/transport.ts';
import { connectTo, fails, login, refused, type TestServer } from '../support/ssh/login.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

describe('the loopback server', async () => {
  const password = 'demo password';
  const key = decodeLoginKey(generateHostKey(), null);
  const home = realpathSync(tempFolder());
  const publicKey = `ssh-ed25519 ${key.publicBlob.toString('base64')} demo`;
  const loopback = await stoppedAfter(startLoopbackServer({ username: 'demo', password, publicKey, home }));
  const server = asTestServer(loopback);
  before(() => (process.env['FH_TEST_SECRET'] = 'not for commands'));
  after(() => delete process.env['FH_TEST_SECRET']);

  const connect = (): Promise<Connection> => connectTo({ server, username: 'demo', credentials: { password } });
  const output = async (command: string): Promise<string> => {
    const connection = await connect();
    const channel = await connection.exec(command);
    const printed = await text(channel.stdout);
    await connection.leave();
    return printed;
  };

  it('takes the right password and the right key', async () => {
    const [connections, execs] = [loopback.connections(), loopback.execs()];
    await login({ server, username: 'demo', credentials: { password } });
    await login({ server, username: 'demo', credentials: { key } });
    assert.deepEqual([loopback.connections(), loopback.execs()], [connections + 2, execs + 2]);
  });

  it('refuses everything else', async () => {
    const other = decodeLoginKey(generateHostKey(), null);
    await refused({ server, username: 'demo', credentials: { password: 'wrong' } }, 'auth-failed', /refused/);
    await refused({ server, username: 'demo', credentials: { password: '' } }, 'auth-failed', /refused/);
    await refused({ server, username: 'other', credentials: { password } }, 'auth-failed', /refused/);
    await refused({ server, username: 'other', credentials: { key } }, 'auth-failed', /refused/);
    await refused({ server, username: 'demo', credentials: { key: other } }, 'auth-failed', /refused/);
  });

  it('without a password takes no password, not even an empty one', async () => {
    const keyless = await startLoopbackServer({ username: 'demo', home });
    for (const guess of ['', 'null', 'undefined']) {
      const attempt = { server: asTestServer(keyless), username: 'demo', credentials: { password: guess } };
      await refused(attempt, 'auth-failed', /refused/);
    }
    await keyless.close();
  });

  it('takes no key whose holder does not sign', async () => {
    const usable = decodeLoginKey(generateHostKey(), null).usable;
    assert.ok(usable);
    usable.getPublicSSH = () => key.publicBlob;
    const forged = { ...key, usable };
    await refused({ server, username: 'demo', credentials: { key: forged } }, 'auth-failed', /refused/);
  });

  it('runs commands in a real shell, in the home, with an environment of their own', async () => {
    const lines = (await output('echo "$HOME" && pwd && echo "$USER $(( 6 * 7 ))" && env')).split('\n');
    assert.deepEqual(lines.slice(0, 3), [home, home, 'demo 42']);
    assert.ok(!lines.some((line) => line.startsWith('FH_TEST_SECRET')), lines.join(' '));
  });

  it('hands on exit status, signal and standard error', async () => {
    const connection = await connect();
    const failing = await connection.exec('echo oops >&2; exit 3');
    failing.stdout.resume();
    assert.equal(await text(failing.stderr), 'oops\n');
    assert.deepEqual(await failing.exit, { status: 3, signal: null });
    const killed = await connection.exec('kill -KILL $$');
    killed.stdout.resume();
    assert.deepEqual(await killed.exit, { status: null, signal: 'SIGKILL' });
    await connection.leave();
  });

  it('a client that leaves has its last input read to the end', async () => {
    for (let round = 0; round < 20; round += 1) {
      const connection = await connect();
      const channel = await connection.exec('echo go; cat > part; mv part whole');
      await new Promise((resolve) => channel.stdout.once('data', resolve));
      channel.stdin.write(`acknowledged ${round}`);
      await connection.leave();
      await until(() => existsSync(path.join(home, 'whole')), 'the input was not read');
      assert.equal(readFileSync(path.join(home, 'whole'), 'utf8'), `acknowledged ${round}`);
      rmSync(path.join(home, 'whole'));
    }
  });

  it('has the host key that it says, and keeps one that it is given', async () => {
    const hostKey = generateHostKey();
    const kept = await startLoopbackServer({ username: 'demo', home, hostKey });
    const again = await startLoopbackServer({ username: 'demo', home, hostKey });
    assert.equal(kept.fingerprint, again.fingerprint);
    const signal = new AbortController().signal;
    const scanned = await scanHostKeys({ host: '127.0.0.1', port: kept.port, timeoutMs: 60_000, signal });
    const fingerprints = scanned.map(({ fingerprint }) => fingerprint);
    assert.deepEqual(fingerprints, [kept.fingerprint]);
    await Promise.all([kept.close(), again.close()]);
  });

  it('close ends commands and connections', async () => {
    const own = await startLoopbackServer({ username: 'demo', password, home });
    const connection = await connectTo({ server: asTestServer(own), username: 'demo', credentials: { password } });
    const channel = await connection.exec('echo $$; exec sleep 60');
    const pid = Number(await new Promise((resolve) => channel.stdout.once('data', resolve)));
    await own.close();
    await fails(channel.exit, 'connect-failed');
    await until(() => !existsSync(`/proc/${pid}`), 'the command goes on');
    await fails(login({ server, username: 'demo', credentials: {} }), 'credentials-unusable');
  });
});

function asTestServer({ port, hostKey }: LoopbackServer): TestServer {
  return { port, hostKeyLine: (address = '127.0.0.1') => `[${address}]:${port} ${hostKey.type} ${hostKey.key}` };
}
