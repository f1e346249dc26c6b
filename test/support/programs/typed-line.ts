/** A line that is typed into a shell, with the installed programs in PATH. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

import { prefix } from './installed.ts';
import { outcomeOf, type CliResult } from './run-cli.ts';
import { until } from '../until.ts';

const PATH = `${path.join(prefix, 'bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin`;

export interface TypedLine {
  readonly child: ChildProcess;
  readonly outcome: Promise<CliResult>;
  /** Returns the output until now, of both streams. */
  readonly said: () => string;
  /** Waits until the program has said this. Fails if it ends before. */
  readonly untilSaid: (words: RegExp) => Promise<void>;
  /** Ends a program that keeps running. */
  readonly end: () => Promise<CliResult>;
}

/** Types a line in a folder, which is the home too. */
export function typeLine(line: string, dir: string): TypedLine {
  const child = spawn('/bin/sh', ['-c', /\||&&|;/.test(line) ? line : `exec ${line}`], {
    cwd: dir,
    env: { PATH, HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (text += String(bytes)));
  const outcome = outcomeOf(child);
  const said = (): string => text;
  return {
    ...{ child, outcome, said },
    untilSaid: async (words) => {
      await until(() => words.test(text) || child.exitCode !== null, said);
      assert.match(text, words);
    },
    end: () => {
      child.kill('SIGTERM');
      return outcome;
    },
  };
}
