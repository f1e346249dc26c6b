/** Values of the command line that say nothing: an unset variable of a shell must not mean everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createAgentProgram } from '../../src/agent-cli.ts';
import { type Command, CommanderError } from '../../src/cli/command/define-command.ts';
import { createProgram } from '../../src/cli.ts';

/** Values that may be empty: comments, the words of an event, no mails of cron, and the word to complete. */
const mayBeEmpty = [
  ...['ack --comment', 'silence add --comment', 'events send --tags', 'events send text'],
  ...['crontab --mail-to', 'complete words'],
];

interface Value {
  readonly name: string;
  /** The words of a command line with the value. */
  readonly lineWith: (value: string) => readonly string[];
}

/** Returns every option and argument of a command and of its commands that takes a value. */
function valuesOf(command: Command, before: readonly string[]): readonly Value[] {
  const named = (name: string): string => [...before, name].join(' ');
  const required = command.registeredArguments.filter((argument) => argument.required);
  const fill = (count: number): readonly string[] =>
    required.slice(0, count).map(({ argChoices }) => argChoices?.[0] ?? '1');
  const ofArguments = command.registeredArguments.map((argument, index) => ({
    name: argument.name(),
    lineWith: (value: string) => [
      ...before,
      '--',
      ...Array.from({ length: index }, (_, at) => fill(at + 1)[at] ?? '1'),
      value,
    ],
  }));
  const ofOptions = command.options
    .filter((option) => option.required || option.optional)
    .map((option) => ({
      name: option.long ?? '',
      lineWith: (value: string) => [...before, `${option.long ?? ''}=${value}`, ...fill(required.length)],
    }));
  return [
    ...[...ofOptions, ...ofArguments].map((one) => ({ ...one, name: named(one.name) })),
    ...command.commands.flatMap((inner) => valuesOf(inner, [...before, inner.name()])),
  ];
}

test('a value that says nothing is a fault of each option and argument, and no action begins', async () => {
  const begun: string[] = [];
  const refused = new Set<string>();
  for (const create of [createProgram, createAgentProgram]) {
    let typed = '';
    const program = create(() => Promise.resolve(void begun.push(typed)));
    for (const { name, lineWith } of valuesOf(program, [])) {
      for (const value of ['', ' ', ',', '!']) {
        typed = `${name} ${JSON.stringify(value)}`;
        const ended = await program.parseAsync(lineWith(value), { from: 'user' }).catch((thrown: unknown) => thrown);
        if (ended instanceof CommanderError && ended.code === 'commander.invalidArgument') refused.add(name);
      }
    }
  }
  const unlisted = begun.filter((words) => !mayBeEmpty.some((name) => words.startsWith(`${name} `)));
  assert.deepEqual(unlisted, []);
  assert.ok(refused.size > 120, String(refused.size));
  assert.deepEqual(
    mayBeEmpty.filter((name) => !begun.includes(`${name} ""`)),
    [],
  );
});
