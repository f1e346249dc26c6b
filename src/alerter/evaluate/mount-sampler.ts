import type { Rule } from '../../config/config.ts';
import type { DiskRow } from '../../report/columns.ts';
import type { Sample } from './sample.ts';
import { faultSample, unknownSample, clearSample } from './make-sample.ts';
import { disksAreWhole, maxKnown, pathsOf } from './disk-sampler.ts';
import { applicableRules, labelMatcher } from './sampler.ts';
import type { Sampler, RowSamples } from './sampler.ts';

type Condition = (rule: Rule, rules: readonly Rule[]) => (disk: DiskRow, into: RowSamples) => void;

const conditions: Readonly<Record<string, Condition>> = {
  'mount-unresponsive': readUnresponsive,
  'mount-missing': readMissing,
  'read-only': readReadOnly,
};

export function isMountCondition(rule: Rule): boolean {
  return rule.origin === 'condition' && Object.hasOwn(conditions, rule.name);
}

/** Reads mount points that are expected: each path of `mount` is a subject of its own. */
export function createMountSampler(rules: readonly Rule[]): Sampler {
  const own = rules.flatMap((rule) => {
    if (rule.type !== 'mount') return [];
    const matches = labelMatcher(rule);
    return [{ rule, paths: pathsOf(rule).filter((path) => matches(() => path)) }];
  });
  const names = own.map(({ rule }) => rule.name);
  const paths = [...new Set(own.flatMap((one) => one.paths))];
  const judged = paths.flatMap((path) =>
    applicableRules(own, path, (one) => one.paths.includes(path)).map(({ rule }) => ({ rule, path })),
  );
  return (row, { samples, complete }) => {
    if (judged.length === 0 || row.disks === null) return;
    const mounted = new Set(row.disks.filter(({ mode }) => mode !== 'missing').map(({ mount }) => mount));
    const whole = disksAreWhole(row);
    for (const { rule, path: subject } of judged) {
      if (mounted.has(subject)) samples.push(clearSample({ rule, subject, valueText: 'mounted' }));
      else if (whole) samples.push(faultSample({ rule, subject, valueText: 'not mounted' }));
      else samples.push(unknownSample(rule, subject));
    }
    complete.push(...names);
  };
}

/** Reads the conditions of mounts: one that does not answer, that is missing, that became read-only. */
export function createMountConditionSampler(rules: readonly Rule[]): Sampler | null {
  const own = rules.filter(isMountCondition);
  if (own.length === 0) return null;
  const names = own.map(({ name }) => name);
  const readers = own.flatMap((rule) => conditions[rule.name]?.(rule, rules) ?? []);
  return (row, into) => {
    if (row.disks === null) return;
    for (const disk of row.disks) for (const read of readers) read(disk, into);
    if (disksAreWhole(row)) into.complete.push(...names);
  };
}

/** Good answers of mounts that nothing outside of the kernel can hold up are not recorded. */
function readUnresponsive(rule: Rule) {
  return ({ mount: subject, unresponsive, scope, fstype }: DiskRow, { samples }: RowSamples): void => {
    const mayHang = scope === 'network' || fstype?.startsWith('fuse') === true;
    if (unresponsive === 1) samples.push(faultSample({ rule, subject, valueText: 'does not answer' }));
    else if (unresponsive === 0 && mayHang) samples.push(clearSample({ rule, subject, valueText: 'answers' }));
  };
}

/**
 * Only missing mounts are listed: whatever is mounted may be a part of another file system. Mounts that a rule expects
 * are left to that rule.
 */
function readMissing(rule: Rule, rules: readonly Rule[]) {
  const expected = new Set(rules.flatMap((other) => (other.type === 'mount' ? pathsOf(other) : [])));
  return ({ mount: subject, mode }: DiskRow, { samples }: RowSamples): void => {
    if (mode === 'missing' && !expected.has(subject))
      samples.push(faultSample({ rule, subject, valueText: 'not mounted' }));
  };
}

function readReadOnly(rule: Rule) {
  // Nearly every mount of every row is writable.
  const well = new Map<string, Sample>();
  return ({ mount: subject, scope, mode }: DiskRow, { samples, ifWritable }: RowSamples): void => {
    if (scope !== 'local') return;
    if (mode === 'ro') ifWritable.push(faultSample({ rule, subject, valueText: 'read-only' }));
    if (mode !== 'rw') return;
    if (well.size >= maxKnown) well.clear();
    const sample = well.get(subject) ?? clearSample({ rule, subject, valueText: 'writable' });
    well.set(subject, sample);
    samples.push(sample);
  };
}
