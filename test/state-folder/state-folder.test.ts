import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { statePaths, type StateFolder, type StatePaths } from '../../src/state-folder/paths.ts';
import {
  checkStateFolder,
  claimStateFolder,
  refuseFileOfOthers,
  tryStateFolder,
} from '../../src/state-folder/state-folder.ts';
import { tempFolder } from '../support/temp-folder.ts';

const isRoot = process.getuid?.() === 0;
const folders = 'keys publicKeys retiredKeys encryptedStats inbox olderJournal olderEvents outbox lastGood compiled';
const allFolders = `${folders} receiveLocks faultsLogged stored setAside pushTimes`.split(
  ' ',
) as readonly StateFolder[];

type Place = ReturnType<typeof place>;

function place(t: TestContext) {
  const dir = tempFolder(t);
  const paths = statePaths(path.join(dir, 'state'));
  mkdirSync(paths.dir, { mode: 0o700 });
  // A file and a folder outside, which must stay unchanged.
  const victim = path.join(dir, 'victim');
  const victimFolder = path.join(dir, 'victims');
  writeFileSync(victim, 'mine\n', { mode: 0o640 });
  mkdirSync(victimFolder, { mode: 0o750 });
  writeFileSync(path.join(victimFolder, 'inside'), 'mine too\n');
  return {
    dir,
    paths,
    victim,
    victimFolder,
    unharmed: (): void => {
      assert.equal(readFileSync(victim, 'utf8'), 'mine\n');
      assert.equal(lstatSync(victim).mode & 0o777, 0o640);
      assert.deepEqual(readdirSync(victimFolder), ['inside']);
      assert.equal(readFileSync(path.join(victimFolder, 'inside'), 'utf8'), 'mine too\n');
      assert.equal(lstatSync(victimFolder).mode & 0o777, 0o750);
    },
  };
}

function refused(paths: StatePaths, says: RegExp, used = allFolders): void {
  assert.throws(
    () => claimStateFolder(paths, used),
    (thrown) => {
      assert.ok(thrown instanceof FleetError, String(thrown));
      assert.deepEqual([thrown.code, thrown.exitStatus], ['state-unusable', 3]);
      assert.match(thrown.message, says);
      assert.doesNotMatch(thrown.message, /\n/);
      return true;
    },
  );
}

const namesOf = (paths: StatePaths): readonly string[] =>
  Object.values<string>({ ...paths }).filter((file) => file !== paths.dir);

test('a folder that is not there is made, 0700; one that is there stays as it is', (t) => {
  const { paths } = place(t);
  rmSync(paths.dir, { recursive: true });
  checkStateFolder(paths);
  claimStateFolder(paths, allFolders);
  assert.equal(lstatSync(paths.dir).mode & 0o777, 0o700);
  chmodSync(paths.dir, 0o755);
  for (const name of allFolders) mkdirSync(paths[name]);
  writeFileSync(paths.knownHosts, '');
  claimStateFolder(paths, allFolders);
  assert.equal(lstatSync(paths.dir).mode & 0o777, 0o755);
});

suite('in the place of each file and folder', () => {
  for (const name of namesOf(statePaths('/state')).map((file) => path.basename(file))) {
    const withPlace = (t: TestContext): Place & { readonly file: string } => {
      const made = place(t);
      return { ...made, file: path.join(made.paths.dir, name) };
    };
    test(`${name}: a symbolic link, to a file, a folder or nothing`, (t) => {
      const { paths, file, victim, victimFolder, unharmed } = withPlace(t);
      for (const target of [victim, victimFolder, '/nowhere/at/all']) {
        symlinkSync(target, file);
        refused(paths, new RegExp(`/${name} is a symbolic link$`));
        assert.throws(() => checkStateFolder(paths), FleetError);
        rmSync(file);
      }
      unharmed();
    });
    test(`${name}: a FIFO`, (t) => {
      const { paths, file } = withPlace(t);
      execFileSync('mkfifo', ['-m', '600', file]);
      refused(paths, /is no (?:regular file|folder)$/);
    });
    test(`${name}: a file for a folder, a folder for a file`, (t) => {
      const { paths, file } = withPlace(t);
      const isFolder = allFolders.some((folder) => paths[folder] === file);
      if (isFolder) writeFileSync(file, '', { mode: 0o600 });
      else mkdirSync(file, { mode: 0o700 });
      refused(paths, new RegExp(`/${name} is no ${isFolder ? 'folder' : 'regular file'}$`));
    });
    test(`${name}: what others can write, or own`, (t) => {
      const { paths, file } = withPlace(t);
      if (allFolders.some((folder) => paths[folder] === file)) mkdirSync(file);
      else writeFileSync(file, '');
      for (const mode of [0o620, 0o602, 0o777]) {
        chmodSync(file, mode);
        refused(paths, new RegExp(`/${name} can be written by others$`));
      }
      chmodSync(file, 0o700);
      claimStateFolder(paths, allFolders);
      if (!isRoot) return;
      chownSync(file, 54_321, 54_321);
      refused(paths, new RegExp(`/${name} belongs to user 54321$`));
    });
  }
});

