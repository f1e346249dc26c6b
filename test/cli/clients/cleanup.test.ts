// Second tier: installs and removes all there is, through sshd and several shells.
/** `cleanup` on a real sshd: the removed and the kept files. No report is lost, and no link is followed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { takeLock } from '../../../src/state-folder/lock.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { isWide } from '../../support/long-tests.ts';
import { restrict } from '../../support/ssh/restricted-key.ts';
import { configFolder, exits, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { sshdMissing, sshKeygen, type SshdAccount, sshdOfSuite } from '../../support/ssh/sshd.ts';
import { databaseKinds, listing } from '../../end-to-end/support/whole-fleet.ts';
import { pluck } from '../../support/pluck.ts';

const shells = ['/bin/sh', '/bin/bash', '/usr/bin/fish', '/bin/zsh', '/bin/tcsh', '/bin/mksh'];
const rare = { skip: isWide ? false : 'in the second tier' };

suite('cleanup', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite();
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');
  const [sqlite] = databaseKinds(false);
  assert.ok(sqlite);

  async function collector(t: TestContext, account: SshdAccount, attributes = '') {
    const login = `username="${account.name}" privateKey="${key.privateKey}" ${attributes}`;
    const client = `<client name="web-1" ip="127.0.0.1" port="${sshd.port}" ${login}/>`;
    const dir = configFolder(t, `<config>${client}</config>`);
    await makeInventoriedIn(path.join(dir, 'state'), 'web-1');
    writeFileSync(path.join(dir, 'state/known_hosts'), `${sshd.hostKeyLine()}\n`);
    return {
      dir,
      id: () => readFileSync(path.join(dir, 'state/collector-id'), 'utf8').trim(),
      run: (...args: readonly string[]) => runCli(args, { cwd: dir }),
      reports: () => {
        const database = openSqlite(path.join(dir, 'state/fleet.db'), { readOnly: true });
        try {
          return database.prepare('SELECT id FROM stats').all().length;
        } finally {
          database.close();
        }
      },
    };
  }

  const addAccount = (shell = '/bin/sh'): Promise<SshdAccount> => sshd.addAccount({ publicKey: key.publicKey, shell });
  const placeOf = (account: SshdAccount): string => path.join(account.home, '.local/state/fleet-health');

  /** Returns a new account after its first visit by a collector. */
  async function visited(t: TestContext, ...options: readonly string[]) {
    const account = await addAccount();
    const own = await collector(t, account);
    assert.equal((await own.run('collect', ...options)).status, 0);
    const place = placeOf(account);
    return { ...own, account, place, machine: readdirSync(place)[0] ?? '' };
  }

  for (const shell of isWide ? shells : shells.slice(0, 1)) {
    test(`removes all there is, through ${shell}`, { skip: existsSync(shell) ? false : 'not installed' }, async (t) => {
      const account = await addAccount(shell);
      const { run } = await collector(t, account);
      assert.equal((await run('collect')).status, 0);
      const stdout = await succeeded(run('cleanup', '--yes'));
      assert.match(stdout, /^web-1: \d+ KiB removed\n {2}\/\S+\/fleet-health\/\S+ {2}\d+ KiB\n\nThe next collect/);
      assert.deepEqual(listing(path.join(account.home, '.local/state')), []);
      assert.equal((await run('cleanup', '--yes')).stdout, 'web-1: nothing there\n');
    });
  }

  test('with --json, from every place', rare, async (t) => {
    const { account, place, machine, run, id } = await visited(t);
    const places = [`/var/tmp/fleet-health-${account.uid}`, `/dev/shm/fleet-health-${account.uid}`];
    for (const place of places) {
      mkdirSync(path.join(place, machine, id(), 'x'.repeat(32)), { recursive: true });
      t.after(() => rmSync(place, { recursive: true, force: true }));
      spawnSync('chown', ['-R', account.name, place]);
    }
    const { status, stdout } = await run('cleanup', 'web-1', '--yes', '--json');
    assert.equal(status, 0);
    const document = JSON.parse(stdout) as { clients: { removed: { path: string; size_bytes: number }[] }[] };
    const [cleaned] = document.clients;
    assert.ok(cleaned);
    assert.deepEqual(
      pluck(cleaned.removed, 'path'),
      [place, ...places].map((place) => path.join(place, machine, id())),
    );
    assert.ok((cleaned.removed[0]?.size_bytes ?? 0) > 40_000);
    for (const one of [place, ...places]) assert.equal(existsSync(one), false, one);
  });

  for (const state of ['active', 'retired']) {
    test(`brings home what waits before it removes anything (${state})`, rare, async (t) => {
      const { place, dir, run, reports } = await visited(t, '--dry-run');
      const config = path.join(dir, 'config.xml');
      writeFileSync(config, readFileSync(config, 'utf8').replace('<client', `<client state="${state}"`));
      const { status, stdout } = await run('cleanup', 'web-1', '--yes');
      assert.equal(status, 0, stdout);
      assert.equal(existsSync(place), false);
      assert.equal(reports(), 2);
    });
  }

  test('what cannot be brought home stays, and with it everything; --force loses it', async (t) => {
    const { place, dir, run } = await visited(t, '--dry-run');
    // Without the keys nobody can open the report, so it is never acknowledged.
    for (const name of ['keys', 'public_keys']) rmSync(path.join(dir, 'state', name), { recursive: true });
    await exits(1, run('cleanup', '--yes'), {
      stdout: /1 sealed report could not be brought home, so nothing was removed; --force loses them/,
    });
    assert.equal(listing(place).filter((line) => line.includes('.fhs')).length, 1);
    assert.equal((await run('cleanup', '--yes', '--force')).status, 0);
    assert.equal(existsSync(place), false);
  });

  test('what another collector keeps goes with --all alone, and its reports with --force alone', rare, async (t) => {
    const account = await addAccount();
    const [mine, theirs] = [await collector(t, account), await collector(t, account)];
    for (const { run } of [mine, theirs]) assert.equal((await run('collect', '--dry-run')).status, 0);
    const [machine = ''] = readdirSync(placeOf(account));
    mkdirSync(path.join(placeOf(account), machine, 'runtimes'));
    spawnSync('chown', [account.name, path.join(placeOf(account), machine, 'runtimes')]);
    assert.equal((await mine.run('cleanup', '--yes')).status, 0);
    assert.deepEqual(readdirSync(path.join(placeOf(account), machine)), [theirs.id(), 'runtimes'].sort());
    await exits(1, mine.run('cleanup', '--yes', '--all'), {
      stdout: /1 sealed report of other collectors could not be brought home/,
    });
    assert.equal((await mine.run('cleanup', '--yes', '--all', '--force')).status, 0);
    assert.equal(existsSync(placeOf(account)), false);
  });

  for (const [depth, level] of ['the place', 'the machine’s folder', 'the collector’s folder'].entries()) {
    test(`a symbolic link as ${level} is not followed`, rare, async (t) => {
      const { account, place, machine, run, id } = await visited(t);
      const link = path.join(place, ...[machine, id()].slice(0, depth));
      const elsewhere = path.join(account.home, 'elsewhere');
      renameSync(link, elsewhere);
      symlinkSync(elsewhere, link);
      const before = listing(elsewhere);
      assert.ok(before.length > 2);
      await run('cleanup', '--yes', '--force');
      assert.deepEqual(listing(elsewhere), before);
    });
  }

  test('links inside go, what they point to stays', rare, async (t) => {
    const { account, place, machine, run, id } = await visited(t);
    const precious = path.join(account.home, 'precious');
    mkdirSync(precious);
    writeFileSync(path.join(precious, 'file'), 'x');
    spawnSync('chown', ['-R', account.name, precious]);
    symlinkSync(precious, path.join(place, machine, id(), 'link'));
    assert.equal((await run('cleanup', '--yes')).status, 0);
    assert.equal(readFileSync(path.join(precious, 'file'), 'utf8'), 'x');
    assert.equal(existsSync(place), false);
  });

  test('folders of somebody else stay, and are reported where they hinder', rare, async (t) => {
    const { place, machine, run, id } = await visited(t);
    const foreign = path.join(place, machine, id(), 'foreign');
    mkdirSync(foreign);
    writeFileSync(path.join(foreign, 'file'), 'x');
    await exits(1, run('cleanup', '--yes'), { stdout: /not everything could be removed\n {2}\S+ {2}is left/ });
    assert.equal(existsSync(path.join(foreign, 'file')), true);
  });

  test('asks first, and says how where nobody can be asked', rare, async (t) => {
    const { place, run } = await visited(t);
    await exits(2, run('cleanup'), /no terminal to ask on.*--yes/s);
    assert.equal(existsSync(place), true);
  });

  test('does nothing while a run of the collector goes on', async (t) => {
    const { place, dir, run } = await visited(t);
    const lock = await takeLock({ file: path.join(dir, 'state/lock.db'), nowMs: Date.now() });
    assert.equal(lock.kind, 'held');
    t.after(() => lock.release());
    await exits(3, run('cleanup', '--yes'), /a collect is running \(process \d+\).*\(locked\)/s);
    assert.equal(existsSync(place), true);
  });

  test('through a restricted key nothing can be removed, and it says so', rare, async (t) => {
    const { site, account } = await restrict(sshd, await sqlite.site(t, ''));
    assert.equal((await site.run('collect')).status, 0);
    await exits(1, site.run('cleanup', '--yes'), {
      stdout: /web-1: restricted-key {2}the restricted key runs nothing but its agent.* docs\/installation\.md/,
    });
    assert.equal(existsSync(placeOf(account)), true);
  });

  test('a client that cannot be reached is a line, and the others are cleaned up', rare, async (t) => {
    const { place, dir, run } = await visited(t);
    const config = path.join(dir, 'config.xml');
    const gone = '<client name="gone" ip="127.0.0.2" port="1" username="x" password="x"/></config>';
    writeFileSync(config, readFileSync(config, 'utf8').replace('</config>', gone));
    const { stdout } = await exits(1, run('cleanup', '--yes'), { stdout: /^web-1: \d+ KiB removed$/m });
    assert.match(stdout, /^gone: connect-refused/m);
    assert.equal(existsSync(place), false);
  });
});
