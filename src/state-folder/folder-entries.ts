import { readdirSync, type Dirent } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../errors.ts';

/** Returns the entries of a folder; none if it is missing. Throws FleetError `state-unusable`. */
export function entriesOf(dir: string): readonly Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

/** Returns the sorted names of the entries of a folder that are wanted. Throws as entriesOf does. */
export function namesIn(dir: string, isWanted: (entry: Dirent) => boolean = () => true): readonly string[] {
  return entriesOf(dir)
    .flatMap((entry) => (isWanted(entry) ? [entry.name] : []))
    .toSorted();
}
