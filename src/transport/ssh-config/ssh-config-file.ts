import { closeSync, fstatSync, openSync, readFileSync, readdirSync, type Stats } from 'node:fs';
import path from 'node:path';

import { fileNameMatcher, isGlob } from '../../config/values/globs.ts';
import { loginHome } from '../../platform/account.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { parseSshConfigLine, type SshConfigLine } from './ssh-config-line.ts';
import { parseMatch, type MatchCriterion } from './ssh-config-match.ts';
import { optionFault } from './ssh-config-options.ts';

/** An option with its place, `FILE:LINE`. */
export interface SshConfigOption extends SshConfigLine {
  readonly kind: 'option';
  readonly place: string;
}

export interface SshConfigInclude {
  readonly kind: 'include';
  readonly files: readonly SshConfigFile[];
}

/** The options and includes after a Host or Match line, or before the first such line. */
export interface SshConfigBlock {
  /** The condition of the Host or Match line. null for the block before the first such line, which always applies. */
  readonly condition:
    | { readonly kind: 'host'; readonly patterns: readonly string[] }
    | { readonly kind: 'match'; readonly criteria: readonly MatchCriterion[]; readonly place: string }
    | null;
  readonly entries: readonly (SshConfigOption | SshConfigInclude)[];
}

/** A parsed file with its includes. One object serves lookups of many hosts. */
export interface SshConfigFile {
  /** The names of its Host lines and of those in its includes that are no patterns, in file order. */
  readonly hostNames: readonly string[];
  /**
   * Returns the blocks that may apply to a host, in file order. Blocks are indexed by name, so that ten thousand Host
   * blocks do not slow down the lookup of other hosts.
   */
  blocksFor(host: string): readonly SshConfigBlock[];
}

/** readconf.c: READCONF_MAX_DEPTH. */
const maxDepth = 16;
const maxBytes = 8 * 1024 * 1024;
const maxFiles = 1000;

interface Reading {
  /** The folder that relative Includes are resolved against. */
  readonly base: string;
  readonly depth: number;
  readonly budget: { files: number; bytes: number };
}

/**
 * Reads an ssh_config file and all its includes. A missing file counts as empty. Throws FleetError `config-invalid`,
 * with the message `FILE:LINE: fault`, for a line that ssh rejects.
 */
export function loadSshConfig(file: string): SshConfigFile {
  // Relative to /etc/ssh for the system's file, and to ~/.ssh for every other file, as in ssh.
  const base = file === '/etc/ssh/ssh_config' ? '/etc/ssh' : path.join(loginHome(), '.ssh');
  return readFile(file, { base, depth: 0, budget: { files: 0, bytes: 0 } });
}

function readFile(file: string, reading: Reading): SshConfigFile {
  const { budget } = reading;
  let text: string;
  try {
    text = readSafely(file, reading);
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) text = '';
    else throw fault(file, messageOf(thrown), thrown);
  }
  budget.files += 1;
  budget.bytes += text.length;
  if (budget.files > maxFiles || budget.bytes > maxBytes) {
    throw fault(file, `more than ${maxFiles} files or 8 MiB of ssh_config are included`);
  }
  return indexBlocks(parseBlocks(text, file, reading));
}

/**
 * Reads a file. As in ssh, the owner and mode are checked for the user's own file and for included files, but not for a
 * file that config.xml names or for the system's file.
 */
function readSafely(file: string, { depth }: Reading): string {
  const handle = openSync(file, 'r');
  try {
    const checked = depth > 0 || file === path.join(loginHome(), '.ssh', 'config');
    if (checked && isForeign(fstatSync(handle))) {
      throw fault(file, 'it belongs to somebody else, or others can write to it; ssh refuses it too');
    }
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}

/**
 * True if another user owns the file or can write to it (readconf.c: SSHCONF_CHECKPERM). The user's own group may
 * write, as in Debian's ssh.
 */
function isForeign({ uid, gid, mode }: Stats): boolean {
  if (uid !== 0 && uid !== process.getuid?.()) return true;
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== process.getgid?.());
}

