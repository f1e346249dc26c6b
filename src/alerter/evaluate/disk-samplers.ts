import { append } from '../../platform/group-by.ts';
import type { Rule } from '../../config/config.ts';
import { splitGlobs } from '../../config/values/globs.ts';
import type { DiskRow } from '../../report/columns.ts';
import { maxSubjects } from '../../report/limits.ts';
import { describeFree, formatValue } from './describe-value.ts';
import { metricOfRule } from './rule-metric.ts';
import { clearSample, faultSample, numberRule, numberSample, unknownSample } from './sample.ts';
import type { NumberRule, RowSamples, SampledRow } from './sample.ts';
import { chooseNamed, labelMatcher, ruleChooser } from './sampler.ts';
import type { Candidate, ReportRow, SamplerKind } from './sampler.ts';

type DiskField = 'size_bytes' | 'used_bytes' | 'available_bytes' | 'used_percent' | 'inodes_percent' | 'unresponsive';

interface DiskRule extends NumberRule, Candidate<DiskRow> {
  readonly field: DiskField;
  /** True if the rule names this very mount. Such a mount counts even if another mount shows the same device. */
  readonly names: (disk: DiskRow) => boolean;
  /** True if the rule names no kind of file system. Such a rule applies to file systems that fill up on the client. */
  readonly usual: boolean;
}

/** Samples the usage of mounts from `disk_stats`: subjects are mount points. */
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
      if (disksAreWhole(row))
        append(
          complete,
          rules.map(({ name }) => name),
        );
    };
  },
};

/** Describes the usage of a mount: `96 % used, 4 of 100 GiB free`. */
function describeUsed(value: number, row: unknown): string {
  const { available_bytes: free, size_bytes: size } = row as DiskRow;
  const used = formatValue('percent', value);
  return free === null || size === null ? used : `${used} used, ${describeFree(free, size)}`;
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

/** Returns the mount points that a rule names, as they are written: a pattern is the path of no mount. */
function pathsOf(rule: Rule): readonly string[] {
  return splitGlobs(rule.selectors['mount'] ?? '');
}

function isLess(value: number | null, limit: number): boolean | null {
  return value === null ? null : value < limit;
}

/** True if the row lists everything that is mounted: nothing was cut off, and the probe had no error. */
function disksAreWhole({ row, disks, families }: ReportRow): boolean {
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

/** Samples mount points that are expected: each path of `mount` is a subject. */
export const mountSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'mount',
  needOf: () => 'disks',
  create: (rules) => {
    const own = rules.map((rule) => {
      const isSelected = labelMatcher(rule);
      const paths = pathsOf(rule).filter((path) => isSelected(() => path));
      return { rule, paths, matches: (path: string) => paths.includes(path) };
    });
    const expected = chooseNamed(own, ({ paths }) => paths);
    return (row, { samples, complete }) => {
      if (row.disks === null) return;
      const mounted = new Set(row.disks.filter(({ mode }) => mode !== 'missing').map(({ mount }) => mount));
      const whole = disksAreWhole(row);
      for (const [path, { rule }] of expected) {
        if (mounted.has(path)) samples.push(clearSample(rule, path, 'mounted'));
        else samples.push(whole ? faultSample(rule, path, 'not mounted') : unknownSample(rule, path));
      }
      append(
        complete,
        rules.map(({ name }) => name),
      );
    };
  },
};

type Condition = (rule: Rule, all: readonly Rule[]) => (disk: DiskRow, into: RowSamples) => void;

const conditions: Readonly<Record<string, Condition>> = {
  'mount-unresponsive': sampleUnresponsive,
  'mount-missing': sampleMissing,
  'read-only': sampleReadOnly,
};

/** Samples the conditions of mounts: a mount does not answer, is missing, or became read-only. */
export const mountConditionSamplers: SamplerKind = {
  serves: ({ origin, name }) => origin === 'condition' && Object.hasOwn(conditions, name),
  needOf: () => 'disks',
  create: (rules, all) => {
    const samplers = rules.flatMap((rule) => conditions[rule.name]?.(rule, all) ?? []);
    return (row, into) => {
      if (row.disks === null) return;
      for (const disk of row.disks) for (const sampler of samplers) sampler(disk, into);
      if (disksAreWhole(row))
        append(
          into.complete,
          rules.map(({ name }) => name),
        );
    };
  },
};

/** Samples mounts that do not answer. Records answers only of mounts that depend on something outside of the kernel. */
function sampleUnresponsive(rule: Rule) {
  return ({ mount, unresponsive, scope, fstype }: DiskRow, { samples }: RowSamples): void => {
    const mayHang = scope === 'network' || fstype?.startsWith('fuse') === true;
    if (unresponsive === 1) samples.push(faultSample(rule, mount, 'does not answer'));
    else if (unresponsive === 0 && mayHang) samples.push(clearSample(rule, mount, 'answers'));
  };
}

/**
 * Samples only missing mounts: a mounted path may be a part of another file system. Mounts that a rule of type `mount`
 * expects are left to that rule.
 */
function sampleMissing(rule: Rule, all: readonly Rule[]) {
  const expected = new Set(all.flatMap((other) => (other.type === 'mount' ? pathsOf(other) : [])));
  return ({ mount, mode }: DiskRow, { samples }: RowSamples): void => {
    if (mode === 'missing' && !expected.has(mount)) samples.push(faultSample(rule, mount, 'not mounted'));
  };
}

function sampleReadOnly(rule: Rule) {
  return ({ mount, scope, mode }: DiskRow, { samples, ifWritable }: RowSamples): void => {
    if (scope !== 'local') return;
    if (mode === 'ro') ifWritable.push(faultSample(rule, mount, 'read-only'));
    if (mode === 'rw') samples.push(clearSample(rule, mount, 'writable'));
  };
}

/**
 * Adds the samples that count only for file systems that were writable before. A file system that was never writable is
 * meant to be read-only.
 */
export function withWritable(row: SampledRow, writable: ReadonlySet<string>): SampledRow {
  const counting = row.ifWritable.filter(({ subject }) => writable.has(subject));
  return counting.length === 0 ? row : { ...row, samples: [...row.samples, ...counting] };
}

/** Returns the local mounts of a row that are or were writable; `before` if the row lists no mounts. */
export function writableAfter(before: ReadonlySet<string>, disks: readonly DiskRow[] | null): ReadonlySet<string> {
  if (disks === null || disks.length === 0) return before;
  const now = disks.filter(({ mount, scope, mode }) => scope === 'local' && (mode === 'rw' || before.has(mount)));
  const same = now.length === before.size && now.every(({ mount }) => before.has(mount));
  return same ? before : new Set(now.map(({ mount }) => mount));
}
