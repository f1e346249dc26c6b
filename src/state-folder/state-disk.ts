import { existsSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';

/** A file system that the program itself writes to. */
export interface StateDisk {
  /** A path on this machine. */
  readonly path: string;
  /** Used and available bytes, without those reserved for root. */
  readonly sizeBytes: number;
  /** Bytes available to the user of this process. */
  readonly availableBytes: number;
  /** The share of available bytes in `sizeBytes`, as `df` counts; 0 to 100. */
  readonly freePercent: number;
}

/** The disk is low below this percentage. */
export const lowPercent = 10;
/** The disk is no longer low from this percentage on: a value that varies around the limit is one alert. */
export const enoughPercent = 12;

/** Returns the folders that the programs write to: the state folder, and that of an SQLite file. */
export function statePlaces({ stateDir, storage }: StatePlaces): readonly string[] {
  return [stateDir, ...(storage.path === null ? [] : [path.dirname(storage.path)])];
}

/** The settings of config.xml that name the folders. */
export interface StatePlaces {
  readonly stateDir: string;
  /** The settings of the database. `path` is null for a database server. */
  readonly storage: { readonly path: string | null };
}

/**
 * Returns the free space of the file systems of these places, each once, under its first place. Uses the nearest
 * existing folder of a place. Omits file systems whose size cannot be read.
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
      if (size === 0) return [];
      const freePercent = (100 * bavail) / size;
      return [{ path: place, sizeBytes: size * bsize, availableBytes: bavail * bsize, freePercent }];
    } catch {
      return [];
    }
  });
}

function existing(place: string): string {
  let dir = place;
  while (!existsSync(dir)) dir = path.dirname(dir);
  return dir;
}
