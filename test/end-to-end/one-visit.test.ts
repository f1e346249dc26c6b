import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { isWide } from '../support/long-tests.ts';
import { sshdMissing, sshKeygen, type Sshd, sshdOfSuite } from '../support/ssh/sshd.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';
import { pluck } from '../support/pluck.ts';

const skip = sshdMissing() ?? false;
const shells = ['/bin/dash', '/usr/bin/fish', ...(isWide ? ['/bin/bash', '/bin/zsh', '/bin/tcsh'] : [])];

suite('one visit, seen from the server', { skip }, async () => {
  const sshd = await sshdOfSuite();
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');

  for (const kind of databaseKinds()) {
    test(
      `is one connection and one exec once the agent is there, whatever the login shell (${kind.name})`,
      { skip: kind.skip },
      async (t) => {
        const accounts = await Promise.all(shells.map((shell) => sshd.addAccount({ shell, publicKey: key.publicKey })));
        const clients = accounts.map(
          ({ name }, index) =>
            `<client name="${path.basename(shells[index] ?? '')}" ip="127.0.0.${index + 1}" port="${sshd.port}" ` +
            `username="${name}"/>`,
        );
        // Accounts that other tests add change the state.
        const settings = `<collector changes="no"/><ssh privateKey="${key.privateKey}"/>`;
        const site = await kind.site(t, `${settings}\n${clients.join('\n')}`);
        assert.equal((await site.run('trust', '--yes')).status, 0);
        const first = await site.run('collect');
        assert.deepEqual([first.status, first.stderr], [0, ''], first.stdout);

        const keyed = readFileSync(path.join(site.dir, 'state', 'key-logins'), 'utf8')
          .trim()
          .split('\n')
          .sort();
        assert.deepEqual(keyed, shells.map((shell) => JSON.stringify(path.basename(shell))).sort());

        const names = accounts.map(({ name }) => name);
        const before = countAtServer(sshd, names);
        const second = await site.run('collect');
        assert.deepEqual([second.status, second.stderr], [0, ''], second.stdout);
        const counted = countAtServer(sshd, names);
        assert.deepEqual(
          { logins: counted.logins - before.logins, commands: counted.commands - before.commands },
          { logins: shells.length, commands: shells.length },
        );

        for (const { home, uid } of accounts) {
          const state = path.join(home, '.local', 'state', 'fleet-health');
          const left = listing(state).map((line) => line.replaceAll(/[0-9a-f-]{32,64}/g, 'ID'));
          const wrong = left.filter((line) => !/^\S+\/ 700$|^\S+(\.cjs|counters\.json|running) 600$/.test(line));
          assert.deepEqual(wrong, [], left.join('\n'));
          assert.equal(left.filter((line) => line.includes('.cjs')).length, 2, left.join('\n'));
          await untilNothingRuns(uid);
        }
        const inventory = await site.rows('SELECT client FROM inventory ORDER BY client');
        assert.deepEqual(pluck(inventory, 'client'), shells.map((shell) => path.basename(shell)).sort());
        assert.equal((await site.rows('SELECT id FROM stats')).length, 2 * shells.length);
      },
    );
  }
});

function countAtServer(sshd: Sshd, names: readonly string[]): { readonly logins: number; readonly commands: number } {
  const count = (before: string, after: string): number =>
    names.reduce((sum, name) => sum + sshd.count(new RegExp(`${before}${name}${after}`, 'g')), 0);
  return { logins: count('Accepted publickey for ', ' '), commands: count('Starting session: command for ', ' ') };
}

/** Waits until no process of a user runs. The agent ends when its input does, perhaps after the collector. */
async function untilNothingRuns(uid: number): Promise<void> {
  const until = Date.now() + 60_000;
  for (let left = processesOf(uid); left.length > 0; left = processesOf(uid)) {
    assert.ok(Date.now() < until, `still running: ${left.join('; ')}`);
    await sleep(20);
  }
}

/** Returns the processes of a user, without sshd's own and without zombies. */
function processesOf(uid: number): readonly string[] {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,args=', '-u', String(uid)], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '' && !/^Z|^\S+\s+sshd/.test(line));
}
