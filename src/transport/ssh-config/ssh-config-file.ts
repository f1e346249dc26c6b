import { type Stats, closeSync, constants, fstatSync, openSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { append } from '../../platform/group-by.ts';
import { fileNameMatcher, isGlob } from '../../config/values/globs.ts';

import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { parseSshConfigLine, type SshConfigLine } from './ssh-config-line.ts';
import { parseMatch, type MatchCriterion } from './ssh-config-match.ts';
import { optionFault } from './ssh-config-options.ts';
import { expandTokens, hostTokens, tokensOfSelf, type SshSelf, type SshTokens } from './ssh-config-tokens.ts';

/** An option with its place, `FILE:LINE`. */
export interface SshConfigOption extends SshConfigLine {
  readonly kind: 'option';
  readonly place: string;
}

export interface SshConfigInclude {
  readonly kind: 'include';
  /** The included files that are the same for every host. */
  readonly files: readonly SshConfigFile[];
  /**
   * Reads the included files if their names depend on the host; otherwise null. Throws FleetError `config-invalid` as
   * `loadSshConfig` does.
   */
  readonly filesOf: ((tokens: SshTokens, budget: IncludeBudget) => readonly SshConfigFile[]) | null;
  /** A sentence about an argument that is not followed, with its place. */
  readonly note: string | null;
}

/** The number of files and bytes that were read for one purpose. */
export interface IncludeBudget {
  files: number;
  bytes: number;
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
  readonly self: SshSelf;
  /** The folder that relative Includes are resolved against. */
  readonly base: string;
  readonly depth: number;
  readonly budget: IncludeBudget;
}

/**
 * Reads an ssh_config file and its includes, except those whose names depend on the host. A missing file counts as
 * empty. Throws FleetError `config-invalid`, with the message `FILE:LINE: fault`, for a line that ssh rejects. The
 * message quotes nothing of a line but a keyword that ssh knows: the file may be a private key.
 */
export function loadSshConfig(file: string, self: SshSelf): SshConfigFile {
  return readFile(file, { self, base: folderOfIncludes(file, self.home), depth: 0, budget: { files: 0, bytes: 0 } });
}

/** Returns the folder of relative Includes: /etc/ssh for the system's file, ~/.ssh for every other file, as in ssh. */
export function folderOfIncludes(file: string, home: string): string {
  return file === '/etc/ssh/ssh_config' ? '/etc/ssh' : path.join(home, '.ssh');
}

function readFile(file: string, reading: Reading): SshConfigFile {
  const { self, budget, depth } = reading;
  let text = '';
  try {
    const read = readSshConfigText(file, { self, included: depth > 0, maxBytes });
    if (typeof read === 'string') throw fault(file, read);
    ({ text } = read);
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) throw fault(file, messageOf(thrown), thrown);
  }
  // ssh refuses these files too. Their first keyword would be unknown, and its options would hold for every host.
  if (text.startsWith('\ufeff')) throw fault(`${file}:1`, 'the file begins with a byte order mark, which ssh refuses');
  if (/^(?:\ufffd|[^\0]\0)/.test(text)) throw fault(`${file}:1`, 'the file seems to be UTF-16, which ssh refuses');
  budget.files += 1;
  budget.bytes += text.length;
  if (budget.files > maxFiles || budget.bytes > maxBytes) {
    throw fault(file, `more than ${maxFiles} files or 8 MiB of ssh_config are included`);
  }
  return indexBlocks(parseBlocks(text, file, reading));
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
      // A comment alone names no host.
      if (args.includes('')) throw fault(place, 'Host has an empty pattern');
      begin({ kind: 'host', patterns: args });
    } else if (keyword === 'match') {
      const criteria = parseMatch(rest);
      if (typeof criteria === 'string') throw fault(place, criteria);
      begin({ kind: 'match', criteria, place });
    } else if (keyword === 'include') {
      if (reading.depth >= maxDepth) throw fault(place, `files include each other more than ${maxDepth} deep`);
      if (args.includes('')) throw fault(place, 'Include has an empty argument');
      append(
        entries,
        args.map((arg) => include(arg, place, { ...reading, depth: reading.depth + 1 })),
      );
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
  for (const [index, { condition }] of blocks.entries()) {
    if (condition?.kind !== 'host' || condition.patterns.some((pattern) => /[*?!]/.test(pattern))) {
      always.push(index);
      continue;
    }
    for (const name of condition.patterns) {
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

const everyToken: SshTokens = Object.fromEntries(hostTokens.map((letter) => [letter, '']));

/** Includes the files of one argument: at once, or for each host if a token of the argument depends on the host. */
function include(arg: string, place: string, inner: Reading): SshConfigInclude {
  const { self, base } = inner;
  const own = tokensOfSelf(self);
  const common = expandTokens(arg, own, self.environment);
  const files = (pattern: string | null, budget: IncludeBudget): readonly SshConfigFile[] | string => {
    const paths = pattern === null ? [] : includedPaths(pattern, { base, home: self.home });
    return typeof paths === 'string' ? paths : paths.map((name) => readFile(name, { ...inner, budget }));
  };
  if (common.fault === null) {
    const read = files(common.text, inner.budget);
    if (typeof read !== 'string') return { kind: 'include', files: read, filesOf: null, note: null };
    return { kind: 'include', files: [], filesOf: null, note: `${place}: Include ${read}; passed over` };
  }
  const { fault: wrong } = expandTokens(arg, { ...own, ...everyToken }, self.environment);
  if (wrong === 'has a token that is not followed') throw fault(place, 'Include has a token that ssh does not know');
  if (wrong === 'has ${ without }') throw fault(place, `Include ${wrong}`);
  if (wrong !== null)
    return { kind: 'include', files: [], filesOf: null, note: `${place}: Include ${wrong}; passed over` };
  const filesOf = (tokens: SshTokens, budget: IncludeBudget): readonly SshConfigFile[] => {
    const read = files(expandTokens(arg, tokens, self.environment).text, budget);
    return typeof read === 'string' ? [] : read;
  };
  return { kind: 'include', files: [], filesOf, note: null };
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

/** An Include argument that no file name can be made of, worded to continue a sentence that begins with `Include`. */
type IncludeFault = 'names the home folder of another account';

/** Returns the files of an Include argument in glob(3)'s order. `base` is the folder of relative names. */
function includedPaths(
  pattern: string,
  { base, home: ownHome }: { readonly base: string; readonly home: string },
): readonly string[] | IncludeFault {
  if (/^~[^/]/.test(pattern)) return 'names the home folder of another account';
  const home = pattern === '~' || pattern.startsWith('~/') ? path.join(ownHome, pattern.slice(1)) : pattern;
  const whole = path.resolve(base, home);
  if (!isGlob(whole)) return [whole];
  let places: readonly string[] = ['/'];
  for (const part of whole.split('/').filter((name) => name !== '')) {
    places = isGlob(part) ? matchesIn(places, part) : places.map((place) => path.join(place, part));
  }
  // glob(3) sorts whole paths by their bytes, so `a-b/x` comes before `a/x`.
  return [...places].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

function matchesIn(folders: readonly string[], part: string): readonly string[] {
  const matches = fileNameMatcher(byteByByte(part), { braces: false });
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => matches(byteByByte(name)))
      .map((name) => path.join(folder, name)),
  );
}

/** Returns a text with one character for each byte: in ssh, which sets no locale, `?` matches one byte. */
function byteByByte(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Reads an ssh_config file. As in ssh, the owner and mode are checked for the user's own file and for included files,
 * but not for a file that config.xml names or for the system's file. Returns a sentence about the fault for a file that
 * ssh refuses, for a named pipe and for a file above `maxBytes`. Returns an empty text for an included folder, as ssh
 * does. Throws the error of the file system if the file cannot be read.
 */
function readSshConfigText(
  file: string,
  { self, included, maxBytes }: { readonly self: SshSelf; readonly included: boolean; readonly maxBytes: number },
): { readonly text: string } | string {
  // Without the flag a named pipe would block for ever.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(handle);
    const checked = included || file === path.join(self.home, '.ssh', 'config');
    if (checked && isForeign(stat, self))
      return 'it belongs to somebody else, or others can write to it; ssh refuses it too';
    if (stat.isDirectory() && included) return { text: '' };
    if (!stat.isFile() && file !== '/dev/null') return 'it is no ordinary file';
    return stat.size > maxBytes ? 'it is too large for an ssh_config' : { text: readFileSync(handle, 'utf8') };
  } finally {
    closeSync(handle);
  }
}

/**
 * True if another user owns the file or can write to it (readconf.c: SSHCONF_CHECKPERM). The user's own group may
 * write, as in Debian's ssh.
 */
export function isForeign({ uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>, self: SshSelf): boolean {
  if (uid !== 0 && String(uid) !== self.uid) return true;
  const isOwnGroup = self.uid === String(process.getuid?.()) && gid === process.getgid?.();
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isOwnGroup);
}
