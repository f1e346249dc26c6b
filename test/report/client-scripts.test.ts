/** The scripts that run on clients, as files and as they are sent. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { launcherFolders, launcherStatus, noAwk } from '../../src/transport/loader/launcher.ts';
import { loaderStatus, oldestNode } from '../../src/transport/loader/loader.ts';
import { spoolSign } from '../../src/transport/loader/spool-line.ts';
import * as clientScripts from '../../src/report/client-scripts.ts';
import { maxExecBytes, otherVersionStatus, restrictedKeySign, spoolScriptName } from '../../src/report/wire.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { launcherPath } from '../support/ssh/launcher-path.ts';
import { shells } from '../support/clients/shell-client.ts';

const root = path.join(import.meta.dirname, '../..');
const texts: Readonly<Record<string, string>> = clientScripts;
const programs = ['uploadAgentProgram', 'launcherProgram', 'lookProgram'];

/**
 * SC1007: empty values in a row of assignments. SC2015: `A && B || C` where B does not fail. SC2086: words without
 * blanks.
 */
const allowed = 'SC1007,SC2015,SC2086';
/** Functions that are called by name, which shellcheck considers unreachable. */
const calledByName = 'SC2317';
/** Parts of other scripts, which are checked with those scripts. */
const parts = ['begin', 'find-machine', 'node-word', 'places', 'try-every-node'].map((name) => `${name}.sh`);

const found = spawnSync('shellcheck', ['--version']).error === undefined;
const skip = found || process.env['CI'] !== undefined ? false : 'shellcheck is not installed';

test('shellcheck finds nothing in the scripts', { skip: skipUnlessWide || skip }, () => {
  const files = ['src/transport/loader', 'agent/capture', 'agent/spool', 'src/transport/openssh'].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((name) => name.endsWith('.sh') && !parts.includes(name))
      .map((name) => `${folder}/${name}`),
  );
  assert.ok(files.length > 10, files.join(' '));
  const options = ['-s', 'sh', '-x', '-P', 'SCRIPTDIR', '-e', `${allowed},${calledByName}`, '-f', 'gcc'];
  const { stdout, stderr, error } = spawnSync('shellcheck', [...options, ...files], { cwd: root, encoding: 'utf8' });
  assert.ifError(error);
  assert.equal(`${stdout}${stderr}`, '');
});

for (const [name, text] of Object.entries(texts)) {
  test(`${name} holds nothing that a login shell would take for its own`, () => {
    assert.doesNotMatch(text, /['!\\\n]/);
    assert.ok(text.length > 400 && text.length < maxExecBytes / 2, String(text.length));
    if (name.toLowerCase().includes('launcher')) assert.doesNotMatch(text, /"/);
  });
}

for (const [name, text] of Object.entries(texts)) {
  test(`${name} is read by ${programs.includes(name) ? 'node' : 'every shell'}`, () => {
    const readers = programs.includes(name)
      ? [[process.execPath, '--check', '-']]
      : shells.map((shell) => [...shell.split(' '), '-n']);
    for (const [program = '', ...args] of readers) {
      const { status, stderr } = spawnSync(program, args, { input: text, encoding: 'utf8' });
      assert.equal(status, 0, `${program}: ${stderr}`);
    }
  });
}

test('statuses and words of the scripts are those of the collector', () => {
  const known: readonly number[] = [
    ...Object.values(loaderStatus),
    ...Object.values(launcherStatus),
    otherVersionStatus,
  ];
  for (const [name, text] of Object.entries(texts)) {
    for (const [, status] of text.matchAll(/\b(?:exit|no|end|a)[ (=](\d\d)\b/g)) {
      assert.ok(known.includes(Number(status)), `${name}: ${String(status)}`);
    }
  }
  const { launcherScript, launcherProgram, shellLauncherScript, cleanupScript, spoolLineScript } = clientScripts;
  for (const launcher of [launcherScript, shellLauncherScript]) {
    assert.ok(launcher.includes(`PATH=${launcherPath};`));
    assert.ok(launcher.includes(`echo ${restrictedKeySign} $a: `));
  }
  assert.ok(launcherScript.includes(`no Node.js ${oldestNode} or newer`));
  assert.ok(shellLauncherScript.includes(noAwk));
  assert.ok(launcherProgram.includes(`length<=${maxExecBytes}`));
  assert.ok(launcherProgram.includes(restrictedKeySign));
  for (const text of [launcherProgram, shellLauncherScript]) {
    assert.ok(text.includes(launcherFolders.root) && text.includes(`/${launcherFolders.home}`));
  }
  assert.ok(cleanupScript.includes(`"${spoolSign} $c "`) && cleanupScript.includes(`/${spoolScriptName};`));
  assert.ok(spoolLineScript.includes(`/${spoolScriptName};`));
});
