import { importHosts } from '../../../../src/cli/import/import.ts';
import { importKinds, loadReader, type ImportKind } from '../../../../src/cli/import/import-kinds.ts';
import type { Imported, Reader, SourceText } from '../../../../src/cli/import/imported.ts';

const readers = Object.fromEntries(
  await Promise.all(importKinds.map(async (kind) => [kind, await loadReader(kind)] as const)),
) as Readonly<Record<ImportKind, Reader>>;

/** Imports a list as the command does, with readers that are loaded before. */
export function importList(kind: ImportKind, source: SourceText): Imported {
  return importHosts(readers[kind], source);
}
