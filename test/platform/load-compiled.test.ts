import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

import { packageDir } from '../../src/state/paths.ts';

const run = promisify(execFile);

/** A copy of the built program, with what it needs around it. */
function install(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-compiled-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  cpSync(path.join(packageDir, 'dist'), path.join(dir, 'dist'), { recursive: true });
  rmSync(path.join(dir, 'dist/compiled'), { recursive: true, force: true });
  cpSync(path.join(packageDir, 'package.json'), path.join(dir, 'package.json'));
  for (const name of ['sql', 'node_modules']) symlinkSync(path.join(packageDir, name), path.join(dir, name));
  const compiled = path.join(dir, 'dist/compiled');
  const version = (options: { readonly uid?: number } = {}) =>
    run(process.execPath, [path.join(dir, 'dist/fleet-health.cjs'), '--version'], { cwd: '/', env: {}, ...options });
  return { dir, compiled, version };
}

const { version: expected } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as {
  readonly version: string;
};

test('the compiled form is written by the first start and used by the next', async (t) => {
  const { compiled, version } = install(t);
  assert.equal((await version()).stdout, `${expected}\n`);
  const [file = '', ...others] = readdirSync(compiled);
  assert.deepEqual(others, [], 'only what the command loaded');
  assert.match(file, /^cli\.cjs-[0-9a-f]{16}-\d+\./);
  assert.equal(statSync(path.join(compiled, file)).mode & 0o777, 0o644);
  const before = statSync(path.join(compiled, file)).mtimeMs;
  assert.equal((await version()).stdout, `${expected}\n`);
  assert.equal(statSync(path.join(compiled, file)).mtimeMs, before, 'what V8 takes is not written again');
});

for (const [what, damage] of [
  ['cut', (file: string) => truncateSync(file, 1000)],
  ['empty', (file: string) => truncateSync(file, 0)],
  ['of another kind', (file: string) => writeFileSync(file, 'x'.repeat(5000))],
] as const) {
  test(`a compiled form that is ${what} is made again`, async (t) => {
    const { compiled, version } = install(t);
    await version();
    const file = path.join(compiled, readdirSync(compiled)[0] ?? '');
    const size = statSync(file).size;
    damage(file);
    const { stdout, stderr } = await version();
    assert.deepEqual([stdout, stderr], [`${expected}\n`, '']);
    assert.ok(Math.abs(statSync(file).size - size) < size / 10, 'written again');
    assert.equal(readdirSync(compiled).length, 1);
  });
}

test('what another content left is removed', async (t) => {
  const { compiled, version } = install(t);
  await version();
  const stale = path.join(compiled, 'cli.cjs-0123456789abcdef-11.3');
  const foreign = path.join(compiled, 'alert.cjs-0123456789abcdef-11.3');
  for (const file of [stale, foreign]) writeFileSync(file, '');
  rmSync(
    path.join(
      compiled,
      readdirSync(compiled).find((name) => name.startsWith('cli.cjs') && !stale.endsWith(name)) ?? '',
    ),
  );
  await version();
  const left = readdirSync(compiled);
  assert.equal(left.includes(path.basename(stale)), false);
  assert.equal(left.includes(path.basename(foreign)), true, 'another file of the program has its own');
});

test(
  'an installation that cannot be written works all the same, and says nothing',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async (t) => {
    const { compiled, dir, version } = install(t);
    chmodSync(path.join(dir, 'dist'), 0o555);
    const { stdout, stderr } = await version({ uid: 65534 });
    assert.deepEqual([stdout, stderr], [`${expected}\n`, '']);
    assert.throws(() => statSync(compiled), { code: 'ENOENT' });
  },
);
