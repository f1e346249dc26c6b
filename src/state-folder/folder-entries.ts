import { readdirSync, type Dirent } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../platform/errors/errors.ts';

/** The codes of a folder that is missing. */
const missing: readonly string[] = ['ENOENT'];
/** The same where a file may be in its place: whoever writes into the folder next reports it. */
export const missingOrFile: readonly string[] = ['ENOENT', 'ENOTDIR'];

/** Returns the entries of a folder; none after a fault of one of the codes. Throws FleetError `state-unusable`. */
export function entriesOf(dir: string, none = missing): readonly Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (thrown) {
    if (none.includes(errnoOf(thrown) ?? '')) return [];
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

/** Returns the sorted names of the entries of a folder that are wanted. Throws as entriesOf does. */
export function namesIn(
  dir: string,
  isWanted: (entry: Dirent) => boolean = () => true,
  none = missing,
): readonly string[] {
  return entriesOf(dir, none)
    .flatMap((entry) => (isWanted(entry) ? [entry.name] : []))
    .toSorted();
}
