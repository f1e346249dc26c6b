/** Node's compile cache of the installed program: in the state folder of this user, or not used. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

import { program } from '../support/programs/installed.ts';
import { tempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);
const skip = 'enableCompileCache' in module ? false : 'this Node has no compile cache';

async function fleet(t: TestContext, state = '') {
  const dir = tempFolder(t);
  const config = path.join(dir, 'config.xml');
  const client = '<client name="here" ip="127.0.0.1" transport="local"/>';
  writeFileSync(config, `<config>${state}<alerts><mail to="a@example.org"/></alerts>${client}</config>\n`, {
    mode: 0o600,
  });
  const start = async (...args: readonly string[]): Promise<void> => {
    const env = { HOME: dir, PATH: '/usr/bin:/bin', TMPDIR: path.join(dir, 'tmp') };
    const { stderr } = await run(process.execPath, [program, ...args], { cwd: '/', env });
    assert.equal(stderr, '');
  };
  // The first run under cron stores the configuration, which names the state folder.
  await start('-q', '-c', config, 'alert');
  return { dir, config, start };
}

for (const [what, state, folder] of [
  ['the usual state folder', '', 'state'],
  ['the state folder that config.xml names', '<state dir="elsewhere"/>', 'elsewhere'],
] as const) {
  test(`the program is compiled once, into ${what}, where nobody else can look`, { skip }, async (t) => {
    const { dir, config, start } = await fleet(t, state);
    const compiled = path.join(dir, folder, 'compiled');
    await start('-q', `--config=${config}`, 'alert');
    assert.equal(statSync(compiled).mode & 0o777, 0o700);
    const [version = '', ...others] = readdirSync(compiled);
    assert.deepEqual(others, []);
    const files = (): readonly string[] => readdirSync(path.join(compiled, version)).sort();
    const before = files();
    assert.ok(before.length > 0);
    await start('-q', '-c', config, 'alert');
    assert.deepEqual(files(), before);
    assert.equal(existsSync(path.join(dir, 'tmp')), false, 'something was made in the folder for temporary files');
  });
}

test('nothing is kept where others can write, or before a configuration was valid', { skip }, async (t) => {
  const { dir, config, start } = await fleet(t);
  const compiled = path.join(dir, 'state', 'compiled');
  chmodSync(path.join(dir, 'state'), 0o777);
  await assert.rejects(start('-q', '-c', config, 'alert'), /state-unusable/);
  assert.equal(existsSync(compiled), false);
  chmodSync(path.join(dir, 'state'), 0o700);
  rmSync(path.join(dir, 'state', 'last-good'), { recursive: true });
  await start('-c', config, 'check');
  assert.equal(existsSync(compiled), false);
});

test('a damaged cache is passed over', { skip }, async (t) => {
  const { dir, config, start } = await fleet(t);
  await start('-q', '-c', config, 'alert');
  const compiled = path.join(dir, 'state', 'compiled');
  for (const entry of readdirSync(compiled, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) writeFileSync(path.join(entry.parentPath, entry.name), 'x'.repeat(5000));
  }
  await start('-q', '-c', config, 'alert');
});
