/** The table that test/end-to-end/every-command.test.ts types has each command, each mode, and what starts them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { modeNames } from '../../src/agent-program/modes.ts';
import { createAgentProgram } from '../../src/agent-cli.ts';
import type { Command } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { commandLines, type CommandLine } from '../end-to-end/support/command-lines.ts';
import { commandsWithSecrets } from '../end-to-end/support/secret-commands.ts';
import { commandNames } from '../support/programs/command-names.ts';

/** Options that keep a command running. `status --watch` needs a terminal: test/cli/status/watch-status.test.ts. */
const keepsRunning = ['--every', '--idle-exit'];

/** Returns the beginnings of the lines that a program must have: each command, and those that keep running. */
function wantedOf(program: Command, before: string): readonly string[] {
  return program.commands
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => {
      const name = `${before} ${command.name()}`;
      if (command.commands.length > 0) return wantedOf(command, name);
      const options = command.options.map(({ long }) => long ?? '').filter((long) => keepsRunning.includes(long));
      const [argument] = command.registeredArguments;
      const modes = argument?.name() === 'mode' && /^(?:run|start|stop|status)$/.test(command.name()) ? modeNames : [];
      return [name, ...options.map((long) => `${name}\0${long}`), ...modes.map((mode) => `${name} ${mode}`)];
    });
}

test('the table has a line of each command and of each mode of both programs', () => {
  const never = (): Promise<void> => Promise.resolve();
  const wanted = [
    ...wantedOf(createProgram(never), 'fleet-health'),
    ...wantedOf(createAgentProgram(never), 'fleet-health-agent'),
  ];
  const isTyped = (words: string): boolean => {
    const [name = '', option = ''] = words.split('\0');
    return commandLines.some(({ line }) => ` ${line} `.includes(` ${name} `) && line.includes(option));
  };
  const missing = wanted.filter((words) => !isTyped(words));
  assert.deepEqual(missing, []);
  assert.ok(wanted.length > 70);
});

test('each command runs with secrets in test/end-to-end/secrets.test.ts', () => {
  assert.deepEqual(Object.keys(commandsWithSecrets).toSorted(), [...commandNames()].toSorted());
});

test('each command that ends has a line that is typed with -q, but `demo`, which shows what it does', () => {
  const never = (): Promise<void> => Promise.resolve();
  const wanted = [
    ...wantedOf(createProgram(never), 'fleet-health'),
    ...wantedOf(createAgentProgram(never), 'fleet-health-agent'),
  ].filter((words) => !words.includes('\0'));
  const isEnding = ({ runs }: CommandLine): boolean => runs === undefined;
  const missing = wanted.filter((words) => {
    const own = commandLines.filter((one) => isEnding(one) && ` ${one.line} `.includes(` ${words} `));
    return own.length > 0 && !own.some(({ quiet }) => quiet !== undefined);
  });
  assert.deepEqual(missing, ['fleet-health demo']);
});

/** Returns what crontab.example and the units start, as it is typed in a home with a config.xml. */
function startedLines(): readonly string[] {
  const read = (name: string): string => readFileSync(path.join(packageDir, name), 'utf8');
  const units = readdirSync(path.join(packageDir, 'units')).filter((name) => name.endsWith('.service'));
  const started = [
    ...read('crontab.example').matchAll(/^(?:# )?(?:[\d*/,-]+ +){5}(.*)$/gm),
    ...units.flatMap((name) => [...read(`units/${name}`).matchAll(/^ExecStart=(.*)$/gm)]),
  ];
  return started
    .map(([, line = '']) => line.replaceAll('/etc/fleet-health/', '').replaceAll('/usr/bin/', ''))
    .flatMap((line) => (line.includes('%i') ? modeNames.map((mode) => line.replace('%i', mode)) : [line]));
}

test('the table has each line of crontab.example and of the units', () => {
  const typed = commandLines.map(({ line }) => line.replace(/ --every \w+$/, ''));
  const started = startedLines();
  assert.deepEqual(
    started.filter((line) => !typed.includes(line)),
    [],
  );
  assert.ok(started.length > 10);
});
