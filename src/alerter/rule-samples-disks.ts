import type { Rule } from '../config/config.ts';
import { isGlob, splitGlobs } from '../config/globs.ts';
import type { DiskRow } from '../report/columns.ts';
import { maxSubjects } from '../report/limits.ts';
import { groupBy } from '../storage/group-by.ts';
import { numberRule, readFault, readNumber, readNumberIf, readUnknown, readWell } from './reading.ts';
import type { NumberRule } from './reading.ts';
import { metricOfRule, rivalry } from './rule-metric.ts';
import { judgesOf, labelMatcher } from './rule-samples.ts';
import type { ReportRow, Sampler } from './rule-samples.ts';

type DiskField = 'size_bytes' | 'used_bytes' | 'available_bytes' | 'used_percent' | 'inodes_percent' | 'unresponsive';

interface DiskRule extends NumberRule {
  readonly field: DiskField;
  readonly matches: (disk: DiskRow) => boolean;
  /** The rule speaks of this very mount, so that it is judged although another mount shows the same device. */
  readonly names: (disk: DiskRow) => boolean;
}

/** A rule that judges a mount, and whether only where no other mount shows the same device. */
interface Judgement {
  readonly judge: DiskRule;
  readonly oncePerDevice: boolean;
}

interface Known extends Pick<DiskRow, 'fstype' | 'source' | 'scope' | 'mode'> {
  readonly judgements: readonly Judgement[];
}

/** Mounts of which is remembered what judges them; beyond, it is found out anew. */
const maxKnown = 20_000;

export function isJudgedByDisks(rule: Rule): boolean {
  return rule.type === 'mount' || isMountCondition(rule) || metricOfRule(rule)?.family === 'disk';
}

/** Reads `disk_stats` by the rules over disks: subjects are mount points. */
export function createDiskSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter((rule) => metricOfRule(rule)?.family === 'disk').map(diskRule);
  const names = own.map(({ rule }) => rule.name);
  const byRivalry = [...groupBy(own, ({ rule }) => rivalry(rule)).values()];
  const known = new Map<string, Known>();
  const judgementsOf = (disk: DiskRow): readonly Judgement[] => {
    const before = known.get(disk.mount);
    if (before !== undefined && sameLabels(before, disk)) return before.judgements;
    const judgements = byRivalry.flatMap((rivals) =>
      judgesOf(rivals, disk.mount, ({ matches }) => matches(disk)).map((judge) => ({
        judge,
        oncePerDevice: judge.rule.metric === null && !judge.names(disk),
      })),
    );
    if (known.size >= maxKnown) known.clear();
    const { fstype, source, scope, mode } = disk;
    known.set(disk.mount, { fstype, source, scope, mode, judgements });
    return judgements;
  };
  return (row, { readings, complete }) => {
    if (names.length === 0 || row.disks === null) return;
    const seconds = secondMounts(row.disks);
    for (const disk of row.disks) {
      for (const { judge, oncePerDevice } of judgementsOf(disk)) {
        if (oncePerDevice && seconds?.has(disk.mount) === true) continue;
        const value = disk[judge.field];
        const { freeBytes } = judge.rule;
        readings.push(
          freeBytes === null
            ? readNumber(judge, disk.mount, value)
            : readNumberIf(judge, disk.mount, value, isLess(disk.available_bytes, freeBytes)),
        );
      }
    }
    if (disksAreWhole(row)) complete.push(...names);
  };
}

/** Mount points that are expected: each path of `mount` is a subject of its own. */
export function createMountSampler(rules: readonly Rule[]): Sampler {
  const own = rules.flatMap((rule) => {
    if (rule.type !== 'mount') return [];
    const matches = labelMatcher(rule);
    return [{ rule, paths: pathsOf(rule).filter((path) => matches(() => path)) }];
  });
  const names = own.map(({ rule }) => rule.name);
  const paths = [...new Set(own.flatMap((one) => one.paths))];
  const judged = paths.flatMap((path) =>
    judgesOf(own, path, (one) => one.paths.includes(path)).map(({ rule }) => ({ rule, path })),
  );
  return (row, { readings, complete }) => {
    if (judged.length === 0 || row.disks === null) return;
    const mounted = new Set(row.disks.map(({ mount }) => mount));
    const whole = disksAreWhole(row);
    for (const { rule, path: subject } of judged) {
      if (mounted.has(subject)) readings.push(readWell({ rule, subject, valueText: 'mounted' }));
      else if (whole) readings.push(readFault({ rule, subject, valueText: 'not mounted' }));
      else readings.push(readUnknown(rule, subject));
    }
    complete.push(...names);
  };
}

