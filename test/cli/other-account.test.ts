/** Whoever runs a command as another account than cron learns whose the files are, and how to run it. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { noOtherAccount } from '../support/programs/accounts.ts';
import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { isWide } from '../support/long-tests.ts';
import { configFolder, exits, runCli } from '../support/programs/run-cli.ts';

const here = '<config><client name="here" ip="127.0.0.1" transport="local"/></config>';
const nobody = 65_534;
const asRoot = { skip: noOtherAccount };
const usual = ['status', 'alerts', 'show here', 'collect', 'alert', 'prune', 'report', 'trust', 'keys list', 'migrate'];
const rarer = ['check', 'explain here', 'ack 1', 'outliers', 'digest', 'enroll here', 'cleanup here', 'copy --to x.db'];

test('a state folder of another account is no fault of the program', asRoot, async (t) => {
  const dir = configFolder(t, here);
  await makeInventoriedIn(path.join(dir, 'state'), 'here');
  await exits(0, runCli(['-q', 'collect'], { cwd: dir }), /^/);
  chmodSync(dir, 0o755);
  chmodSync(path.join(dir, 'config.xml'), 0o644);
  for (const command of isWide ? [...usual, ...rarer] : usual.slice(0, 2)) {
    const { status, stderr } = await runCli(command.split(' '), { cwd: dir, uid: nobody });
    assert.equal(status, 3, command);
    assert.match(
      stderr,
      /state belongs to root, and this is nobody \(state-unusable\)\. Run it as root, as cron does\.\n$/,
    );
  }
});

test(
  'a config.xml of another account, which may hold passwords, is not to be made readable for all',
  asRoot,
  async (t) => {
    const dir = configFolder(t, here);
    chmodSync(dir, 0o755);
    chmodSync(path.join(dir, 'config.xml'), 0o600);
    const says =
      /config\.xml belongs to root, and this is nobody; run it as root, or let a group read the file \(config-inv/;
    await exits(2, runCli(['status'], { cwd: dir, uid: nobody }), says);
  },
);

test('an own file whose mode forbids it is named with its mode', asRoot, async (t) => {
  const dir = configFolder(t, here);
  for (const own of [dir, path.join(dir, 'config.xml')]) chownSync(own, nobody, nobody);
  chmodSync(path.join(dir, 'config.xml'), 0);
  const says = /the mode of \S+config\.xml forbids it to its owner; let its owner read it/;
  await exits(2, runCli(['status'], { cwd: dir, uid: nobody }), says);
});