function parseBlocks(text: string, file: string, reading: Reading): readonly SshConfigBlock[] {
  const blocks: { condition: SshConfigBlock['condition']; entries: (SshConfigOption | SshConfigInclude)[] }[] = [];
  let entries: (SshConfigOption | SshConfigInclude)[] = [];
  blocks.push({ condition: null, entries });
  const begin = (condition: SshConfigBlock['condition']): void =>
    void blocks.push({ condition, entries: (entries = []) });
  for (const [index, raw] of text.split('\n').entries()) {
    const line = parseSshConfigLine(raw);
    if (line === null) continue;
    const place = `${file}:${index + 1}`;
    if (typeof line === 'string') throw fault(place, line);
    const { keyword, args, rest, written } = line;
    if (keyword === 'host') {
      if (args.length === 0 || args.includes('')) throw fault(place, 'Host has an empty pattern');
      begin({ kind: 'host', patterns: args });
    } else if (keyword === 'match') {
      const criteria = parseMatch(rest);
      if (typeof criteria === 'string') throw fault(place, criteria);
      begin({ kind: 'match', criteria, place });
    } else if (keyword === 'include') {
      if (reading.depth >= maxDepth) throw fault(place, `files include each other more than ${maxDepth} deep`);
      const inner = { ...reading, depth: reading.depth + 1 };
      entries.push({ kind: 'include', files: includedFiles(args, reading.base).map((name) => readFile(name, inner)) });
    } else {
      const wrong = optionFault(keyword, args);
      if (wrong !== null) throw fault(place, `${written} ${wrong}`);
      entries.push({ kind: 'option', place, ...line });
    }
  }
  return blocks;
}

function indexBlocks(blocks: readonly SshConfigBlock[]): SshConfigFile {
  const byName = new Map<string, number[]>();
  const always: number[] = [];
  for (const [index, { condition, entries }] of blocks.entries()) {
    if (entries.length === 0 && condition?.kind !== 'match') continue;
    if (condition?.kind !== 'host' || condition.patterns.some((pattern) => /[*?!]/.test(pattern))) {
      always.push(index);
      continue;
    }
    for (const name of new Set(condition.patterns)) {
      const indexes = byName.get(name);
      if (indexes === undefined) byName.set(name, [index]);
      else indexes.push(index);
    }
  }
  const hostNames = blocks.flatMap(({ condition, entries }) => [
    ...(condition?.kind === 'host' ? condition.patterns.filter((pattern) => !/[*?!]/.test(pattern)) : []),
    ...entries.flatMap((entry) => (entry.kind === 'include' ? entry.files.flatMap((file) => file.hostNames) : [])),
  ]);
  return {
    hostNames,
    blocksFor: (host) => {
      const own = byName.get(host);
      const indexes = own === undefined ? always : [...always, ...own].sort((left, right) => left - right);
      return indexes.flatMap((index) => blocks[index] ?? []);
    },
  };
}

/** Returns the files of an Include line, in glob(3)'s order. */
function includedFiles(patterns: readonly string[], base: string): readonly string[] {
  return patterns.flatMap((pattern) => {
    const home = pattern === '~' || pattern.startsWith('~/') ? path.join(loginHome(), pattern.slice(1)) : pattern;
    const whole = path.resolve(base, home);
    if (!isGlob(whole)) return [whole];
    let places = ['/'];
    for (const part of whole.split('/').filter((name) => name !== '')) {
      places = places.flatMap((place) => {
        if (!isGlob(part)) return [path.join(place, part)];
        const matches = fileNameMatcher(part);
        return namesIn(place)
          .filter(matches)
          .sort()
          .map((name) => path.join(place, name));
      });
    }
    return places;
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function fault(place: string, message: string, cause?: unknown): FleetError {
  return new FleetError({
    code: 'config-invalid',
    stage: 'config',
    message: `${place}: ${message}`,
    advice: 'Mend it; `ssh -G NAME` says the same. Or write config="none".',
    cause,
  });
}
