/**
 * The changes of an invented fleet over weeks, from a seed: upgrades of all members each morning, people's own edits, a
 * file that something rewrites daily, reboots; and incidents, each with a planted change before it.
 */
import type { StateKind } from '../../../../src/report/report.ts';
import { seededUuid, fraction, wholeBetween } from '../../../../src/simulator/seeded.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
/** The interval of visits. */
export const every = 5 * minute;

/** A value that an item of a member has from a time on; null: the item is gone. */
export interface Edit {
  readonly member: number;
  readonly atMs: number;
  readonly kind: StateKind;
  readonly item: string;
  readonly value: string | null;
}

export interface Incident {
  readonly kind: StateKind | null;
  readonly edits: readonly Edit[];
  /** The members whose unit fails. */
  readonly failing: readonly number[];
  readonly failsAtMs: number;
  readonly unit: string;
}

export interface Story {
  readonly seed: number;
  readonly size: number;
  readonly startMs: number;
}

const draw = { daily: 1, own: 2, ownAt: 3, ownFile: 4, restless: 5, boot: 6, rollout: 7, plan: 8 } as const;

/** Returns the next visit at or after a time. */
export function visitAt(atMs: number): number {
  return Math.ceil(atMs / every) * every;
}

const packages = 60;

/** Returns the edits of a day that no incident has made, in order. */
export function editsOfDay({ seed, size, startMs }: Story, dayIndex: number): readonly Edit[] {
  const dayMs = startMs + dayIndex * day;
  const edits: Edit[] = [];
  for (let member = 0; member < size; member++) {
    const chance = (which: number): number => fraction(seed, member, dayIndex, which);
    const upgradedAtMs = dayMs + 6 * hour + Math.floor(chance(draw.rollout) * hour);
    const isUpgraded = fraction(seed, dayIndex, draw.rollout) < 0.4;
    for (const turn of isUpgraded ? [0, 1] : []) {
      const number = wholeBetween(0, packages - 1, seed, dayIndex, draw.daily, turn);
      const item = `lib${number} amd64`;
      edits.push({ member, atMs: upgradedAtMs, kind: 'package', item, value: `1.${dayIndex}-1` });
    }
    if (chance(draw.own) < 0.15) {
      const atMs = dayMs + 8 * hour + Math.floor(chance(draw.ownAt) * 10 * hour);
      const item = `/etc/own${wholeBetween(0, 29, seed, member, dayIndex, draw.ownFile)}.conf`;
      edits.push(fileEdit({ member, atMs, item }));
    }
    if (member % 10 === 0) {
      const atMs = dayMs + Math.floor(chance(draw.restless) * day);
      edits.push(fileEdit({ member, atMs, item: '/etc/resolv.conf' }));
    }
    if (chance(draw.boot) < 1 / 60) {
      const value = seededUuid(seed, member, dayIndex, draw.boot);
      edits.push({ member, atMs: dayMs + 5 * hour, kind: 'system', item: 'boot', value });
    }
  }
  return edits.sort((one, other) => one.atMs - other.atMs);
}

function fileEdit({ member, atMs, item }: Pick<Edit, 'member' | 'atMs' | 'item'>): Edit {
  return { member, atMs, kind: 'file', item, value: atMs.toString(16).padStart(32, '0') };
}

/** Returns the lines of a machine's state: what is there from the beginning, and the newest values of edits. */
export function linesOf(
  edits: readonly Edit[],
  member: number,
): Readonly<Partial<Record<StateKind, readonly string[]>>> {
  const lines = new Map<StateKind, Map<string, string>>([
    ['package', new Map(Array.from({ length: packages }, (_, index) => [`lib${index} amd64`, '1.0-1']))],
    ['listener', new Map([['tcp 22', 'any']])],
    [
      'system',
      new Map([
        ['kernel', '6.1.0-28'],
        ['boot', `first-${member}`],
      ]),
    ],
  ]);
  for (const { kind, item, value, atMs } of edits) {
    const own = lines.get(kind) ?? new Map<string, string>();
    lines.set(kind, own);
    if (value === null) own.delete(item);
    else own.set(item, kind === 'file' || kind === 'unit' ? `${value}\t${Math.floor(atMs / 1000)}` : value);
  }
  return Object.fromEntries(
    [...lines].map(([kind, own]) => [kind, [...own].map(([item, value]) => `${item}\t${value}`)]),
  );
}

