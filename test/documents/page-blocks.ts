/** The indented and fenced blocks of the documents, and the commands in them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../src/state-folder/paths.ts';

export interface Block {
  /** The page's path in the project. */
  readonly page: string;
  /** The number of the first line, from 1. */
  readonly line: number;
  /** The language after the fence; '' for an indented block. */
  readonly language: string;
  readonly text: string;
}

/** Returns the blocks of a page, named by its path in the project, in their order. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { readonly line: number; readonly language: string; readonly isFenced: boolean; lines: string[] } | null =
    null;
  const close = (): void => {
    const text = open?.lines.join('\n').trimEnd() ?? '';
    if (open !== null && text !== '') blocks.push({ page, line: open.line, language: open.language, text });
    open = null;
  };
  for (const [index, line] of readFileSync(path.join(packageDir, page), 'utf8').split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    const isIndented = /^ {4}/.test(line);
    if (fence !== null && open?.isFenced === true) close();
    else if (fence !== null) {
      close();
      open = { line: index + 2, language: fence[1] ?? '', isFenced: true, lines: [] };
    } else if (open?.isFenced === true) open.lines.push(line);
    else if (isIndented) {
      open ??= { line: index + 1, language: '', isFenced: false, lines: [] };
      open.lines.push(line.slice(4));
    } else if (line.trim() === '') open?.lines.push('');
    else close();
  }
  close();
  return blocks;
}

/** True if a block holds statements. */
export function isSql({ text }: Block): boolean {
  return /^(?:CREATE|GRANT|SELECT|WITH)\b/.test(text);
}

/** Returns the lines of a block as they are typed: without empty lines, a continued line as one, comments kept. */
export function typedLines(block: Block): readonly string[] {
  const { text } = block;
  const joined = isSql(block) ? text.replaceAll(/\n(?=\s)/g, ' ') : text.replaceAll(/\\\n\s*/g, '');
  return joined.split('\n').filter((line) => line.trim() !== '');
}

/** Returns a typed line without its remark. */
export function withoutRemark(line: string): string {
  return line.replace(/\s+#.*$/, '');
}
