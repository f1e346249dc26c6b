import type { Rule } from '../../config/config.ts';
import type { DiskRow } from '../../report/columns.ts';
import { disksAreWhole, pathsOf } from './disk-sampler.ts';
import { clearSample, faultSample, unknownSample, type RowSamples, type SampledRow } from './sample.ts';
import { chooseNamed, labelMatcher, type SamplerKind } from './sampler.ts';

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
      if (expected.length === 0 || row.disks === null) return;
      const mounted = new Set(row.disks.filter(({ mode }) => mode !== 'missing').map(({ mount }) => mount));
      const whole = disksAreWhole(row);
      for (const [path, { rule }] of expected) {
        if (mounted.has(path)) samples.push(clearSample(rule, path, 'mounted'));
        else samples.push(whole ? faultSample(rule, path, 'not mounted') : unknownSample(rule, path));
      }
      complete.push(...rules.map(({ name }) => name));
    };
  },
};

type Condition = (rule: Rule, all: readonly Rule[]) => (disk: DiskRow, into: RowSamples) => void;

const conditions: Readonly<Record<string, Condition>> = {
  'mount-unresponsive': sampleUnresponsive,
  'mount-missing': sampleMissing,
  'read-only': sampleReadOnly,
};

/** Samples the conditions of mounts: one does not answer, is missing, or became read-only. */
export const mountConditionSamplers: SamplerKind = {
  serves: ({ origin, name }) => origin === 'condition' && Object.hasOwn(conditions, name),
  needOf: () => 'disks',
  create: (rules, all) => {
    const samplers = rules.flatMap((rule) => conditions[rule.name]?.(rule, all) ?? []);
    return (row, into) => {
      if (row.disks === null) return;
      for (const disk of row.disks) for (const sampler of samplers) sampler(disk, into);
      if (disksAreWhole(row)) into.complete.push(...rules.map(({ name }) => name));
    };
  },
};

/** Records answers only of mounts that something outside of the kernel can hold up. */
function sampleUnresponsive(rule: Rule) {
  return ({ mount, unresponsive, scope, fstype }: DiskRow, { samples }: RowSamples): void => {
    const mayHang = scope === 'network' || fstype?.startsWith('fuse') === true;
    if (unresponsive === 1) samples.push(faultSample(rule, mount, 'does not answer'));
    else if (unresponsive === 0 && mayHang) samples.push(clearSample(rule, mount, 'answers'));
  };
}

/**
 * Lists only missing mounts: whatever is mounted may be a part of another file system. Mounts that a rule of type
 * `mount` expects are left to that rule.
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
 * Adds the samples that count only of file systems that were writable before. A file system that was never writable is
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