/** Mounts that did not answer. Of those that nothing outside of the kernel can hold up, good answers are no news. */
export function createUnresponsiveSampler(rules: readonly Rule[]): Sampler | null {
  const rule = rules.find(isMountCondition);
  if (rule === undefined) return null;
  return (row, { readings, complete }) => {
    if (row.disks === null) return;
    for (const { mount: subject, unresponsive, scope, fstype } of row.disks) {
      const mayHang = scope === 'network' || fstype?.startsWith('fuse') === true;
      if (unresponsive === 1) readings.push(readFault({ rule, subject, valueText: 'does not answer' }));
      else if (unresponsive === 0 && mayHang) {
        readings.push(readWell({ rule, subject, valueText: 'answers' }));
      }
    }
    if (disksAreWhole(row)) complete.push(rule.name);
  };
}

function isMountCondition(rule: Rule): boolean {
  return rule.origin === 'condition' && rule.name === 'mount-unresponsive';
}

function diskRule(rule: Rule): DiskRule {
  const matches = labelMatcher(rule);
  const paths = pathsOf(rule);
  const names = (disk: DiskRow): boolean => paths.includes(disk.mount);
  // Whoever says nothing of the kind of file system means those that fill up here.
  const usual =
    rule.metric === null && rule.selectors['fstype'] === undefined && rule.selectors['source'] === undefined;
  return {
    ...numberRule(rule),
    field: (metricOfRule(rule)?.field ?? 'used_percent') as DiskField,
    names,
    matches: (disk) =>
      matches((label) => disk[label as 'mount' | 'fstype' | 'source' | 'scope' | 'mode'] ?? '') &&
      (!usual || (disk.scope !== 'network' && disk.mode !== 'ro') || names(disk)),
  };
}

/** The mount points that a rule names, patterns and exclusions left out. */
function pathsOf(rule: Rule): readonly string[] {
  return splitGlobs(rule.selectors['mount'] ?? '').filter((path) => !isGlob(path) && !path.startsWith('!'));
}

function sameLabels(known: Known, { fstype, source, scope, mode }: DiskRow): boolean {
  return known.fstype === fstype && known.source === source && known.scope === scope && known.mode === mode;
}

function isLess(value: number | null, limit: number): boolean | null {
  return value === null ? null : value < limit;
}

/** Everything that is mounted stands in the row: nothing was cut off and the probe had no fault. */
function disksAreWhole({ row, disks, families }: ReportRow): boolean {
  if (disks === null || row.unresponsive_mounts === null) return false;
  if (families !== null) return families.of('disk')?.whole === true;
  return row.probe_errors === 0 && disks.length < maxSubjects;
}

/** Of several mounts of one device, pool or export, all but the one with the shortest path; null: there are none. */
function secondMounts(disks: readonly DiskRow[]): ReadonlySet<string> | null {
  if (disks.length <= 1) return null;
  const shortest = new Map<string, string>();
  let seconds: Set<string> | null = null;
  for (const { mount, source, fstype } of disks) {
    const device = deviceOf(source, fstype);
    if (device === null) continue;
    const other = shortest.get(device);
    if (other === undefined) {
      shortest.set(device, mount);
      continue;
    }
    seconds ??= new Set();
    const isShorter = mount.length < other.length || (mount.length === other.length && mount < other);
    seconds.add(isShorter ? other : mount);
    if (isShorter) shortest.set(device, mount);
  }
  return seconds;
}

/** What tells one device, pool or export from another; null where a source says nothing, like `tmpfs`. */
function deviceOf(source: string | null, fstype: string | null): string | null {
  if (source === null) return null;
  if (fstype === 'zfs') return `zfs ${source.split('/', 1)[0] ?? ''}`;
  return source.startsWith('/') || source.includes(':') ? source : null;
}
