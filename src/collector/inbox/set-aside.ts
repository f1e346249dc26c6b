/**
 * The folder set-aside/: what was brought and cannot be stored, at the same path as in inbox/. It lies outside of the
 * folders that others write to, so that nobody else can exchange what is in it.
 */
import path from 'node:path';

import { makeFolder } from '../../state-folder/durable-file.ts';
import { inFolder } from '../../state-folder/held-folder.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { unmarked } from './document-files.ts';

/** The most documents of a folder that were set aside, and their bytes. Beyond them the oldest go. */
const maxFiles = 100;
const maxBytes = 64 * 1024 * 1024;

/** Returns the place of a folder of inbox/ in set-aside/. */
export function placeAside({ inbox, setAside }: Pick<StatePaths, 'inbox' | 'setAside'>, folder: string): string {
  return path.join(setAside, path.relative(inbox, folder));
}

/** Moves a document of an older folder or of inbox/ to `folder`, below set-aside/. Throws the errors of fs. */
export function setAside(file: string, folder: string): string {
  makeFolder(folder);
  const target = path.join(folder, path.basename(unmarked(file)));
  inFolder(path.dirname(file), (held) => held.move(path.basename(file), target));
  bound(folder);
  return target;
}

function bound(folder: string): void {
  inFolder(folder, (held) => {
    let bytes = 0;
    const names = held.entries().flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    for (const [index, name] of names.toSorted().toReversed().entries()) {
      bytes += held.facts(name)?.size ?? 0;
      if (index > 0 && (index >= maxFiles || bytes > maxBytes)) held.remove(name);
    }
  });
}