test('what is beside a database is looked at as well', (t) => {
  const { paths, victim, unharmed } = place(t);
  for (const name of ['fleet.db-wal', 'fleet.db-shm', 'lock.db-journal', 'alert-lock.db-journal']) {
    const file = path.join(paths.dir, name);
    symlinkSync(victim, file);
    refused(paths, new RegExp(`${name} is a symbolic link`));
    rmSync(file);
  }
  unharmed();
});

test('a second name of what is written in its place is refused, of what is replaced it is not', (t) => {
  const { paths, victim, unharmed } = place(t);
  chmodSync(victim, 0o640);
  for (const file of [paths.database, paths.lock, paths.alertLock, paths.knownHosts]) {
    linkSync(victim, file);
    refused(paths, /has another name \(a hard link\)$/);
    rmSync(file);
  }
  linkSync(victim, paths.collectorId);
  claimStateFolder(paths, []);
  unharmed();
});

test('entries of a folder must be what it is for, and are looked at by those who use it', (t) => {
  const { paths, victim, victimFolder, unharmed } = place(t);
  for (const name of allFolders) {
    const dir = paths[name];
    mkdirSync(dir, { mode: 0o700 });
    const entry = path.join(dir, 'web-1');
    symlinkSync(name === 'encryptedStats' ? victimFolder : victim, entry);
    refused(paths, /web-1 is no (?:regular file|folder)$/);
    const others = allFolders.filter((other) => other !== name);
    claimStateFolder(paths, others);
    rmSync(entry);
    execFileSync('mkfifo', [entry]);
    refused(paths, /web-1 is no/);
    rmSync(entry);
  }
  unharmed();
});

