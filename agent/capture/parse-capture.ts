/**
 * Parses the capture of a client without Node: what agent/capture/agent.sh prints. The text is a stranger's: bounded,
 * and nothing in it is believed beyond what a probe checks.
 *
 * Each line is one of:
 *   `PATH:TEXT` a line of a file. Paths are relative to the root; a colon in a path is the byte 1
 *   `!PATH:TEXT` the first text of a file whose texts end in a null byte
 *   `+PATH` a file or folder that exists; `-PATH` one that this account may not read
 *   `:NAME:TEXT` a line of a program's output, whose last line is `=STATUS`
 *   `=KEY TEXT` a fact that the script itself found; `=end` is the last line of a whole capture
 */
import { ReportFault } from '../../src/report/report.ts';
import { unescaped } from '../probes/mountinfo.ts';
import type { ProgramAnswer } from '../probes/source.ts';

/** The most bytes of a capture, unpacked: that of 5,000 processes, read twice. */
export const maxUnpackedBytes = 4 * 1024 * 1024;
const maxLines = 65_536;
/** The most lines of one file, program or fact: more than of 10,000 mounts. */
const maxLinesOfOne = 16_384;
const maxPathChars = 1024;
const maxPathLevels = 16;
/** The longest output of a program. A longer one counts as none. */
const maxOutputChars = 1024 * 1024;

export type Files = ReadonlyMap<string, string>;

export interface Capture {
  /** The files at the one or two times of reading, by absolute path. */
  readonly samples: readonly Files[];
  readonly names: ReadonlySet<string>;
  readonly unreadable: ReadonlySet<string>;
  readonly programs: ReadonlyMap<string, ProgramAnswer>;
  /** The texts of facts by key, in their order. */
  readonly facts: ReadonlyMap<string, readonly string[]>;
  /** The notes of the last visit; null if there are none. */
  readonly notes: string | null;
  /** The lines about people's own checks, with a character for each byte; null if none have run. */
  readonly checks: readonly string[] | null;
}

/** Parses a capture. Throws ReportFault. */
export function parseCapture(bytes: Buffer): Capture {
  if (bytes.length > maxUnpackedBytes) throw tooLarge(`more than ${maxUnpackedBytes} bytes`);
  const lines = bytes.toString().split('\n', maxLines + 1);
  if (lines.length > maxLines) throw tooLarge(`more than ${maxLines} lines`);
  const sampled = [new Map<string, string[]>()];
  const names = new Set<string>();
  const unreadable = new Set<string>();
  const printed = new Map<string, string[]>();
  const firsts = new Map<string, string>();
  const facts = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, key: string, text: string): void => {
    const before = to.get(key);
    if (before === undefined) to.set(key, [text]);
    else if (before.push(text) > maxLinesOfOne) throw tooLarge(`more than ${maxLinesOfOne} lines of one kind`);
  };
  for (const line of lines) {
    const rest = line.slice(1);
    if (line.startsWith('=')) {
      const [key = ''] = rest.split(' ', 1);
      if (key === 'sample' && sampled.length < 2) sampled.push(new Map<string, string[]>());
      add(facts, key, rest.slice(key.length + 1));
    } else if (line.startsWith('+')) {
      if (!rest.includes('*')) names.add(pathOf(rest));
    } else if (line.startsWith('-')) {
      unreadable.add(pathOf(rest));
    } else if (line.startsWith(':')) {
      const [name = ''] = rest.split(':', 1);
      add(printed, name, rest.slice(name.length + 1));
    } else if (line.startsWith('!')) {
      const colon = rest.indexOf(':');
      if (colon > 0) firsts.set(pathOf(rest.slice(0, colon)), `${rest.slice(colon + 1)}\0`);
    } else {
      const colon = line.indexOf(':');
      if (colon > 0) add(sampled.at(-1) ?? facts, pathOf(line.slice(0, colon)), line.slice(colon + 1));
    }
  }
  if (!facts.has('end')) throw new ReportFault('report-invalid', '$', 'a capture without its end');
  const ended = sampled.map(
    (files) => new Map([...[...files].map(([path, text]) => [path, `${text.join('\n')}\n`] as const), ...firsts]),
  );
  return {
    samples: ended,
    names,
    unreadable,
    programs: new Map([...printed].map(([name, output]) => [name, answerOf(output)])),
    facts,
    notes: printed.get('notes')?.join('\n') ?? null,
    checks: printed.has('checks') ? bytesOf(bytes, ':checks:') : null,
  };
}

/** Returns the ends of the lines with a beginning, with a character for each byte. */
function bytesOf(bytes: Buffer, beginning: string): readonly string[] {
  const lines = bytes.toString('latin1').split('\n');
  return lines.flatMap((line) => (line.startsWith(beginning) ? line.slice(beginning.length) : []));
}

function pathOf(relative: string): string {
  const isShort = relative.length <= maxPathChars && relative.split('/', maxPathLevels + 1).length <= maxPathLevels;
  if (!isShort) throw new ReportFault('report-invalid', '$', 'a path that no probe reads');
  return `/${relative.replaceAll('\x01', ':')}`;
}

function answerOf(lines: readonly string[]): ProgramAnswer {
  const [, status] = /^=(\d{1,3})$/.exec(lines.at(-1) ?? '') ?? [];
  const output = (status === undefined ? lines : lines.slice(0, -1)).join('\n');
  if (output.length > maxOutputChars) return { output: '', status: null };
  return { output, status: status === undefined ? null : Number(status) };
}

function tooLarge(why: string): ReportFault {
  return new ReportFault('report-too-large', '$', why);
}

/** Returns the path of a mount in a fact, which begins with a point and is written as in mountinfo. */
export function mountIn(text: string): string {
  return unescaped(text.slice(1)).replace(/^\/\//, '/');
}
