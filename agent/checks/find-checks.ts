import { existsSync, readdirSync, statSync } from 'node:fs';

import { checkOf, type Check } from '../../src/report/check-command.ts';
import { maxChecks, maxRefusedChecks, type RefusedCheck } from '../../src/report/checks.ts';
import { openSource } from '../live/live-source.ts';
import { printable } from '../probes/function-report.ts';
import { gpuOf, readConfLine, readNrpeLine, type LineMeaning } from './check-line.ts';
import { untrustedPart } from './trust.ts';

const maxFiles = 100;
const maxFileBytes = 64 * 1024;

/** The checks to run, and the refused ones. */
export interface FoundChecks {
  readonly checks: readonly Check[];
  readonly refused: readonly RefusedCheck[];
  /** The names of built-in checks that must exist. */
  readonly expected: readonly string[];
}

/**
 * Reads the checks of these folders, then the NRPE files that they include, then the checks of the request. The first
 * of two checks with one name counts; in a conf file the second is refused. Files that another account could change are
 * refused. GPUs are checked if nvidia-smi exists, unless another check has that name.
 */
export function findChecks(folders: readonly string[], requested: readonly unknown[], smi: string): FoundChecks {
  const checks = new Map<string, Check>();
  const refused: RefusedCheck[] = [];
  const includes: string[] = [];
  const surplus: string[] = [];
  const expected: string[] = [];
  const refuse = (path: string, why: string): void => {
    if (refused.length < maxRefusedChecks) refused.push({ path: printable(path), why: printable(why) });
  };
  const take = (place: string, meaning: LineMeaning): void => {
    if (meaning === null) return;
    if ('refused' in meaning) refuse(place, meaning.refused);
    else if ('include' in meaning) includes.push(meaning.include);
    else if ('expected' in meaning) expected.push(meaning.expected);
    else if (checks.has(meaning.name)) refuse(place, 'a name that another check has');
    else if (checks.size < maxChecks) checks.set(meaning.name, meaning);
    else surplus.push(place);
  };
  const read = (file: string, meaningOf: (line: string) => LineMeaning): void => {
    const text = confLines(file);
    if ('refused' in text) refuse(file, text.refused);
    else text.lines.forEach((line, at) => take(`${file}:${at + 1}`, meaningOf(line)));
  };
  for (const folder of folders) for (const file of filesIn(folder, '.conf')) read(file, readConfLine);
  for (const path of includes) {
    if (!existsSync(path)) refuse(path, 'not there');
    else for (const file of statSync(path).isDirectory() ? filesIn(path, '.cfg') : [path]) read(file, readNrpeLine);
  }
  for (const item of requested.slice(0, maxChecks)) {
    const check = requestedCheck(item);
    // The client's own check of that name runs.
    if (!('name' in check && checks.has(check.name))) take('config.xml', check);
  }
  if (existsSync(smi) && ![...checks.keys()].some((name) => /^gpu(?::\d+)?$/.test(name))) take('', gpuOf([], smi));
  if (surplus[0] !== undefined) refuse(surplus[0], `more than ${maxChecks} checks`);
  return { checks: [...checks.values()], refused, expected: expected.slice(0, maxChecks) };
}

function requestedCheck(item: unknown): Check | { readonly refused: string } {
  const { name, command, everySeconds, timeoutSeconds, format } = (item ?? {}) as Readonly<Record<string, unknown>>;
  return (
    checkOf({ name, command, every: everySeconds, timeout: timeoutSeconds, format }) ?? {
      refused: 'not a check with NAME and COMMAND',
    }
  );
}

function filesIn(folder: string, suffix: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(suffix) && !name.startsWith('.'))
      .sort()
      .slice(0, maxFiles)
      .map((name) => `${folder.replace(/\/+$/, '')}/${name}`);
  } catch {
    return [];
  }
}

function confLines(file: string): { readonly lines: readonly string[] } | { readonly refused: string } {
  const part = untrustedPart(file);
  if (part !== null) return { refused: `untrusted: ${part}` };
  try {
    const status = statSync(file);
    if (!status.isFile()) return { refused: 'cannot be read' };
    if (status.size > maxFileBytes) return { refused: `longer than ${maxFileBytes / 1024} KiB` };
    const text = openSource('').readStart(file, maxFileBytes);
    return { lines: text.split('\n').map((line) => line.replace(/\r$/, '')) };
  } catch {
    return { refused: 'cannot be read' };
  }
}
