import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { accountName, expandHome, homeFolder, loginHome } from '../../src/platform/account.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { noOtherAccount } from '../support/programs/accounts.ts';

test('~ is the home folder, and only at the beginning', () => {
  assert.equal(homeFolder(), homedir());
  assert.equal(expandHome('~'), path.join(homedir()));
  assert.equal(expandHome('~/.ssh/key'), path.join(homedir(), '.ssh/key'));
  for (const text of ['/etc/~', 'a/~/b', '~other/x', '']) assert.equal(expandHome(text), text);
  assert.ok(path.isAbsolute(loginHome()));
  assert.ok(accountName() !== '');
});

const asRoot = { skip: noOtherAccount };

test('an account without HOME and without an entry in passwd is asked to set HOME', asRoot, () => {
  const uid = 54_321;
  const module = JSON.stringify(path.join(packageDir, 'src/platform/account.ts'));
  const script = `process.setgid(${uid}); process.setuid(${uid});
    const { accountName, expandHome, homeFolder, loginHome } = await import(${module});
    console.log(JSON.stringify([accountName(), homeFolder(), loginHome()]));
    try { expandHome('~/key'); } catch ({ code, message, advice }) { console.log(code, message, advice); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: packageDir,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  assert.equal(
    stdout,
    '[null,null,"/"]\nconfig-invalid ~/key: this account has no home folder Set HOME, or write the whole path.\n',
    stderr,
  );
});
