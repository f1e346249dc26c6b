/**
 * The programs that a fault run starts beside the product. They are bundled once, so that they start almost as fast as
 * Node.
 */
import { chmodSync, constants, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildSync } from 'esbuild';

import { hookEnvironment } from './kill-plan.ts';

export interface FaultPrograms {
  /** The file for `node --require`. */
  readonly hook: string;
  readonly mailServer: string;
  /** A `node` for config.xml. It adds the hook, because the loader clears the environment. */
  readonly nodeOfAgents: string;
}

export type HookName = 'kill-hook' | 'order-hook';

/** Makes the programs in a folder that everybody can read. `hookDir` is the folder of the hook's files. */
export function makeFaultPrograms(dir: string, hookDir: string, hookName: HookName): FaultPrograms {
  const bundle = (name: string): string => {
    const outfile = path.join(dir, `${name}.cjs`);
    buildSync({
      entryPoints: [path.join(import.meta.dirname, `${name}.ts`)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
    });
    chmodSync(outfile, 0o644);
    return outfile;
  };
  const hook = bundle(hookName);
  // A copy, because other accounts may have no access to this process's own node.
  const runtime = path.join(dir, 'runtime');
  copyFileSync(process.execPath, runtime, constants.COPYFILE_FICLONE);
  chmodSync(runtime, 0o755);
  const nodeOfAgents = path.join(dir, 'node');
  const script = `#!/bin/sh\nexport ${hookEnvironment.dir}='${hookDir}'\nexec '${runtime}' --require '${hook}' "$@"\n`;
  writeFileSync(nodeOfAgents, script);
  chmodSync(nodeOfAgents, 0o755);
  return { hook, mailServer: bundle('mail-server'), nodeOfAgents };
}
