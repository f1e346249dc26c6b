/** Files and folders that a command line names: the message says which one is wrong, why, and what to do. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Command } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';
import { isWide } from '../support/long-tests.ts';
import { runCli } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Each option and argument that takes a file or folder, with a command line that ends before its value. */
const lines: Readonly<Record<string, string>> = {
  '--config': 'status --config',
  'trust --from': 'trust web-1 --from',
  'authorize --key': 'authorize web-1 --key',
  'import --out': 'import csv list.csv --out',
  'import --update': 'import csv list.csv --update',
  'import --password-file': 'import http-sd https://u@192.0.2.1/ --password-file',
  'copy --to': 'copy --to',
  'copy --password-file': 'copy --to mysql://u@192.0.2.1/x --password-file',
  'alert --rules': 'alert --replay --rules',
  'report --output': 'report --output',
  'report --split': 'report --split',
  'export --output': 'export csv --output',
  'enroll --output': 'enroll pushed --https https://192.0.2.1 --output',
  'simulate --dir': 'simulate --for 1s --clients 1 --dir',
  'crontab --systemd': 'crontab --systemd',
  'keys import-public <file>': 'keys import-public',
  'backup <file>': 'backup',
};
/** Arguments that are files. Ansible's own program reads its lists, and folders too. */
const positional: Readonly<Record<string, string>> = Object.fromEntries(
  ['csv', 'hosts', 'http-sd', 'known-hosts', 'nagios', 'pattoo', 'prometheus', 'ssh-config'].map((form) => [
    form,
    `import ${form}`,
  ]),
);
/** Options whose folder is made, or may be anything: `init` and `demo` ask questions, and start a fleet. */
const elsewhere = ['init --dir', 'demo --dir'];
/** Options that make a missing folder. */
const making = ['report --split', 'simulate --dir'];
const folders = [...making, 'crontab --systemd'];

function takersOf(command: Command, before: readonly string[]): readonly string[] {
  const own = command.options
    .filter(({ flags }) => /<file>|<folder>|\[dir\]|<database>/.test(flags))
    .map(({ long }) => [...before, long ?? ''].join(' '));
  const named = command.registeredArguments
    .filter((one) => one.required && one.name() === 'file')
    .map(() => [...before, '<file>'].join(' '));
  return [...own, ...named, ...command.commands.flatMap((inner) => takersOf(inner, [...before, inner.name()]))];
}

test('each option and argument that takes a file or folder stands in the table', () => {
  const found = takersOf(
    createProgram(() => Promise.resolve()),
    [],
  );
  assert.deepEqual(found.toSorted(), [...Object.keys(lines), ...elsewhere].toSorted());
});

test('a file or folder that cannot be used is named, with the reason and the remedy', async (t) => {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'folder'));
  writeFileSync(path.join(dir, 'file'), '');
  writeFileSync(path.join(dir, 'list.csv'), 'name,ip\nweb-1,192.0.2.1\n');
  const config =
    '<config><state dir="state"/><client name="web-1" ip="192.0.2.1" username="u"/><client name="pushed" ' +
    'transport="push"/></config>';
  writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
  assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
  for (const [at, [name, line]] of Object.entries({ ...lines, ...positional }).entries()) {
    const wrong = [
      'file/x',
      ...(making.includes(name) ? [] : ['none/x']),
      ...(folders.includes(name) ? [] : ['folder']),
    ];
    // By turns: the faults of a kind are told in one place.
    for (const value of isWide ? wrong : [wrong[at % wrong.length] ?? 'file/x']) {
      const { status, stderr } = await runCli([...line.split(' '), value], { cwd: dir });
      const what = `${line} ${value}: ${stderr}`;
      assert.ok(status === 1 || status === 2 || status === 3, `${status} ${what}`);
      const [first = '', ...others] = stderr.split('\n').filter((one) => one.includes(value));
      assert.deepEqual(others, [], what);
      assert.doesNotMatch(first, /\bE[A-Z]{4,}\b|\(internal\)|\.part/, what);
      assert.match(first, /\([a-z-]+\)\. [A-Z].*/, what);
      if (name !== '--config') assert.doesNotMatch(first, /fleet-health init/, what);
    }
  }
});

test('a state folder below a file is named, with the remedy', async (t) => {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, 'file'), '');
  const config = '<config><state dir="file/x"/><client ip="192.0.2.1" username="u"/></config>';
  writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
  for (const command of ['check', 'collect', 'alert', 'status']) {
    const { status, stderr } = await runCli([command], { cwd: dir });
    assert.equal(status, 3, stderr);
    assert.match(stderr, /file\/x cannot be used: a part of its path is no folder \(state-unusable\)\. Name another/);
  }
});
