/** agent/capture: clients without Node: the script that copies what the probes name, and the machine of a capture. */

/** The machine of a capture, to the probes. */
import { ReportFault } from '../../src/report/report.ts';
import { pausedOnes, unhealthyOnes } from '../probes/containers.ts';
import { parseProcessStat } from '../probes/process-stat.ts';
import { faultOf } from '../probes/source.ts';
import type { MountAnswer, Notes, Programs, Source, SourceReader, Usage } from '../probes/source.ts';
import { mountIn, type Capture, type Files } from './parse-capture.ts';

/** The texts of stat(1) for errors of statfs, and whether the mount is dead. */
const statErrors: readonly (readonly [text: string, code: string, isDead: boolean])[] = [
  ['Stale', 'ESTALE', true],
  ['endpoint is not connected', 'ENOTCONN', true],
  ['timed out', 'ETIMEDOUT', true],
  ['Host is down', 'EHOSTDOWN', true],
  ['No route to host', 'EHOSTUNREACH', true],
  ['connection abort', 'ECONNABORTED', true],
  ['put/output error', 'EIO', true],
  ['I/O error', 'EIO', true],
  ['ermission denied', 'EACCES', false],
  ['No such file', 'ENOENT', false],
];

/** The page sizes of processors whose kernels support only one. */
const fixedPages = /^(x86_64|i[3-6]86|s390x)$/;

/** The line of df(1) for a mount, behind the name of its device. */
const dfLine = /(?<! ) +(\d+) +(\d+) +(-?\d+) +(?:\d+%|-) +(\/[^]*)/;

/** The most folders, each of which costs much more memory than its name. */
const maxFolders = 16_384;
/** The most processes of the script itself. */
const maxOwnPids = 256;

export interface CapturedOptions {
  readonly capture: Capture;
  /** The files of one time of reading. */
  readonly files: Files;
  readonly nowMs: number;
  readonly notes: Notes | null;
}

/** Returns the machine of a capture. */
export function capturedSource({ capture, files, nowMs, notes }: CapturedOptions): Source {
  const { names, unreadable, programs, facts } = capture;
  const children = childrenOf([...files.keys(), ...names, ...unreadable]);
  const [links, real, times, kinds] = ['link', 'real', 'time', 'kind'].map((key) => pairsIn(capture, key));
  const spaces = spacesIn(capture);
  const read = (path: string): string => {
    const text = files.get(path);
    if (text !== undefined) return text;
    const isThere = names.has(path) || children.has(path);
    const fault = coded(unreadable.has(path) ? 'EACCES' : isThere ? 'EIO' : 'ENOENT');
    throw new Error(faultOf(fault, path), { cause: fault });
  };
  return {
    read,
    readOptional: (path) => files.get(path) ?? null,
    readStart: (path, maxBytes) => read(path).slice(0, maxBytes),
    list: (path) => [...(children.get(path) ?? [])],
    exists: (path) => files.has(path) || names.has(path) || children.has(path) || programs.has(baseOf(path)),
    isFolder: (path) => ['folder', 'closed'].includes(kinds?.get(path) ?? ''),
    linkName: (path) => links?.get(path) ?? null,
    realPath: (path) => real?.get(path) ?? path,
    changedMs: (path) => Number(times?.get(path) ?? (names.has(path) ? NaN : 0)) * 1000,
    space: (mount) => {
      const usage = spaces.get(mount);
      if (usage !== undefined) return usage;
      const kind = kinds?.get(mount);
      throw coded(
        facts.get('nofs')?.[0] ?? (kind === 'closed' ? 'EACCES' : kind === undefined ? 'ENOENT' : 'no answer'),
      );
    },
    programs: programsOf(capture, spaces, notes !== null),
    notes,
    reader: readerOf(capture, files, nowMs),
  };
}

