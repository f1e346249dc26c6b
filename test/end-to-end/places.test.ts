// Second tier: needs several accounts and mounts.
/** The places of an agent's files on accounts as they are found. Each works, or a line names the reason. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { configFolder, runFirstBuilt, succeeded, type CliResult } from '../support/programs/run-cli.ts';
import { sshdMissing, sshKeygen, type SshdAccount, sshdOfSuite } from '../support/ssh/sshd.ts';
import { listing } from './support/whole-fleet.ts';

interface Surroundings {
  readonly account: SshdAccount;
  /** The folder `~/.local/state/fleet-health`. */
  readonly first: string;
  readonly second: string;
  readonly third: string;
  /** Mounts a file system until the test ends. */
  readonly mount: (where: string, ...options: readonly string[]) => void;
  /** Makes folders that belong to the account. */
  readonly make: (...dirs: readonly string[]) => void;
}

interface Case {
  readonly what: string;
  readonly prepare: (surroundings: Surroundings) => void;
  /** The folder of the program after the first visit, or after a second one that uploads it again; null: none. */
  readonly program: keyof Pick<Surroundings, 'first' | 'second' | 'third'> | null;
  /** The expected message of a run about the folder. */
  readonly says?: RegExp;
  /** True if the folder also needs room for the inventory's larger program. */
  readonly takesInventory?: true;
}

/** Makes the second and third folder unusable: they belong to root. */
function only({ second, third }: Surroundings): void {
  for (const dir of [second, third]) fs.mkdirSync(dir);
}

/** Mounts a separate file system on the account's home. */
const ownHome =
  (options: string) =>
  ({ account, mount }: Surroundings) =>
    mount(account.home, '-t', 'tmpfs', '-o', `${options},uid=${account.uid},mode=700`, 'tmpfs');

