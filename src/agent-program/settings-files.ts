import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';

import { errnoOf, fileFault, FleetError, messageOf } from '../platform/errors/errors.ts';
import { homeFolder } from '../platform/account.ts';
import { isObject } from '../platform/parse-json.ts';
import { settingsFault, type FileOf } from './settings-form.ts';

const maxFileBytes = 256 * 1024;
const maxFiles = 100;
const systemFile = '/etc/fleet-health/agent.json';

/** agent.json and the files of agent.d/ beside it, as one object. */
export interface SettingsFiles {
  /** The path of agent.json; null if there is none. */
  readonly file: string | null;
  readonly values: Readonly<Record<string, unknown>>;
  readonly fileOf: FileOf;
}

/**
 * Reads the named agent.json, otherwise the account's own, otherwise that of /etc, and then agent.d/*.json beside it by
 * name. Merges objects of several files. Throws FleetError `config-missing` if the named file is missing,
 * `config-invalid` if two files contain the same key, `config-permissions` if others can write a file or agent.d, own
 * it, or read a pushKey in it.
 */
export function readSettingsFiles(named: string | null): SettingsFiles {
  const file = findFile(named);
  const files = new Map<string, string>();
  const fileOf: FileOf = (at) => {
    for (let key = at; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
      const source = files.get(key);
      if (source !== undefined) return source;
    }
    return file ?? systemFile;
  };
  if (file === null) return { file, values: {}, fileOf };
  const values = [file, ...filesBeside(file)].reduce<Record<string, unknown>>(
    (merged, one) => merge({ into: merged, from: readObject(one), at: '', source: one, files }),
    {},
  );
  return { file, values, fileOf };
}

/**
 * Returns the `state_directory` of the files, even if they have faults, because a running mode has read them before.
 * Returns null if there is none. Throws FleetError `config-missing` and `config-permissions` as readSettingsFiles does.
 */
export function namedStateDirectory(named: string | null): string | null {
  const file = findFile(named);
  for (const one of file === null ? [] : [file, ...filesBeside(file)]) {
    const literal = /"state_directory"\s*:\s*("(?:[^"\\\n]|\\.)*")/.exec(readText(one).text)?.[1];
    if (literal === undefined) continue;
    try {
      const value: unknown = JSON.parse(literal);
      if (typeof value === 'string' && path.isAbsolute(value)) return value;
    } catch {
      // The value is malformed, as the whole file is.
    }
  }
  return null;
}

function findFile(named: string | null): string | null {
  const found = [named, ownFile(), systemFile].find((file) => file !== null && (file === named || existsSync(file)));
  return found === undefined || found === null ? null : path.resolve(found);
}

function ownFile(): string | null {
  const xdg = process.env['XDG_CONFIG_HOME'];
  const home = homeFolder();
  if (xdg?.startsWith('/') === true) return path.join(xdg, 'fleet-health', 'agent.json');
  return home === null ? null : path.join(home, '.config', 'fleet-health', 'agent.json');
}

function filesBeside(file: string): readonly string[] {
  const dir = path.join(path.dirname(file), 'agent.d');
  try {
    checkWriters(dir, statSync(dir));
    const names = readdirSync(dir).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    if (names.length > maxFiles) throw settingsFault(dir, '', `holds more than ${maxFiles} files`);
    return names.sort().map((name) => path.join(dir, name));
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown instanceof FleetError ? thrown : settingsFault(dir, '', messageOf(thrown));
  }
}

interface Merging {
  readonly into: Readonly<Record<string, unknown>>;
  readonly from: Readonly<Record<string, unknown>>;
  readonly at: string;
  readonly source: string;
  /** The file of each key so far, by its path. */
  readonly files: Map<string, string>;
}

function merge({ into, from, at, source, files }: Merging): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const place = at === '' ? key : `${at}.${key}`;
    const earlier = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (isObject(value) && (earlier === undefined || isObject(earlier))) {
      merged[key] = merge({ into: earlier ?? {}, from: value, at: place, source, files });
    } else if (earlier !== undefined) {
      throw settingsFault(source, place, `stands in ${files.get(place) ?? 'another file'} too; remove one of them`);
    } else merged[key] = value;
    if (!files.has(place)) files.set(place, source);
  }
  return merged;
}

function readObject(file: string): Readonly<Record<string, unknown>> {
  const { text, mode } = readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    // The engine's message quotes the text, which may contain a key.
    const position = /position (\d+)/.exec(messageOf(thrown))?.[1];
    const line = position === undefined ? '' : ` (line ${text.slice(0, Number(position)).split('\n').length})`;
    throw settingsFault(file, '', `is not JSON${line}`);
  }
  if (!isObject(value)) throw settingsFault(file, '', 'must hold one JSON object');
  if (Object.hasOwn(value, 'pushKey') && (mode & 0o004) !== 0) {
    throw refused(`${file} holds a key and can be read by others`, `chmod o= ${file}`);
  }
  return value;
}

function refused(message: string, advice: string): FleetError {
  return new FleetError({ code: 'config-permissions', stage: 'config', message, advice });
}

/** Throws if accounts other than root and this one can write a file: its checks are commands that run. */
function checkWriters(place: string, { mode, uid }: Stats): void {
  if ((mode & 0o022) !== 0) throw refused(`${place} can be written by others`, `chmod go-w ${place}`);
  if (uid === 0 || uid === process.geteuid?.()) return;
  throw refused(`${place} belongs to another account (uid ${uid})`, `Run this as that account, or chown root ${place}`);
}

function readText(file: string): { readonly text: string; readonly mode: number } {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = errnoOf(thrown) === 'ENOENT' ? 'config-missing' : 'config-invalid';
    const advice = 'Name another file with -c FILE, or let this account read it.';
    throw new FleetError({ code, stage: 'config', message: `${file} cannot be read: ${fileFault(thrown)}`, advice });
  }
  try {
    const facts = fstatSync(handle);
    const { size, mode } = facts;
    if (!facts.isFile()) throw settingsFault(file, '', 'is no regular file');
    if (size > maxFileBytes) throw settingsFault(file, '', `is larger than ${maxFileBytes} bytes`);
    checkWriters(file, facts);
    return { text: readFileSync(handle, 'utf8'), mode };
  } finally {
    closeSync(handle);
  }
}
