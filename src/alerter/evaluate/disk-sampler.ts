import type { Rule } from '../../config/config.ts';
import { isGlob, splitGlobs } from '../../config/values/globs.ts';
import type { DiskRow } from '../../report/columns.ts';
import { maxSubjects } from '../../report/limits.ts';
import { describeFree, formatValue } from './describe-value.ts';
import { metricOfRule } from './rule-metric.ts';
import { numberRule, numberSample, type NumberRule } from './sample.ts';
import { labelMatcher, ruleChooser, type Candidate, type ReportRow, type SamplerKind } from './sampler.ts';

type DiskField = 'size_bytes' | 'used_bytes' | 'available_bytes' | 'used_percent' | 'inodes_percent' | 'unresponsive';

interface DiskRule extends NumberRule, Candidate<DiskRow> {
  readonly field: DiskField;
  /** True if the rule names this very mount: it counts although another mount shows the same device. */
  readonly names: (disk: DiskRow) => boolean;
  /** True if the rule names no kind of file system: it means those that fill up on the client. */
  readonly usual: boolean;
}

/** Samples `disk_stats`: subjects are mount points. */
export const diskSamplers: SamplerKind = {
  serves: (rule) => metricOfRule(rule)?.family === 'disk',
  needOf: () => 'disks',
  create: (rules) => {
    const choose = ruleChooser<DiskRow, DiskRule>(rules.map(diskRule));
    return (row, { samples, ifWritable, complete }) => {
      if (row.disks === null) return;
      const seconds = secondMounts(row.disks);
      for (const disk of row.disks) {
        for (const one of choose(disk.mount, disk)) {
          const isNamed = one.names(disk);
          if (one.rule.metric === null && !isNamed && seconds?.has(disk.mount) === true) continue;
          const { freeBytes } = one.rule;
          const both = freeBytes === null ? true : isLess(disk.available_bytes, freeBytes);
          const into = disk.mode === 'ro' && one.usual && !isNamed ? ifWritable : samples;
          into.push(numberSample(one, disk.mount, disk[one.field], disk, both));
        }
      }
      if (disksAreWhole(row)) complete.push(...rules.map(({ name }) => name));
    };
  },
};

/** `96 %, 4 of 100 GiB free`. */
function describeUsed(value: number, row: unknown): string {
  const { available_bytes: free, size_bytes: size } = row as DiskRow;
  const used = formatValue('percent', value);
  return free === null || size === null ? used : `${used}, ${describeFree(free, size)}`;
}

function diskRule(rule: Rule): DiskRule {
  const field = (metricOfRule(rule)?.field ?? 'used_percent') as DiskField;
  const matches = labelMatcher(rule);
  const paths = pathsOf(rule);
  const names = (disk: DiskRow): boolean => paths.includes(disk.mount);
  const usual =
    rule.metric === null && rule.selectors['fstype'] === undefined && rule.selectors['source'] === undefined;
  return {
    ...numberRule(rule, field === 'used_percent' ? describeUsed : undefined),
    field,
    names,
    usual,
    matches: (disk) =>
      matches((label) => disk[label as 'mount' | 'fstype' | 'source' | 'scope' | 'mode'] ?? '') &&
      (!usual || disk.scope !== 'network' || names(disk)),
  };
}

/** Returns the mount points that a rule names, without patterns and exclusions. */
export function pathsOf(rule: Rule): readonly string[] {
  return splitGlobs(rule.selectors['mount'] ?? '').filter((path) => !isGlob(path) && !path.startsWith('!'));
}

function isLess(value: number | null, limit: number): boolean | null {
  return value === null ? null : value < limit;
}

/** True if the row lists everything that is mounted: nothing was cut off, and the probe had no error. */
export function disksAreWhole({ row, disks, families }: ReportRow): boolean {
  if (disks === null || row.unresponsive_mounts === null) return false;
  if (families !== null) return families.of('disk')?.whole === true;
  return row.probe_errors === 0 && disks.length < maxSubjects;
}

/**
 * Returns the mounts that show the device, pool or export of an earlier mount, which names the subject; `null` if
 * there are none.
 */
function secondMounts(disks: readonly DiskRow[]): ReadonlySet<string> | null {
  if (disks.length <= 1) return null;
  const devices = new Set<string>();
  let seconds: Set<string> | null = null;
  for (const { mount, source, fstype, mode } of disks) {
    const device = mode === 'missing' ? null : deviceOf(source, fstype);
    if (device === null) continue;
    if (devices.has(device)) (seconds ??= new Set()).add(mount);
    devices.add(device);
  }
  return seconds;
}

/** Returns the name of a device, pool or export; `null` if the source names none, like `tmpfs`. */
function deviceOf(source: string | null, fstype: string | null): string | null {
  if (source === null) return null;
  if (fstype === 'zfs') return `zfs ${source.split('/', 1)[0] ?? ''}`;
  return source.startsWith('/') || source.includes(':') ? source : null;
}
