import { readdirSync, realpathSync, statfsSync, statSync } from 'node:fs';

import { fileSystems, mayWait, type FileSystem } from './file-systems.ts';
import { missingMounts } from './fstab.ts';
import { functionReport, missing, textOf, type Facts } from './function-report.ts';
import { foldersAbove, reachableMounts } from './mountinfo.ts';
import type { MountAnswer } from './network-mounts.ts';
import type { Probe, ProbeContext, ProbeResult } from './probe.ts';
import { errorCode } from './source.ts';
import { spacesOf, unknownUsage, usageFacts, type Usage } from './usage.ts';
import { within } from './within.ts';

/** The most characters of mountinfo. 10,000 mounts have about 1.5 million. */
const maxMountinfoChars = 4 * 1024 * 1024;
const noTime = 'no time left';
/** The share of the time for questions to network mounts. */
const askShare = 0.6;
/** The share of the time after which the rows of local file systems go without those of network mounts. */
const waitShare = 0.9;
/** The limit of datasets in one pool: containers on ZFS have a dataset each. */
const maxParts = 5000;

/**
 * Reads /proc/self/mountinfo and asks statfs: every local file system once, network ones in a child process. Missing
 * mounts of /etc/fstab have a row without figures.
 */
export const disks: Probe = {
  name: 'disks',
  deadlineMs: 2500,
  run: (context) => readDisks(context, (path) => statfsSync(bytesOf(path))),
};

/** Reads the disks by another statfs, for tests. */
export function readDisks(context: ProbeContext, statfs: (path: string) => Usage): ProbeResult | Promise<ProbeResult> {
  const { source, options, leftMs } = context;
  const mountinfo = source.read('/proc/self/mountinfo');
  const expected = options.mounts ?? [];
  const mounts = reachableMounts(mountinfo.slice(0, maxMountinfoChars));
  const waiting = new Set(mounts.filter(mayWait).map(({ mount }) => mount));
  const found = [
    ...fileSystems(mounts, expected, (path) => isFolder(source.root + path)),
    ...missingMounts(source.readOptional('/etc/fstab') ?? '', mounts, (path) =>
      foldersAbove(path).some((folder) => waiting.has(folder)) ? null : realPath(path, source.root),
    ),
  ];
  const remote = found.filter((one) => one.mayHang);
  // The child process starts first, so that it runs while the local file systems are asked.
  const pending = remote.length === 0 ? null : askRemote(context, remote, expected);
  const local = firstOfEach(
    found.filter((one) => !one.mayHang).flatMap((one) => localFacts(one, source.root, statfs, leftMs)),
  );
  const further = new Set(found.filter(({ isFurther }) => isFurther).map(({ mount }) => mount));
  const result = (facts: Facts[]): ProbeResult => ({
    // The mount that names a file system comes before its further mounts: the first row counts.
    functions: [
      functionReport(
        'disk',
        facts.sort(worstFirst),
        ({ mount }) => `${Number(further.has(textOf(mount)))}${textOf(mount)}`,
      ),
    ],
    ...(mountinfo.length > maxMountinfoChars ? { error: 'more mounts than can be read' } : {}),
  });
  if (pending === null) return result(local);
  const late = remote.map((one) => remoteFacts(one, undefined));
  return within(pending, waitShare * leftMs()).then((facts) => result([...local, ...(facts ?? late)]));
}

/** Returns the rows without those of a mount that has one: a dataset with a quota may be a further mount as well. */
function firstOfEach(rows: readonly Facts[]): Facts[] {
  const named = new Set<Facts[string]>();
  return rows.filter(({ mount }) => named.size < named.add(mount).size);
}