suite('the state folder itself', () => {
  test('may be a symbolic link of ours or of root, not of somebody else, and not to nothing', (t) => {
    const { paths, dir } = place(t);
    const real = path.join(dir, 'real');
    mkdirSync(real, { mode: 0o700 });
    rmSync(paths.dir, { recursive: true });
    symlinkSync(real, paths.dir);
    claimStateFolder(paths, allFolders);
    chmodSync(real, 0o770);
    refused(paths, /can be written by others/);
    chmodSync(real, 0o700);
    if (isRoot) {
      execFileSync('chown', ['-h', '54321', paths.dir]);
      refused(paths, /is a symbolic link of user 54321/);
    }
    rmSync(paths.dir);
    symlinkSync(path.join(dir, 'gone'), paths.dir);
    refused(paths, /./);
    assert.throws(() => checkStateFolder(paths), /is a symbolic link to nothing/);
  });
  test('is a file, or below one', (t) => {
    const { victim, unharmed } = place(t);
    refused(statePaths(victim), /./);
    assert.throws(() => checkStateFolder(statePaths(victim)), /is no folder/);
    refused(statePaths(path.join(victim, 'state')), /./);
    unharmed();
  });
  test('can be written by the group or by everybody', (t) => {
    const { paths } = place(t);
    for (const mode of [0o770, 0o720, 0o702, 0o1777]) {
      chmodSync(paths.dir, mode);
      refused(paths, /state can be written by others$/);
    }
  });
  test('of another user: root may look at it, and writes nothing there', { skip: !isRoot }, (t) => {
    const { paths } = place(t);
    chownSync(paths.dir, 54_321, 54_321);
    writeFileSync(paths.collectorId, 'x', { mode: 0o600 });
    chownSync(paths.collectorId, 54_321, 54_321);
    checkStateFolder(paths);
    refused(paths, /belongs to user 54321, and this runs as user 0$/);
  });
  test('of root: another account may look at it, and writes nothing there', { skip: !isRoot }, (t) => {
    const { paths } = place(t);
    chmodSync(path.dirname(paths.dir), 0o755);
    chmodSync(paths.dir, 0o755);
    process.seteuid?.(54_321);
    try {
      checkStateFolder(paths);
      refused(paths, /belongs to user 0, and this runs as user 54321$/);
    } finally {
      process.seteuid?.(0);
    }
  });
  test('of another account than root and this one is not even looked at', { skip: !isRoot }, (t) => {
    const { dir, paths } = place(t);
    chmodSync(dir, 0o755);
    chownSync(paths.dir, 54_322, 54_322);
    process.seteuid?.(54_321);
    try {
      assert.throws(() => checkStateFolder(paths), /state belongs to user 54322, and this runs as user 54321$/);
    } finally {
      process.seteuid?.(0);
    }
  });
  test('of another account is refused with the name of this account, or its number', { skip: !isRoot }, (t) => {
    const { paths } = place(t);
    const adviceFor = (uid: number): string => {
      chownSync(paths.dir, uid, uid);
      try {
        claimStateFolder(paths, []);
      } catch (thrown) {
        if (thrown instanceof FleetError) return thrown.advice;
      }
      return assert.fail('it was claimed');
    };
    assert.match(adviceFor(65_534), /^Run it as that user: sudo -u nobody fleet-health \.\.\.\. Or give the folder/);
    assert.match(adviceFor(54_321), /^Run it as that user: sudo -u '#54321' fleet-health/);
  });
  test(
    'of another account than root may be reached by a link of root, and hold files of root',
    { skip: !isRoot },
    (t) => {
      const { dir, paths } = place(t);
      chmodSync(dir, 0o755);
      writeFileSync(paths.collectorId, 'x', { mode: 0o600 });
      chownSync(paths.dir, 54_321, 54_321);
      const link = path.join(dir, 'link');
      symlinkSync(paths.dir, link);
      process.seteuid?.(54_321);
      try {
        claimStateFolder(statePaths(link), []);
      } finally {
        process.seteuid?.(0);
      }
    },
  );
  test('is tried, and not made', { skip: !isRoot }, (t) => {
    const { dir, paths } = place(t);
    tryStateFolder(paths, []);
    const missing = statePaths(path.join(dir, 'not', 'there'));
    tryStateFolder(missing, []);
    assert.deepEqual(readdirSync(dir).sort(), ['state', 'victim', 'victims']);
    mkdirSync(paths.keys);
    symlinkSync('nothing', path.join(paths.keys, 'web-1'));
    assert.throws(() => tryStateFolder(paths, ['keys']), /web-1 is no regular file$/);
    chmodSync(paths.dir, 0o770);
    assert.throws(() => tryStateFolder(paths, []), /state can be written by others$/);
    const { stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', paths.dir], { encoding: 'utf8' });
    assert.equal(stderr, '');
    try {
      const fault = { code: 'state-unusable', stage: 'run', message: /^EROFS/ };
      assert.throws(() => tryStateFolder(statePaths(path.join(paths.dir, 'below', 'state')), []), fault);
    } finally {
      spawnSync('umount', ['-l', paths.dir]);
    }
  });
  test('of another user takes no file of root, that of root does', { skip: !isRoot }, (t) => {
    const { paths } = place(t);
    const file = path.join(paths.dir, 'below', 'file');
    refuseFileOfOthers(file);
    chownSync(paths.dir, 54_321, 54_321);
    assert.throws(() => refuseFileOfOthers(file), /state belongs to user 54321, and this runs as root/);
  });
  test('below a folder that this account may not enter', { skip: !isRoot }, (t) => {
    const dir = tempFolder(t);
    chmodSync(dir, 0o700);
    process.seteuid?.(54_321);
    try {
      assert.throws(
        () => checkStateFolder(statePaths(path.join(dir, 'state'))),
        (thrown) => {
          assert.ok(thrown instanceof FleetError && thrown.code === 'state-unusable', String(thrown));
          assert.match(thrown.message, /state lies below a folder that this account may not enter$/);
          assert.match(thrown.advice, /sudo -u fleet-health/);
          return true;
        },
      );
    } finally {
      process.seteuid?.(0);
    }
  });
});
