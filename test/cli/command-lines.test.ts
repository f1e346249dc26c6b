/** The table of commands that test/end-to-end/every-command.test.ts types has each command and each mode. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modeNames } from '../../src/agent-program/modes.ts';
import { createAgentProgram } from '../../src/agent-cli.ts';
import type { Command } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';
import { commandLines } from '../end-to-end/support/command-lines.ts';

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
