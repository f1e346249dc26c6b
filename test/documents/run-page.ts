/** Runs the command lines of a page on a machine, in their order and as they stand. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { shellWord } from '../../src/text/shell-word.ts';
import { blocksOf, isSql, typedLines, withoutRemark, type Block } from './page-blocks.ts';
import type { Answer, DocumentMachine, Ran, RunOptions } from './document-machine.ts';

/** The treatment of a line that does not simply run as it stands. */
export interface LineRun {
  /** Commands of the setting that run before the line, as root. */
  readonly before?: string;
  /** The command that runs in place of the line, where the line holds an address or a name of the reader. */
  readonly instead?: string;
  /** The answers of the reader. */
  readonly typed?: readonly Answer[];
  /** The exit status. Default: 0. */
  readonly status?: number;
  /** A pattern that the output must match. */
  readonly says?: RegExp;
}

export interface PageRun {
  readonly page: string;
  readonly machine: DocumentMachine;
  readonly options?: RunOptions;
  /** By the line without its remark. */
  readonly lines?: Readonly<Record<string, LineRun>>;
  /** The reason that a line is not run, by the line without its remark. */
  readonly notRun?: Readonly<Record<string, string>>;
  /** By the first line of a block that holds no commands: the file of the machine that it is written to, or null. */
  readonly texts?: Readonly<Record<string, string | null>>;
}

/** Returns what each line printed, by the line without its remark. Every line and every entry has to be used. */
export async function runPage(run: PageRun): Promise<ReadonlyMap<string, Ran>> {
  const { page, machine, options = {}, lines = {}, notRun = {}, texts = {} } = run;
  const printed = new Map<string, Ran>();
  const unused = new Set([lines, notRun, texts].flatMap((table) => Object.keys(table)));
  for (const block of blocksOf(page)) {
    const [first = ''] = block.text.split('\n');
    const file = texts[first];
    if (file !== undefined) {
      unused.delete(first);
      if (file !== null) writeFileSync(path.join(machine.root, file), `${block.text}\n`);
      continue;
    }
    for (const typedLine of typedLines(block)) {
      const line = withoutRemark(typedLine);
      unused.delete(line);
      if (line === '' || line in notRun) continue;
      const { before, instead = asTyped(block, line), typed, status = 0, says = /^/ } = lines[line] ?? {};
      if (before !== undefined) await machine.prepare(before);
      const ran = await machine.run(instead, { ...options, ...(typed === undefined ? {} : { typed }) });
      printed.set(line, ran);
      assert.equal(ran.status, status, `${page}:${block.line}: ${instead}\n${ran.output}`);
      assert.match(ran.output, says, `${page}:${block.line}: ${instead}`);
    }
  }
  assert.deepEqual([...unused], [], `${page} has these lines no more`);
  return printed;
}

/** Returns the command of a line: a statement of SQL is typed into MariaDB's own client. */
function asTyped(block: Block, line: string): string {
  return isSql(block) ? `mariadb -e ${shellWord(line)}` : line;
}