const cases: readonly Case[] = [
  { what: 'a home without anything', prepare: () => undefined, program: 'first', takesInventory: true },
  {
    what: 'a read-only home',
    prepare: ({ account, mount }) => mount(account.home, '--bind', '-o', 'ro,bind', account.home),
    program: 'second',
  },
  {
    what: 'a home, /var/tmp and /dev/shm that run no programs',
    prepare: ownHome('noexec'),
    program: 'first',
    takesInventory: true,
  },
  {
    what: 'a home with no room for the program',
    prepare: ownHome('size=32k'),
    program: 'second',
    takesInventory: true,
  },
  {
    what: 'a home with room for the program alone',
    prepare: ownHome('size=112k'),
    program: 'first',
    takesInventory: true,
  },
  {
    what: 'a home without inodes',
    prepare: ({ account, mount }) => {
      mount(account.home, '-t', 'tmpfs', '-o', `nr_inodes=3,uid=${account.uid},mode=700`, 'tmpfs');
    },
    program: 'second',
    takesInventory: true,
  },
  {
    what: 'no home at all',
    prepare: ({ account }) => execFileSync('usermod', ['-d', '/nonexistent', account.name], { stdio: 'ignore' }),
    program: 'second',
  },
  {
    what: 'a home of somebody else',
    prepare: ({ account }) => {
      execFileSync('chown', ['root:root', account.home]);
      fs.chmodSync(account.home, 0o755);
    },
    program: 'second',
  },
  {
    what: 'the first place belongs to somebody else',
    prepare: ({ account, first, make }) => {
      make(path.join(account.home, '.local'), path.dirname(first));
      fs.mkdirSync(first, { mode: 0o700 });
    },
    program: 'second',
  },
  {
    what: 'the first place is open to its group',
    prepare: ({ account, first, make }) => {
      make(path.join(account.home, '.local'), path.dirname(first), first);
      fs.chmodSync(first, 0o770);
    },
    program: 'second',
  },
  {
    what: 'the folder above is open to its group, as some systems make it',
    prepare: ({ account, first, make }) => {
      make(path.join(account.home, '.local'), path.dirname(first));
      fs.chmodSync(path.dirname(first), 0o775);
    },
    program: 'first',
  },
  {
    what: 'the first place is a file',
    prepare: ({ account, first, make }) => {
      make(path.join(account.home, '.local'), path.dirname(first));
      fs.writeFileSync(first, '');
    },
    program: 'second',
  },
  {
    what: 'somebody has taken the place in /var/tmp',
    prepare: ({ account, second }) => {
      execFileSync('usermod', ['-d', '/nonexistent', account.name], { stdio: 'ignore' });
      fs.mkdirSync(second);
    },
    program: 'third',
  },
  {
    what: 'nothing can be used: no home, and the rest taken',
    prepare: (surroundings) => {
      execFileSync('usermod', ['-d', '/nonexistent', surroundings.account.name], { stdio: 'ignore' });
      only(surroundings);
    },
    program: null,
    says: /web-1 cannot keep what .*; \/var\/tmp\/fleet-health-\d+ belongs to user 0; \/dev\/shm\/fleet-health-\d+ belongs to user 0/,
  },
  {
    what: 'nothing can be used: a read-only home, and the rest taken',
    prepare: (surroundings) => {
      surroundings.mount(surroundings.account.home, '--bind', '-o', 'ro,bind', surroundings.account.home);
      only(surroundings);
    },
    program: null,
    says: /\.local\/state\/fleet-health cannot be used \(EROFS\); .* belongs to user 0/,
  },
  {
    what: 'nothing can be used: a link, and the rest taken',
    prepare: (surroundings) => {
      surroundings.make(path.join(surroundings.account.home, '.local'), path.dirname(surroundings.first));
      fs.symlinkSync('/tmp', surroundings.first);
      only(surroundings);
    },
    program: null,
    says: /\.local\/state\/fleet-health is a symbolic link; /,
  },
  {
    what: 'a full home, and the rest taken: the program runs, reports are not kept',
    prepare: (surroundings) => {
      const { account, mount } = surroundings;
      mount(account.home, '-t', 'tmpfs', '-o', `size=32k,uid=${account.uid},mode=700`, 'tmpfs');
      fs.writeFileSync(path.join(account.home, 'full'), Buffer.alloc(32 * 1024));
      only(surroundings);
    },
    program: null,
    takesInventory: true,
    says: /web-1 cannot keep what .*(ENOSPC|no space left)/i,
  },
];