const kinds: readonly StateKind[] = ['package', 'file', 'unit', 'account', 'listener', 'mount', 'system'];

/** Returns an incident with a planted change; the kinds in turn. */
export function plantedIncident(story: Story, index: number, aroundMs: number): Incident {
  const kind = kinds[index % kinds.length] ?? 'package';
  const { seed, size } = story;
  const chance = (which: number): number => fraction(seed, index, draw.plan, which);
  const mode = chance(0);
  const most = Math.max(1, Math.min(10, Math.floor(size / 4)));
  const count = mode < 0.4 || size < 5 ? 1 : Math.min(size - 1, 1 + Math.max(1, Math.floor(chance(1) * most)));
  const members = membersFrom(story, index, count);
  const delay = chance(2);
  const delayMs =
    delay < 0.5 ? chance(3) * 10 * minute : delay < 0.8 ? (10 + chance(3) * 50) * minute : (1 + chance(3) * 5) * hour;
  const changedAtMs = aroundMs + Math.floor(chance(4) * 20 * hour);
  const names = chance(5) < 0.4;
  const failing = mode < 0.8 ? members : members.slice(0, Math.ceil((members.length * 2) / 3));
  const edits = members.flatMap((member) => plantedEdits({ kind, names, index, member, atMs: changedAtMs }));
  return { kind, edits, failing, failsAtMs: Math.floor(changedAtMs + delayMs), unit: `app${index}.service` };
}

/** Returns an incident that nothing has caused. */
export function causelessIncident(story: Story, index: number, aroundMs: number): Incident {
  const { seed } = story;
  const failsAtMs = aroundMs + Math.floor(fraction(seed, index, draw.plan, 4) * 20 * hour);
  return { kind: null, edits: [], failing: membersFrom(story, index, 1), failsAtMs, unit: `app${index}.service` };
}

function membersFrom({ seed, size }: Story, index: number, count: number): readonly number[] {
  const first = wholeBetween(0, size - 1, seed, index, draw.plan, 6);
  return Array.from({ length: Math.min(size, count) }, (_, step) => (first + step * 7) % size);
}

interface Planted extends Pick<Edit, 'member' | 'atMs'> {
  readonly kind: StateKind;
  /** True if the item names the unit that fails. */
  readonly names: boolean;
  readonly index: number;
}

function plantedEdits({ kind, names, index, member, atMs }: Planted): readonly Edit[] {
  const name = names ? `app${index}` : `other${index}`;
  const edit = (item: string, value: string, of = kind): Edit => ({ member, atMs, kind: of, item, value });
  const digest = index.toString(16).padStart(32, 'a');
  switch (kind) {
    case 'package':
      return [edit(`${name} amd64`, `2.${index}-1`), edit(`${name}-data all`, `2.${index}-1`)];
    case 'file':
      return [edit(`/etc/${name}/${name}.conf`, digest)];
    case 'unit':
      return [edit(`${name}.service`, `enabled ${digest}`)];
    case 'account':
      return [edit(`user${index}`, '1001 /home /bin/bash sudo')];
    case 'listener':
      return [edit(`tcp ${8000 + index}`, 'any')];
    case 'mount':
      return [edit(`/srv/data${index}`, 'nas:/data nfs4 rw'), edit('/etc/fstab', digest, 'file')];
    case 'system':
      return [edit('kernel', `6.1.0-${100 + index}`), edit('boot', seededUuid(index, member, atMs % 1000))];
  }
}
