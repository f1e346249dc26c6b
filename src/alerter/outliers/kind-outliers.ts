/** Members of a group whose system, hardware or mounts differ from those of the others. Pure. */
import { groupBy } from '../../platform/group-by.ts';
import { compareText } from '../../text/compare-text.ts';
import { describeSize } from '../../text/numbers.ts';
import { minMembers } from './robust-score.ts';

/** The share of the members that makes a value usual. */
const usualShare = 0.75;
/** Sizes of memory that differ by less than this share are the same: firmware keeps some. */
const memoryShare = 0.1;

export type KindFact = 'os' | 'kernel' | 'architecture' | 'cpus' | 'memory' | 'mount';

/** The system, hardware and mounts of a client, as far as they are known. */
export interface ClientKind {
  readonly client: string;
  readonly os: string | null;
  readonly kernel: string | null;
  readonly architecture: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  /** The mounts of the newest report; null if there is no report. */
  readonly mounts: readonly string[] | null;
}

/** Members that differ from the usual value of their group. */
export interface KindOutlier {
  readonly group: string;
  readonly fact: KindFact;
  /** The value of the others, or the mount that is missing. */
  readonly usual: string;
  /** The value that all of these clients have instead; null if they have several, or lack the mount. */
  readonly value: string | null;
  /** The number of members whose value is known. */
  readonly members: number;
  /** The members by name. */
  readonly clients: readonly string[];
}

const textFacts = ['os', 'kernel', 'architecture'] as const;

export function kindOutliers(group: string, kinds: readonly ClientKind[]): readonly KindOutlier[] {
  const found = [
    ...textFacts.map((fact) => oddOnes(fact, kinds, (kind) => kind[fact])),
    oddOnes('cpus', kinds, ({ cpus }) => (cpus === null ? null : String(cpus))),
    oddOnes('memory', kinds, memoryWords(kinds)),
    ...missingMounts(kinds),
  ];
  return found.flatMap((odd) => (odd === null ? [] : [{ group, ...odd }]));
}

function oddOnes(
  fact: KindFact,
  kinds: readonly ClientKind[],
  valueOf: (kind: ClientKind) => string | null,
): Omit<KindOutlier, 'group'> | null {
  const [first] = kinds;
  // Most groups are alike in most facts.
  if (first === undefined || kinds.every((kind) => valueOf(kind) === valueOf(first))) return null;
  const having = groupBy(kinds, valueOf);
  const members = kinds.length - (having.get(null)?.length ?? 0);
  const sorted = [...having]
    .flatMap(([value, own]) => (value === null ? [] : [[value, own] as const]))
    .sort(([one, ones], [other, others]) => others.length - ones.length || compareText(one, other));
  const [usual, ...others] = sorted;
  if (usual === undefined || others.length === 0) return null;
  if (!isUsual(usual[1].length, members)) return null;
  const [other] = others;
  return {
    fact,
    usual: usual[0],
    value: others.length === 1 && other !== undefined ? other[0] : null,
    members,
    clients: others.flatMap(([, odd]) => odd.map(({ client }) => client)).sort(compareText),
  };
}

function isUsual(having: number, known: number): boolean {
  return known >= minMembers && having >= usualShare * known;
}

/** Returns a function that describes memory. Sizes near the median are described as the median. */
function memoryWords(kinds: readonly ClientKind[]): (kind: ClientKind) => string | null {
  const sizes = kinds.map(({ memoryBytes }) => memoryBytes).filter((size) => size !== null);
  const middle = sizes.sort((one, other) => one - other)[Math.floor(sizes.length / 2)] ?? 0;
  return ({ memoryBytes }) => {
    if (memoryBytes === null) return null;
    return describeSize(Math.abs(memoryBytes - middle) <= memoryShare * middle ? middle : memoryBytes);
  };
}

function missingMounts(kinds: readonly ClientKind[]): readonly Omit<KindOutlier, 'group'>[] {
  const known = kinds.flatMap(({ client, mounts }) => (mounts === null ? [] : [{ client, mounts }]));
  const [first] = known;
  if (first === undefined || known.every(({ mounts }) => areEqual(mounts, first.mounts))) return [];
  const having = new Map<string, number>();
  for (const { mounts } of known) {
    // A report may list a mount twice.
    for (const mount of new Set(mounts)) having.set(mount, (having.get(mount) ?? 0) + 1);
  }
  return [...having]
    .filter(([, count]) => count < known.length && isUsual(count, known.length))
    .sort(([one], [other]) => compareText(one, other))
    .map(([mount]) => ({
      fact: 'mount',
      usual: mount,
      value: null,
      members: known.length,
      clients: known.flatMap(({ client, mounts }) => (mounts.includes(mount) ? [] : [client])).sort(compareText),
    }));
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((mount, index) => mount === other[index]);
}