suite('places on a client', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite();
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');

  async function surroundingsFor(
    t: TestContext,
    takesInventory = false,
  ): Promise<Surroundings & { readonly run: () => Promise<CliResult> }> {
    const account = await sshd.addAccount({ publicKey: key.publicKey });
    const [second, third] = ['/var/tmp', '/dev/shm'].map((dir) => `${dir}/fleet-health-${account.uid}`) as [
      string,
      string,
    ];
    const removeLocal = (): void => {
      for (const dir of [second, third]) fs.rmSync(dir, { recursive: true, force: true });
    };
    // An earlier account with the same uid may have left files.
    removeLocal();
    const mounts: string[] = [];
    t.after(() => {
      for (const where of mounts.reverse()) spawnSync('umount', ['-l', where]);
      removeLocal();
    });
    const dir = configFolder(
      t,
      `<config><client name="web-1" ip="127.0.0.1" port="${sshd.port}" username="${account.name}" ` +
        `privateKey="${key.privateKey}"/></config>`,
    );
    if (takesInventory) fs.mkdirSync(path.join(dir, 'state'));
    else await makeInventoriedIn(path.join(dir, 'state'), 'web-1');
    fs.writeFileSync(path.join(dir, 'state/known_hosts'), `${sshd.hostKeyLine()}\n`);
    return {
      account,
      first: path.join(account.home, '.local/state/fleet-health'),
      second,
      third,
      mount: (where, ...options) => {
        execFileSync('mount', [...options, where]);
        mounts.push(where);
      },
      make: (...dirs) => {
        for (const made of dirs) fs.mkdirSync(made, { mode: 0o700 });
        execFileSync('chown', [`${account.name}:`, ...dirs]);
      },
      run: () => runFirstBuilt(['collect'], { cwd: dir }),
    };
  }

  for (const { what, prepare, program, says, takesInventory } of cases) {
    test(what, async (t) => {
      const surroundings = await surroundingsFor(t, takesInventory);
      prepare(surroundings);
      for (let visit = 1; visit <= 2; visit += 1) {
        const stdout = await succeeded(surroundings.run());
        assert.match(stdout, says ?? /event=summary/);
        if (says === undefined) assert.doesNotMatch(stdout, /cannot keep/);
        assert.equal(stdout.includes('uploaded=true'), visit === 1 || program === null, stdout);
      }
      for (const place of ['first', 'second', 'third'] as const) {
        const dir = surroundings[place];
        const programs =
          fs.existsSync(dir) && fs.statSync(dir).isDirectory() && !fs.lstatSync(dir).isSymbolicLink()
            ? listing(dir).filter((line) => line.includes('.t.cjs 600'))
            : [];
        // The inventory's larger program may be in a later folder, where there was room.
        if (place === program) assert.notEqual(programs.length, 0, dir);
        if (program === null) assert.deepEqual(programs, [], dir);
      }
    });
  }

  test('a place that another account changes all the while holds nothing of ours that it could reach', async (t) => {
    const surroundings = await surroundingsFor(t);
    const { account, second, third, run } = surroundings;
    execFileSync('usermod', ['-d', '/nonexistent', account.name], { stdio: 'ignore' });
    fs.mkdirSync(third);
    const foreign = await sshd.addAccount({ publicKey: key.publicKey });
    // Anybody could write to the folder that the link points to.
    const trap = path.join(sshd.dir, 'trap');
    fs.mkdirSync(trap);
    fs.chmodSync(trap, 0o777);
    const racing =
      `while :; do ln -s ${trap} ${second}; rm -f ${second}; mkdir -m 777 ${second}; ` +
      `mv ${second} ${second}.x; rmdir ${second} ${second}.x; done 2>/dev/null`;
    const racer = spawn('setpriv', [`--reuid=${foreign.uid}`, '--clear-groups', 'sh', '-c', racing], {
      stdio: 'ignore',
    });
    try {
      for (let visit = 1; visit <= 6; visit += 1) {
        const { status, stdout } = await run();
        assert.equal(status, 0, stdout);
        assert.deepEqual(fs.readdirSync(trap), []);
        const owner = fs.lstatSync(second, { throwIfNoEntry: false });
        if (owner?.uid === account.uid) assert.equal(owner.mode & 0o7777, 0o700);
        fs.rmSync(second, { recursive: true, force: true });
      }
    } finally {
      racer.kill('SIGKILL');
      await once(racer, 'exit');
      for (const left of [second, `${second}.x`]) fs.rmSync(left, { recursive: true, force: true });
    }
  });

  for (const [level, depth] of [
    ['the machine’s folder', 1],
    ['the collector’s folder', 2],
    ['the client’s folder', 3],
  ] as const) {
    test(`a link in place of ${level} is not followed`, async (t) => {
      const surroundings = await surroundingsFor(t);
      const { account, first, second, make, run } = surroundings;
      assert.equal((await run()).status, 0);
      let link = first;
      for (let n = 0; n < depth; n += 1) {
        const [name = ''] = fs.readdirSync(link).filter((entry) => !/\.(cjs|cache)$/.test(entry));
        link = path.join(link, name);
      }
      fs.rmSync(link, { recursive: true });
      const elsewhere = path.join(account.home, 'elsewhere');
      make(elsewhere);
      fs.symlinkSync(elsewhere, link);
      for (let visit = 1; visit <= 2; visit += 1) assert.equal((await run()).status, 0);
      assert.deepEqual(fs.readdirSync(elsewhere), []);
      assert.ok(listing(second).some((line) => line.endsWith('counters.json 600')));
    });
  }
});