async function askRemote(
  { source, placeDir, leftMs }: ProbeContext,
  remote: readonly FileSystem[],
  expected: readonly string[],
): Promise<Facts[]> {
  // The modules are loaded here, because most clients have no such mount.
  const { askNetworkMounts } = await import('./network-mounts.ts');
  const { correctBlockSizes, hasTwoBlockSizes } = await import('./fuse-block-size.ts');
  const first = remote.filter(({ mount }) => expected.includes(mount));
  const then = remote.filter(({ mount }) => !expected.includes(mount));
  const mounts = [...first, ...then].map(({ mount }) => source.root + mount);
  const answered = await askNetworkMounts({
    mounts,
    placeDir,
    deadlineMs: Math.max(askShare * leftMs(), 100),
  });
  const twoSized = remote.filter(({ fstype }) => hasTwoBlockSizes(fstype)).map(({ mount }) => source.root + mount);
  const answers = await correctBlockSizes(answered, twoSized, Math.min(500, Math.max(leftMs() - 100, 100)));
  return remote.map((one) => remoteFacts(one, answers.get(source.root + one.mount)));
}

function localFacts(one: FileSystem, root: string, statfs: (path: string) => Usage, leftMs: () => number): Facts[] {
  if (one.mode === 'missing') {
    return [{ ...labels(one), ...unknownUsage('not mounted'), unresponsive: missing('not mounted') }];
  }
  const asked: (FileSystem['parts'][number] & { readonly usage: Usage })[] = [];
  let fault = noTime;
  for (const part of one.parts.slice(0, maxParts)) {
    if (leftMs() <= 0) break;
    try {
      asked.push({ ...part, usage: statfs(root + part.mount) });
    } catch (error) {
      fault = `statfs: ${errorCode(error)}`;
    }
  }
  if (asked.length === 0) return [{ ...labels(one), ...unknownUsage(fault), unresponsive: 0 }];
  return spacesOf(asked).map((group) => {
    const [named = one] = group;
    const mode = one.isFurther ? one.mode : group.some(({ writable }) => writable) ? 'rw' : 'ro';
    const { mount, source } = group.length === asked.length ? one : named;
    const usages = group.map(({ usage }) => usage);
    return { ...labels({ ...one, mount, source, mode }), ...usageFacts(usages, one.fstype), unresponsive: 0 };
  });
}

/** Returns the bytes of a path that is not UTF-8, by the names in its folders; any other path unchanged. */
function bytesOf(path: string): string | Buffer {
  if (!path.includes('\ufffd')) return path;
  const slash = path.lastIndexOf('/');
  const folder = Buffer.from(bytesOf(path.slice(0, slash)));
  const entries = readdirSync(slash > 0 ? folder : '/', 'buffer');
  const name = entries.find((entry) => entry.toString() === path.slice(slash + 1)) ?? '?';
  return Buffer.concat([folder, Buffer.from('/'), Buffer.from(name)]);
}

function remoteFacts(one: FileSystem, answer: MountAnswer | undefined): Facts {
  if (answer === undefined) {
    return { ...labels(one), ...unknownUsage(noTime), unresponsive: missing(noTime) };
  }
  if ('usage' in answer) return { ...labels(one), ...usageFacts([answer.usage], one.fstype), unresponsive: 0 };
  return { ...labels(one), ...unknownUsage(answer.reason), unresponsive: Number(answer.unresponsive) };
}

function labels({ mount, fstype, source, scope, mode }: FileSystem): Facts {
  return { mount, fstype, source, scope, mode };
}

function worstFirst(one: Facts, other: Facts): number {
  return badness(other) - badness(one);
}

function badness({ mode, unresponsive, used_percent: used, inodes_percent: inodes }: Facts): number {
  if (unresponsive === 1 || mode === 'missing') return 1000;
  return Math.max(typeof used === 'number' ? used : -1, typeof inodes === 'number' ? inodes : -1);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // A folder without permission: the mount counts as one.
    return true;
  }
}

/** Returns the path without symbolic links; unchanged if it does not exist. */
function realPath(path: string, root: string): string {
  try {
    return realpathSync(root + path).slice(root.length);
  } catch {
    return path;
  }
}
