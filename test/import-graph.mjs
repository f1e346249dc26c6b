import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Returns what each module of some files imports, and what that imports, by its path from the project's folder. */
export async function importGraph(files) {
  const { metafile } = await build({
    entryPoints: files,
    absWorkingDir: root,
    // Nothing is written; the names of outputs depend on it.
    outdir: 'dist/test',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
  });
  return metafile.inputs;
}
