// Second tier: the whole table of attacks once more.
/** The line of `authorize` as dropbear reads it. Its authorized_keys is in the account's home. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { configFolder, runBuilt } from '../support/run-cli.ts';
import { attacksWith, owned, shellStart, visitCommand } from '../support/restricted-key.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../support/sshd.ts';
import { freePort } from '../support/free-port.ts';
import { pluckAll } from '../support/pluck.ts';

const dropbear = '/usr/sbin/dropbear';
const skip = sshdMissing() ?? (existsSync(dropbear) ? false : 'needs dropbear');

suite('a restricted key at dropbear', { skip }, async () => {
  // The accounts alone are needed; the server is dropbear.
  const sshd = await sshdOfSuite();

  for (const agent of ['node', 'shell'] as const) {
    test(`lets visits pass, and nothing else: the agent of ${agent}`, async (t) => {
      const account = await sshd.addAccount();
      // dropbear refuses an authorized_keys below a home that others could write to.
      chmodSync(account.home, 0o755);
      const port = await startDropbear(t.signal, path.join(sshd.dir, agent));
      const dir = configFolder(
        t,
        `<config><client name="web-1" ip="127.0.0.1" port="${port}" username="${account.name}" ` +
          'privateKey="key"/></config>',
      );
      // The longest possible line.
      const { privateKey } = sshKeygen(path.join(dir, 'key'), '-t', 'rsa', '-b', '4096');
      const run = (...args: readonly string[]) => runBuilt(args, { cwd: dir });
      assert.equal((await run('trust', '--yes')).status, 0);
      const { stdout: script } = await run('authorize', 'web-1', '--agent', agent, '--script');
      const env = { HOME: account.home, PATH: '/usr/bin:/bin' };
      const { uid } = account;
      assert.equal(spawnSync('sh', [], { input: script, env, uid, gid: uid, cwd: '/' }).status, 0);
      for (let visit = 1; visit <= 2; visit += 1) {
        const { status, stdout, stderr } = await run('--json', 'collect');
        assert.equal(status, 0, stdout + stderr);
        const { visits } = JSON.parse(stdout) as { visits: { reader: string; uploaded: boolean }[] };
        assert.deepEqual(pluckAll(visits, 'reader', 'uploaded'), [[agent, false]]);
      }
      const ssh = (...args: readonly string[]) => {
        const known = `UserKnownHostsFile=${path.join(dir, 'state/known_hosts')}`;
        const common = ['-F', 'none', '-i', privateKey, '-p', String(port), '-o', 'BatchMode=yes', '-o', known];
        const options = { encoding: 'utf8', input: '', timeout: 60_000 } as const;
        return spawnSync('ssh', [...common, '-l', account.name, ...args], options);
      };
      // dropbear ends a session whose command is longer than this many bytes.
      const all = attacksWith(visitCommand({}, agent === 'shell' ? shellStart : null));
      const attacks = all.filter((command) => command.length < 8000);
      for (const command of [...attacks, '"', "'; id; '"]) {
        const { status, stdout, stderr } = ssh('127.0.0.1', '--', command);
        assert.deepEqual([status, stdout], [84, ''], `${command}\n${stderr}`);
      }
      assert.equal(existsSync(owned), false);
      assert.notEqual(ssh('-o', 'ExitOnForwardFailure=yes', '-W', `127.0.0.1:${port}`, '127.0.0.1').status, 0);
    });
  }
});

/** Starts dropbear. Its host key is in `FILE.key`, its pid in `FILE.pid`. Returns the port. */
async function startDropbear(signal: AbortSignal, file: string): Promise<number> {
  const hostKey = `${file}.key`;
  assert.equal(spawnSync('dropbearkey', ['-t', 'ed25519', '-f', hostKey]).status, 0);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn(dropbear, ['-F', '-r', hostKey, '-p', `127.0.0.1:${port}`, '-P', `${file}.pid`], {
      stdio: 'ignore',
      signal,
    });
    child.on('error', () => undefined);
    const started = await Promise.race([once(child, 'exit').then(() => false), isOpen(port).then(() => true)]);
    if (started) return port;
    assert.ok(attempt < 5, 'dropbear does not start');
  }
}

async function isOpen(port: number): Promise<void> {
  const open = (): boolean => spawnSync('ssh-keyscan', ['-T', '1', '-p', String(port), '127.0.0.1']).stdout.length > 0;
  while (!open()) await sleep(50);
}
