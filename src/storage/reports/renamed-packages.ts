import type { StateLine } from '../../report/state/state.ts';

interface Stored {
  readonly value: string;
}

/** The stored items of packages that agents before 0.2.0 named or described otherwise. */
export interface RenamedPackages {
  /** The stored items by their present names. */
  readonly formerOf: ReadonlyMap<string, string>;
  /** Stored items that are a part of another item now. */
  readonly absorbed: ReadonlySet<string>;
  /** True if the database of only one of several package managers was read before. */
  readonly hasNewManager: boolean;
}

const ofOtherManager = / \((?:dpkg|rpm|apk|pacman)\)$/;

/**
 * Finds items that differ from the stored ones by what earlier agents left out alone: the epoch of rpm, the other
 * versions of a package, and the package manager; and by the version in the name of a package of which several versions
 * are there.
 */
export function renamedPackages(
  stored: ReadonlyMap<string, Stored>,
  now: ReadonlyMap<string, Pick<StateLine, 'value'>>,
): RenamedPackages {
  const formerOf = new Map<string, string>();
  const absorbed = new Set<string>();
  let hasNewManager = false;
  for (const [item, { value }] of now) {
    const known = stored.get(item);
    if (known?.value === value) continue;
    if (known !== undefined) {
      const parts = value.split(' ');
      const others = parts.filter((part) => !isVersion(part, known.value));
      const isJoined =
        others.length < parts.length && others.every((part) => stored.has(`${item} ${withoutEpoch(part)}`));
      if (!isJoined) continue;
      formerOf.set(item, item);
      for (const part of others) absorbed.add(`${item} ${withoutEpoch(part)}`);
      continue;
    }
    const base = item.replace(ofOtherManager, '');
    const manager = item.slice(base.length);
    const plain = base.replace(' (none)', '');
    const single = plain.endsWith(` ${value}`) ? plain.slice(0, -value.length - 1) : plain;
    // A package has its version in the name while another version of it is there.
    const own = [single, `${base} ${value}`, `${base} (none) ${value}`].map((name) => name + manager);
    const former = [...own, plain, single].find(
      (name) => name !== item && !now.has(name) && isVersion(value, stored.get(name)?.value),
    );
    if (former === undefined) continue;
    formerOf.set(item, former);
    hasNewManager ||= !former.endsWith(manager);
  }
  return { formerOf, absorbed, hasNewManager };
}

/** True if a version is the stored one, which may lack the epoch. */
function isVersion(version: string, stored: string | undefined): boolean {
  return version === stored || withoutEpoch(version) === stored;
}

function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, '');
}
