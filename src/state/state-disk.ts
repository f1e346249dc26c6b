import { existsSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';

/** A file system that the program itself writes to. */
export interface StateDisk {
  /** Of this machine. */
  readonly path: string;
  /** Without what is kept for root: used and available. */
  readonly sizeBytes: number;
  /** For the user of this process. */
  readonly availableBytes: number;
  /** Available of used and available, as `df` counts; 0 to 100. */
  readonly freePercent: number;
}

/** Below this people are told. */
export const lowPercent = 10;
/** From here on it is over: so that what goes up and down around the limit is told once. */
export const enoughPercent = 12;

/** Where the programs write: the state folder, and the folder of an SQLite file. */
export function statePlaces({ stateDir, storage }: StatePlaces): readonly string[] {
  return [stateDir, ...(storage.path === null ? [] : [path.dirname(storage.path)])];
}

/** Of config.xml. */
export interface StatePlaces {
  readonly stateDir: string;
  /** `path` is null where the database is a server's. */
  readonly storage: { readonly path: string | null };
}

/**
 * How much is left where these files and folders lie, each file system once, under the first of them. One that is not
 * there yet is looked for further up; one that cannot be asked is left out.
 */
export function stateDisks(places: readonly string[]): readonly StateDisk[] {
  const known = new Set<number>();
  return places.flatMap((place): readonly StateDisk[] => {
    try {
      const there = existing(place);
      const { dev } = statSync(there);
      if (known.has(dev)) return [];
      known.add(dev);
      const { blocks, bfree, bavail, bsize } = statfsSync(there);
      const size = blocks - bfree + bavail;
      if (size <= 0) return [];
      const freePercent = (100 * bavail) / size;
      return [{ path: place, sizeBytes: size * bsize, availableBytes: bavail * bsize, freePercent }];
    } catch {
      return [];
    }
  });
}

function existing(place: string): string {
  let dir = place;
  while (!existsSync(dir) && path.dirname(dir) !== dir) dir = path.dirname(dir);
  return dir;
}
