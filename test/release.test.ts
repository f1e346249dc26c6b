// Second tier: the script of releases with a repository each.
/** `npm run release` refuses what would not be a release, before it does anything. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';

import { packageDir } from '../src/state-folder/paths.ts';
import { tempFolder } from './support/temp-folder.ts';

interface Changes {
  readonly committed?: (dir: string) => void;
  readonly uncommitted?: (dir: string) => void;
}

/** Runs the script, which refuses or fails, in a checkout with this CHANGELOG.md and these changes. */
function release(t: TestContext, changelog: string, args: readonly string[], changes: Changes = {}): string {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'build/packages'), { recursive: true });
  copyFileSync(path.join(packageDir, 'build/packages/release.sh'), path.join(dir, 'build/packages/release.sh'));
  writeFileSync(path.join(dir, 'package.json'), '{"version": "0.2.0", "scripts": {"deb": "false", "test": "false"}}');
  writeFileSync(path.join(dir, 'CHANGELOG.md'), `# Changelog\n\n${changelog}\n\n## 0.1.0 - 2026-01-01\n`);
  changes.committed?.(dir);
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  for (const words of [
    ['init', '-q'],
    ['add', '-A'],
    [...identity, 'commit', '-q', '-m', 'a'],
  ]) {
    execFileSync('git', words, { cwd: dir });
  }
  changes.uncommitted?.(dir);
  const { stdout, stderr, status } = spawnSync('sh', ['build/packages/release.sh', ...args], {
    cwd: dir,
    encoding: 'utf8',
  });
  assert.equal(status, 1, stdout);
  return stdout + stderr;
}

const unreleased = '## 0.2.0 (not released yet)';

test('a version that is not released yet is no release, and says what to write', (t) => {
  const says = /says "## 0\.2\.0 \(not released yet\)": write "## 0\.2\.0 - \d{4}-\d\d-\d\d" there, commit it/;
  assert.match(release(t, unreleased, []), says);
  assert.match(release(t, '## 0.3.0 - 2026-11-23', []), /has no section for 0\.2\.0/);
  assert.match(release(t, '## 0.2.01 - 2026-11-23', []), /has no section for 0\.2\.0/);
});

test('a checkout with changes, and a folder that no release made, are refused', (t) => {
  const dated = '## 0.2.0 - 2026-11-23';
  assert.match(
    release(t, dated, [], { uncommitted: (dir) => writeFileSync(path.join(dir, 'new'), '') }),
    /changes that are not committed/,
  );
  assert.match(release(t, dated, ['build']), /build is there, and no release made it/);
  assert.match(release(t, dated, ['--trial', 'build/packages/release.sh/x']), /mkdir: .*Not a directory|File exists/);
});

test('a release whose kept database lacks the newest migration is refused', (t) => {
  const kept = (names: string) => (dir: string) => {
    for (const folder of ['sql/mysql', 'test/testdata/0.2.0']) mkdirSync(path.join(dir, folder), { recursive: true });
    for (const name of ['001-initial', '002-more']) writeFileSync(path.join(dir, `sql/mysql/${name}.sql`), '');
    writeFileSync(path.join(dir, 'test/testdata/0.2.0/fleet.sql.gz'), gzipSync(names));
  };
  const says = /fleet\.sql\.gz lacks the migration 002-more: run test\/end-to-end\/support\/keep-release\.ts/;
  const dated = '## 0.2.0 - 2026-11-23';
  assert.match(release(t, dated, [], { committed: kept("('001-initial')") }), says);
  assert.doesNotMatch(
    release(t, dated, [], { committed: kept("('001-initial'),\n('002-more')") }),
    /lacks the migration/,
  );
  assert.doesNotMatch(
    release(t, unreleased, ['--trial'], { committed: kept("('001-initial')") }),
    /lacks the migration/,
  );
});

test('a trial begins with the packages, a release with the tests', (t) => {
  assert.match(release(t, unreleased, ['--trial']), /a trial: nothing is tested[^]*run --silent deb -- --arch amd64/);
  if (process.getuid?.() === 0)
    assert.match(release(t, '## 0.2.0 - 2026-11-23', []), /== \d\d:\d\d npm run --silent test/);
});
