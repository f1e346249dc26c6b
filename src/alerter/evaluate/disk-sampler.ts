import type { Rule } from '../../config/config.ts';
import { isGlob, splitGlobs } from '../../config/values/globs.ts';
import type { DiskRow } from '../../report/columns.ts';
import { maxSubjects } from '../../report/limits.ts';
import { groupBy } from '../../platform/group-by.ts';
import { describeFree, formatValue } from './describe-value.ts';
import { numberRule, numberSample, numberSampleIf } from './make-sample.ts';
import type { NumberRule } from './make-sample.ts';
import { metricOfRule, rivalry } from './rule-metric.ts';
import { applicableRules, labelMatcher } from './sampler.ts';
import type { ReportRow, Sampler } from './sampler.ts';

type DiskField = 'size_bytes' | 'used_bytes' | 'available_bytes' | 'used_percent' | 'inodes_percent' | 'unresponsive';

interface DiskRule extends NumberRule {
  readonly field: DiskField;
  readonly matches: (disk: DiskRow) => boolean;
  /** The rule speaks of this very mount, so that it is judged although another mount shows the same device. */
  readonly names: (disk: DiskRow) => boolean;
  /** The rule says nothing of the kind of file system: it means those that fill up here. */
  readonly usual: boolean;
}

interface Judgement {
  readonly judge: DiskRule;
  /** True if the rule judges a mount only where no other mount shows the same device. */
  readonly oncePerDevice: boolean;
  /** True if the rule judges a mount only where that was writable before. */
  readonly ifWritable: boolean;
}

interface Known extends Pick<DiskRow, 'fstype' | 'source' | 'scope' | 'mode'> {
  readonly judgements: readonly Judgement[];
}

/** Mounts of which is remembered what judges them; beyond, it is found out anew. */
export const maxKnown = 20_000;

export function readsDisks(rule: Rule): boolean {
  return metricOfRule(rule)?.family === 'disk';
}

/** Reads `disk_stats` by the rules over disks: subjects are mount points. */
export function createDiskSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter(readsDisks).map(diskRule);
  const names = own.map(({ rule }) => rule.name);
  const byRivalry = [...groupBy(own, ({ rule }) => rivalry(rule)).values()];
  const known = new Map<string, Known>();
  const judgementsOf = (disk: DiskRow): readonly Judgement[] => {
    const before = known.get(disk.mount);
    if (before !== undefined && sameLabels(before, disk)) return before.judgements;
    const judgements = byRivalry.flatMap((rivals) =>
      applicableRules(rivals, disk.mount, ({ matches }) => matches(disk)).map((judge) => ({
        judge,
        oncePerDevice: judge.rule.metric === null && !judge.names(disk),
        ifWritable: disk.mode === 'ro' && judge.usual && !judge.names(disk),
      })),
    );
    if (known.size >= maxKnown) known.clear();
    const { fstype, source, scope, mode } = disk;
    known.set(disk.mount, { fstype, source, scope, mode, judgements });
    return judgements;
  };
  return (row, { samples, ifWritable: readOnly, complete }) => {
    if (names.length === 0 || row.disks === null) return;
    const seconds = secondMounts(row.disks);
    for (const disk of row.disks) {
      for (const { judge, oncePerDevice, ifWritable } of judgementsOf(disk)) {
        if (oncePerDevice && seconds?.has(disk.mount) === true) continue;
        const value = disk[judge.field];
        const { freeBytes } = judge.rule;
        (ifWritable ? readOnly : samples).push(
          freeBytes === null
            ? numberSample(judge, disk.mount, value, disk)
            : numberSampleIf(judge, disk.mount, value, isLess(disk.available_bytes, freeBytes), disk),
        );
      }
    }
    if (disksAreWhole(row)) complete.push(...names);
  };
}

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

/** The mount points that a rule names, patterns and exclusions left out. */
export function pathsOf(rule: Rule): readonly string[] {
  return splitGlobs(rule.selectors['mount'] ?? '').filter((path) => !isGlob(path) && !path.startsWith('!'));
}

function sameLabels(known: Known, { fstype, source, scope, mode }: DiskRow): boolean {
  return known.fstype === fstype && known.source === source && known.scope === scope && known.mode === mode;
}

function isLess(value: number | null, limit: number): boolean | null {
  return value === null ? null : value < limit;
}

/** Everything that is mounted stands in the row: nothing was cut off and the probe had no fault. */
export function disksAreWhole({ row, disks, families }: ReportRow): boolean {
  if (disks === null || row.unresponsive_mounts === null) return false;
  if (families !== null) return families.of('disk')?.whole === true;
  return row.probe_errors === 0 && disks.length < maxSubjects;
}

/** Of several mounts of one device, pool or export, all but the first, which it has its name of; null: there are none. */
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

/** What tells one device, pool or export from another; null where a source says nothing, like `tmpfs`. */
function deviceOf(source: string | null, fstype: string | null): string | null {
  if (source === null) return null;
  if (fstype === 'zfs') return `zfs ${source.split('/', 1)[0] ?? ''}`;
  return source.startsWith('/') || source.includes(':') ? source : null;
}
