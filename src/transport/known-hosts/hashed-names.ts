import { createHmac } from 'node:crypto';

import type { HashedName } from './known-hosts-line.ts';

/** Finds names among hashed ones. Each line has a salt of its own, so each name has to be tried with each line. */
export interface HashedNames<T extends HashedName> {
  /** Returns the lines of a name, in their order. */
  find(name: string): readonly T[];
}

/** Tries each name once. A hash is of one name, so a line that was found is not tried with other names again. */
export function indexHashedNames<T extends HashedName>(lines: readonly T[]): HashedNames<T> {
  const found = new Map<string, readonly T[]>();
  let open = lines;
  return {
    find: (name) => {
      const known = found.get(name);
      if (known !== undefined) return known;
      const isOfName = ({ salt, hash }: T): boolean => createHmac('sha1', salt).update(name).digest().equals(hash);
      const result = open.filter(isOfName);
      if (result.length > 0) open = open.filter((line) => !result.includes(line));
      found.set(name, result);
      return result;
    },
  };
}
