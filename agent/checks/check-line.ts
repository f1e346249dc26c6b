/** Reads the lines of conf files, of checks.d and of NRPE. agent/capture/checks.awk reads the same lines. */
import { checkOf, splitWords, type Check } from '../../src/report/check-command.ts';
import { madeKindOf, ownFormats, type MadeKind } from '../../src/report/checks.ts';
import { serverChecks, serverWordsFault, type ServerKind } from '../../src/report/server-checks.ts';
import { nvidiaSmi } from './check-places.ts';

/** A check, files to include, the name of a built-in check that must exist, or a refusal. null for an empty line. */
export type LineMeaning =
  Check | { readonly include: string } | { readonly expected: string } | { readonly refused: string } | null;

const gpuOption = /^(every|timeout|expected|program)=(.*)$/;
const gpuQuery = '--query-gpu=name,temperature.gpu,utilization.gpu,memory.used,memory.total';
const secondsOf = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Reads a line of checks.d: `NAME [every=5m] [timeout=10s] [format=nagios|checkmk|prom] COMMAND ARG...`. */
export function readConfLine(line: string): LineMeaning {
  if (/^[ \t]*(?:#|$)/.test(line)) return null;
  const [name = '', ...rest] = splitWords(line)?.words ?? [];
  if (name === 'include-nrpe') {
    const [include = ''] = rest;
    if (rest.length === 1 && include.startsWith('/')) return { include };
    return { refused: 'include-nrpe takes one absolute path' };
  }
  const kind = madeKindOf(name);
  const made = kind === null ? undefined : madeOf[kind](rest);
  if (made !== undefined) return made;
  const container = name === 'container' ? rest.join(' ') : '';
  if (/^[\w.-]{1,255}$/.test(container)) return { expected: `container:${container}` };
  // A line with a command is a check of that name.
  if (name === 'gpu' && rest.every((word) => gpuOption.test(word))) {
    return gpuOf(rest) ?? { refused: 'gpu takes expected=NUMBER' };
  }
  const { every, timeout, format = 'nagios' } = takeOptions(rest, /^(every|timeout|format)=(.*)$/);
  const isOwn = ownFormats.some((candidate) => candidate === format);
  const check = checkOf({ name, command: rest, every: secondsIn(every), timeout: secondsIn(timeout), format });
  return (isOwn ? check : null) ?? { refused: 'not a line of NAME and COMMAND' };
}

/** The readers of the words after a kind. They return undefined for a line with a command: a check of that name. */
const madeOf: Readonly<Record<MadeKind, (words: readonly string[]) => LineMeaning | undefined>> = {
  certificate: (words) =>
    certificateOf(words) ?? { refused: 'certificate takes NAME and connect=HOST:PORT or file=PATH' },
  textfile: (words) => textfileOf(words) ?? { refused: 'textfile takes an absolute path' },
  http: (words) => serverOf('http', words),
  tcp: (words) => serverOf('tcp', words),
  dns: (words) => serverOf('dns', words),
};

/** Reads the words after `http`, `tcp` or `dns`: `NAME [every=] [timeout=] OPTION=VALUE...`. */
function serverOf(kind: ServerKind, [name = '', ...words]: readonly string[]): LineMeaning | undefined {
  const { needs } = serverChecks[kind];
  if (!words.some((word) => word.startsWith(`${needs}=`))) return undefined;
  const isTime = (word: string): boolean => /^(every|timeout)=/.test(word);
  const { every, timeout } = takeOptions(words.filter(isTime), /^(every|timeout)=(.*)$/);
  const own = words.filter((word) => !isTime(word));
  const fault = serverWordsFault(kind, own) ?? 'its name, every= or timeout= is wrong';
  const check = checkOf({
    name: `${kind}:${name}`,
    command: [kind, ...own],
    every: secondsIn(every),
    timeout: secondsIn(timeout),
    format: kind,
  });
  return name !== '' && serverWordsFault(kind, own) === null && check !== null
    ? check
    : { refused: `${kind} takes NAME and ${needs}=...: ${fault}` };
}

/** Removes words such as `every=5m` from the start. Returns their values by name. */
function takeOptions(words: string[], form: RegExp): Readonly<Record<string, string | undefined>> {
  const options: Record<string, string> = {};
  for (;;) {
    const [, key, value] = form.exec(words[0] ?? '') ?? [];
    if (key === undefined || value === undefined) return options;
    options[key] = value;
    words.shift();
  }
}

/**
 * Reads the words after `certificate`: `NAME [every=] [timeout=] [warning=] [critical=] [servername=] connect=|file=`.
 */
function certificateOf([name = '', ...rest]: readonly string[]): Check | null {
  const form = /^(every|timeout|warning|critical|servername|connect|file)=(.*)$/;
  const { every, timeout, warning = '21d', critical = '7d', servername = '', connect, file } = takeOptions(rest, form);
  const limits = [secondsIn(warning), secondsIn(critical)];
  const isTarget =
    file === undefined
      ? /^(?:\[[\da-f:.]+\]|\w[\w.-]*):\d{1,5}$/i.test(connect ?? '') && /^(?:\w[\w.-]*)?$/.test(servername)
      : /^\/[^,![\]\\]*$/.test(file) && connect === undefined && servername === '';
  if (!isTarget || name === '' || rest.length > 0 || limits.some((limit = 0) => !(limit > 0))) return null;
  const target = file === undefined ? ['connect', connect, servername] : ['file', file, ''];
  return checkOf({
    name: `certificate:${name}`,
    command: [...target, ...limits.map(String)],
    every: secondsIn(every),
    timeout: secondsIn(timeout),
    format: 'certificate',
  });
}

/** Reads the words after `textfile`: `DIR [every=] [timeout=] [stale=] [metrics=]`. */
function textfileOf([dir = '', ...rest]: readonly string[]): Check | null {
  const { every, timeout, stale = '2h', metrics = '' } = takeOptions(rest, /^(every|timeout|stale|metrics)=(.*)$/);
  const staleSeconds = secondsIn(stale) ?? NaN;
  if (!dir.startsWith('/') || rest.length > 0 || !(staleSeconds > 0) || !/^([\w:*]+(,[\w:*]+)*)?$/.test(metrics))
    return null;
  return checkOf({
    name: `textfile:${dir}`,
    command: ['textfile', dir, String(staleSeconds), metrics],
    every: secondsIn(every),
    timeout: secondsIn(timeout),
    format: 'textfile',
  });
}

/**
 * Reads the words after `gpu`: `[every=] [timeout=] [expected=] [program=]`. The collector reads the number in the
 * name.
 */
export function gpuOf(words: readonly string[], found = nvidiaSmi): Check | null {
  const { every, timeout, expected = '', program = found } = takeOptions([...words], gpuOption);
  if (!/^\d{0,3}$/.test(expected)) return null;
  return checkOf({
    name: expected === '' ? 'gpu' : `gpu:${expected}`,
    command: [program, gpuQuery, '--format=csv,noheader,nounits'],
    every: secondsIn(every),
    timeout: secondsIn(timeout),
    format: 'gpu',
  });
}

/** Reads a line of NRPE: `command[NAME]=COMMAND ARG...`. Returns null for other lines of NRPE. */
export function readNrpeLine(line: string): LineMeaning {
  const [, name = '', text = ''] = /^[ \t]*command\[([^\]]*)\][ \t]*=(.*)$/.exec(line) ?? [];
  if (name === '') return null;
  if (/\$ARG\d+\$/.test(text)) return { refused: 'takes arguments' };
  const split = splitWords(text);
  if (split === null || split.needsShell) return { refused: 'needs a shell' };
  return checkOf({ name, command: split.words }) ?? { refused: 'not a line of NAME and COMMAND' };
}

/** Returns seconds; NaN for a text that is no duration, and undefined without a text. */
function secondsIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number = NaN, unit = 's'] = /^(\d{1,7})([smhd]?)$/.exec(text) ?? [];
  return Number(number) * secondsOf[(unit || 's') as keyof typeof secondsOf];
}
