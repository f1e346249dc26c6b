// Second tier: the whole table of attacks once more.
/** The line of `authorize` as dropbear reads it. Its authorized_keys is in the account's home. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { configFolder, runBuilt } from '../support/run-cli.ts';
import { attacksWith, owned, shellStart, visitCommand } from '../support/restricted-key.ts';
import { dropbearMissing, startDropbear } from '../support/dropbear.ts';
import { pluckAll } from '../support/pluck.ts';
import { sshKeygen } from '../support/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

suite('a restricted key at dropbear', { skip: dropbearMissing() ?? false }, async () => {
  const dropbear = await stoppedAfter(startDropbear());
  const { port } = dropbear;

  for (const agent of ['node', 'shell'] as const) {
    test(`lets visits pass, and nothing else: the agent of ${agent}`, async (t) => {
      const account = await dropbear.addAccount();
      // dropbear refuses an authorized_keys below a home that others could write to.
      chmodSync(account.home, 0o755);
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
