import { type FileSystem, fileSystems, hasTwoBlockSizes, isNetwork, mayWait } from './reported-mounts.ts';
import { functionReport, missing, labelText, type Facts } from './function-report.ts';
import { type Mount, foldersAbove, reachableMounts, unescaped } from './mountinfo.ts';
import type { ProbeContext, ProbeResult, VisitProbe } from './probe.ts';
import { errorCode, type MountAnswer, type Source, type Usage } from './source.ts';
import { spacesOf, unknownUsage, usageFacts } from './mount-figures.ts';
import { within } from './within.ts';

/** The most characters of mountinfo. 10,000 mounts have about 1.5 million. */
const maxMountinfoChars = 4 * 1024 * 1024;
const noTime = 'no time left';
/** The share of the time after which the rows of local file systems go without those of network mounts. */
const waitShare = 0.9;
/** The limit of datasets in one pool: containers on ZFS have a dataset each. */
const maxParts = 5000;

/**
 * Reads /proc/self/mountinfo and asks statfs: every local file system once, network ones in a child process. Missing
 * mounts of /etc/fstab have a row without figures.
 */
export const disks: VisitProbe = {
  name: 'disks',
  deadlineMs: 2500,
  reads: { files: ['/proc/self/mountinfo', '/etc/fstab', '/sys/block/dm-*/ro', '/sys/block/dm-*/dm/name'] },
  run: readDisks,
};

function readDisks(context: ProbeContext): ProbeResult | Promise<ProbeResult> {
  const { source, options, leftMs } = context;
  const mountinfo = source.read('/proc/self/mountinfo');
  const expected = options.mounts ?? [];
  const mounts = reachableMounts(mountinfo.slice(0, maxMountinfoChars));
  const waiting = new Set(mounts.filter(mayWait).map(({ mount }) => mount));
  const found = [
    ...fileSystems(mounts, expected, (path) => source.isFolder(path)),
    ...missingMounts(source.readOptional('/etc/fstab') ?? '', mounts, (path) =>
      foldersAbove(path).some((folder) => waiting.has(folder)) ? null : source.realPath(path),
    ),
  ];
  const remote = found.filter((one) => one.mayHang);
  // The child process starts first, so that it runs while the local file systems are asked.
  const pending = remote.length === 0 ? null : askRemote(context, remote, expected);
  const local = firstOfEach(found.filter((one) => !one.mayHang).flatMap((one) => localFacts(one, source, leftMs)));
  const further = new Set(found.filter(({ isFurther }) => isFurther).map(({ mount }) => mount));
  const result = (facts: Facts[]): ProbeResult => ({
    // The mount that names a file system comes before its further mounts: the first row counts.
    functions: [
      functionReport(
        'disk',
        facts.sort(worstFirst),
        ({ mount }) => `${Number(further.has(labelText(mount)))}${labelText(mount)}`,
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
  { source, leftMs }: ProbeContext,
  remote: readonly FileSystem[],
  expected: readonly string[],
): Promise<Facts[]> {
  const first = remote.filter(({ mount }) => expected.includes(mount));
  const then = remote.filter(({ mount }) => !expected.includes(mount));
  const mounts = [...first, ...then].map(({ mount }) => mount);
  const twoSized = remote.filter(({ fstype }) => hasTwoBlockSizes(fstype)).map(({ mount }) => mount);
  const answers = await source.programs.askMounts(mounts, twoSized, leftMs);
  return remote.map((one) => remoteFacts(one, answers.get(one.mount)));
}

function localFacts(one: FileSystem, source: Source, leftMs: () => number): Facts[] {
  if (one.mode === 'missing') {
    return [{ ...labels(one), ...unknownUsage('not mounted'), unresponsive: missing('not mounted') }];
  }
  const asked: (FileSystem['parts'][number] & { readonly usage: Usage })[] = [];
  let fault = noTime;
  for (const part of one.parts.slice(0, maxParts)) {
    if (leftMs() <= 0) break;
    try {
      asked.push({ ...part, usage: source.space(part.mount) });
    } catch (error) {
      fault = `statfs: ${errorCode(error)}`;
    }
  }
  if (asked.length === 0) return [{ ...labels(one), ...unknownUsage(fault), unresponsive: 0 }];
  return spacesOf(asked).map((group) => {
    const [named = one] = group;
    const mode = one.isFurther ? one.mode : group.some(({ writable }) => writable) ? 'rw' : 'ro';
    const { mount, source: device } = group.length === asked.length ? one : named;
    const usages = group.map(({ usage }) => usage);
    return {
      ...labels({ ...one, mount, source: device, mode }),
      ...usageFacts(usages, one.fstype, mode === 'ro' && isSealed(device, source) ? 'sealed' : mode, device),
      unresponsive: 0,
    };
  });
}

/** True if a device of the device mapper is read-only itself, as those of dm-verity are. */
function isSealed(device: string, source: Source): boolean {
  const read = (block: string, file: string): string | undefined =>
    source.readOptional(`/sys/block/${block}/${file}`)?.trim();
  const name = device.slice(device.lastIndexOf('/') + 1);
  const block = source.list('/sys/block').find((one) => one === name || read(one, 'dm/name') === name) ?? '';
  return block.startsWith('dm-') && device.startsWith('/dev/') && read(block, 'ro') === '1';
}

function remoteFacts(one: FileSystem, answer: MountAnswer | undefined): Facts {
  if (answer === undefined) {
    return { ...labels(one), ...unknownUsage(noTime), unresponsive: missing(noTime) };
  }
  if ('usage' in answer)
    return { ...labels(one), ...usageFacts([answer.usage], one.fstype, one.mode, one.source), unresponsive: 0 };
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

/** The options of mounts that are optional, or made on first use. */
const optional = new Set(['noauto', 'nofail', 'x-systemd.automount']);
const device = /^(\/dev\/|(PART)?(UUID|LABEL)=)/;

/**
 * Returns the mounts that /etc/fstab demands at boot and that are missing. `resolve` follows the links of a path and
 * returns null if the path must not be asked. A read-only /sys means a container: devices are left out there, as in
 * systemd. https://man7.org/linux/man-pages/man5/fstab.5.html
 */
function missingMounts(
  fstab: string,
  mounts: readonly Mount[],
  resolve: (path: string) => string | null,
): FileSystem[] {
  const there = new Set(mounts.map(({ mount }) => mount));
  const isContainer = mounts.some(({ mount, writable }) => mount === '/sys' && !writable);
  const missing = new Map<string, FileSystem>();
  for (const line of fstab.split('\n')) {
    const [source = '', path = '', fstype = '', options = ''] = line.trim().split(/[ \t]+/);
    if (source.startsWith('#') || !path.startsWith('/') || fstype === 'swap') continue;
    if (options.split(',').some((option) => optional.has(option)) || (isContainer && device.test(source))) continue;
    const mount = unescaped(path)
      .replace(/\/+/g, '/')
      .replace(/(.)\/$/, '$1');
    if (there.has(mount) || missing.has(mount)) continue;
    const resolved = resolve(mount);
    if (resolved === null || there.has(resolved)) continue;
    missing.set(mount, {
      mount,
      fstype,
      source: unescaped(source),
      scope: isNetwork(fstype) ? 'network' : 'local',
      mode: 'missing',
      mayHang: false,
      parts: [],
      isFurther: false,
    });
  }
  return [...missing.values()];
}