function readerOf({ facts }: Capture, files: Files, nowMs: number): SourceReader {
  const named = files.get('/proc/sys/kernel/arch')?.trim() ?? facts.get('uname')?.[0] ?? '';
  const architecture = /^\w{2,32}$/.test(named) ? named : 'unknown';
  const uptime = parseFloat(files.get('/proc/uptime') ?? '');
  // /proc/uptime goes on while the machine sleeps.
  const hasSlept = Number(files.get('/sys/power/suspend_stats/success') ?? 0) > 0;
  return {
    pids: [...ownPids(files, Number(facts.get('pid')?.[0]))].slice(0, maxOwnPids),
    architecture,
    pageBytes: () => (fixedPages.test(architecture) ? 4096 : pageBytesIn(files)),
    nowMs: () => nowMs,
    monotonicS: () => (hasSlept ? NaN : uptime),
  };
}

function programsOf(capture: Capture, spaces: ReadonlyMap<string, Usage>, isKept: boolean): Programs {
  const { programs, facts } = capture;
  const limitOf = (name: string): string =>
    facts
      .get('limit')
      ?.find((text) => text.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? '?';
  return {
    run: (program, args, _deadlineMs, statuses = [0]) => {
      const name =
        [`${baseOf(program)} ${args.at(-1)}`, baseOf(program)].find((one) => programs.has(one)) ?? baseOf(program);
      const answer = programs.get(name);
      if (answer !== undefined && statuses.includes(answer.status ?? NaN)) return Promise.resolve(answer);
      const isLate = answer?.status === 137;
      const why = isLate ? `no answer within ${limitOf(name)} s` : `ended with ${answer?.status ?? 'nothing'}`;
      return Promise.reject(new Error(`${name}: ${why}`));
    },
    askMounts: (mounts, twoSized) => Promise.resolve(answersOf(capture, spaces, { mounts, twoSized, isKept })),
    containers: (what) =>
      programs.has('containers') ? Promise.resolve(listsIn(programs.get(answerName(what))?.output ?? '')) : null,
    log: () => Promise.resolve(programs.get('log')?.output ?? ''),
  };
}

/** Returns the answers of each runtime: lists begin with a line `[`. */
function listsIn(output: string): readonly string[] {
  return output.split(/^(?=\[$)/m);
}

/** Returns the name under which the script prints an answer of Docker or Podman: `unhealthy`, `4f5d0a1b2c3d logs`. */
function answerName(what: string): string {
  if (what === unhealthyOnes) return 'unhealthy';
  if (what === pausedOnes) return 'paused';
  return what === 'json' ? 'containers' : what.split('?', 1).join().replace('/', ' ');
}

interface Asked {
  readonly mounts: readonly string[];
  readonly twoSized: readonly string[];
  /** True if the client can keep what hangs. */
  readonly isKept: boolean;
}

/** Returns the answers of mounts that may hang. */
function answersOf(
  capture: Capture,
  spaces: ReadonlyMap<string, Usage>,
  { mounts, twoSized, isKept }: Asked,
): ReadonlyMap<string, MountAnswer> {
  const isTwoSized = new Set(twoSized);
  const [failed, sizes, silent, hanging] = ['fail', 'df', 'late', 'hang'].map((key) => pairsIn(capture, key));
  const answerOf = (mount: string): MountAnswer => {
    if (hanging?.has(mount)) return { unresponsive: true, reason: 'an earlier question still hangs' };
    const late = silent?.get(mount);
    if (late !== undefined) return { unresponsive: true, reason: `no answer within ${late} ms` };
    const usage = spaces.get(mount);
    if (usage !== undefined) return isTwoSized.has(mount) ? resized(usage, sizes?.get(mount)) : { usage };
    const why = failed?.get(mount);
    const [, code = 'no answer', isDead = false] = statErrors.find(([text]) => why?.includes(text)) ?? [];
    if (why !== undefined) return { unresponsive: isDead, reason: `statfs: ${code}` };
    const reason = isKept ? 'not asked' : 'not asked: nothing can be remembered on this client';
    return { unresponsive: false, reason };
  };
  return new Map(mounts.map((mount) => [mount, answerOf(mount)]));
}

/** Returns the texts behind the paths of facts with this key. */
function pairsIn({ facts }: Capture, key: string): ReadonlyMap<string, string> {
  const texts = facts.get(key) ?? [];
  return new Map(
    texts.map((text) => [mountIn(text.split(' ', 1)[0] ?? ''), text.slice(text.indexOf(' ') + 1)] as const),
  );
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Returns the names in each folder, in the order of the paths. Throws ReportFault. */
function childrenOf(paths: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const children = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let at = path.lastIndexOf('/'), end = path.length; at >= 0; end = at, at = path.lastIndexOf('/', at - 1)) {
      const folder = at === 0 ? '/' : path.slice(0, at);
      const known = children.get(folder);
      known?.add(path.slice(at + 1, end));
      // The folders above a known one are known.
      if (known !== undefined) break;
      children.set(folder, new Set([path.slice(at + 1, end)]));
      if (at === 0) break;
    }
    if (children.size > maxFolders) throw new ReportFault('report-too-large', '$', `more than ${maxFolders} folders`);
  }
  return children;
}

/** Returns the space of mounts: the figures of stat(1), or those of df(1), which counts in KiB. */
function spacesIn({ facts, programs }: Capture): ReadonlyMap<string, Usage> {
  const spaces = new Map<string, Usage>();
  const rows = (name: string): (readonly [number, number, number, string])[] =>
    (programs.get(name)?.output ?? '').split('\n').flatMap((line) => {
      const [, all, used, free, mount] = dfLine.exec(line) ?? [];
      return mount === undefined ? [] : [[Number(all), Number(used), Number(free), mount] as const];
    });
  const root = facts.get('root')?.[0] ?? '';
  const inodes = new Map(rows('dfi').map(([files, used, , mount]) => [mount, { files, ffree: files - used }]));
  for (const [blocks, used, free, mount] of rows('df')) {
    const counts = inodes.get(mount) ?? { files: 0, ffree: 0 };
    const usage = { bsize: 1024, blocks, bfree: blocks - used, bavail: Math.max(0, free), ...counts };
    spaces.set(mount.startsWith(root) ? mount.slice(root.length) || '/' : mount, usage);
  }
  for (const text of facts.get('fs') ?? []) {
    const [, figures = '', mount = ''] = /^((?:\d+ ){6})(.+)$/.exec(text) ?? [];
    const [blocks = NaN, bfree = NaN, bavail = NaN, bsize = NaN, files = NaN, ffree = NaN] = figures
      .split(' ')
      .map(Number);
    if (mount !== '') spaces.set(mountIn(mount), { bsize, blocks, bfree, bavail, files, ffree });
  }
  return spaces;
}

/** Returns the space with the block size by which df counts. */
function resized(usage: Usage, df: string | undefined): MountAnswer {
  const [, kibibytes] = dfLine.exec(df ?? '') ?? [];
  if (kibibytes === undefined) return { unresponsive: false, reason: 'df did not tell its size' };
  const { blocks, bsize } = usage;
  const isRight = blocks === 0 || Math.ceil((blocks * bsize) / 1024) === Number(kibibytes);
  return { usage: isRight ? usage : { ...usage, bsize: Math.round((Number(kibibytes) * 1024) / blocks) } };
}

/** Returns the script's own process and those that it started. */
function ownPids(files: Files, own: number): ReadonlySet<number> {
  const pids = new Set([own]);
  const parents = new Map<number, number>();
  for (const [path, text] of files) {
    const [, parent] = /^\/proc\/\d+\/stat$/.test(path) ? (/\) \S (\d+) [^)]*$/.exec(text) ?? []) : [];
    if (parent !== undefined) parents.set(parseProcessStat(text)?.pid ?? 0, Number(parent));
  }
  for (const pid of parents.keys()) {
    const line = [pid];
    for (let at = parents.get(pid); at !== undefined && line.length < 16; at = parents.get(at)) {
      if (at === own) line.forEach((one) => pids.add(one));
      line.push(at);
    }
  }
  return pids;
}

/** Returns the size of a page: the memory of a process in KiB by its pages, as a power of two. */
function pageBytesIn(files: Files): number | null {
  const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(files.get('/proc/self/status') ?? '')?.[1]);
  const pages = Number(files.get('/proc/self/statm')?.split(' ')[1]);
  const size = 2 ** Math.round(Math.log2((kibibytes * 1024) / pages));
  return size >= 4096 && size <= 65_536 ? size : null;
}
