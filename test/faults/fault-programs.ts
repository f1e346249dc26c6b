/**
 * The programs that a fault run starts beside the product: bundled once, so that a start costs little more than Node's.
 */
import { chmodSync, constants, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildSync } from 'esbuild';

import { hookEnvironment } from './kill-plan.ts';

export interface FaultPrograms {
  /** For `node --require`. */
  readonly hook: string;
  readonly mailServer: string;
  /** A `node` for config.xml: the loader clears the environment, so the hook is brought in here. */
  readonly nodeOfAgents: string;
}

export type HookName = 'kill-hook' | 'order-hook';

/** Makes them in a folder that everybody may read; `hookDir` is the folder of the hook's files. */
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
  // The tests' own may stand where other accounts cannot go.
  const runtime = path.join(dir, 'runtime');
  copyFileSync(process.execPath, runtime, constants.COPYFILE_FICLONE);
  chmodSync(runtime, 0o755);
  const nodeOfAgents = path.join(dir, 'node');
  const script = `#!/bin/sh\nexport ${hookEnvironment.dir}='${hookDir}'\nexec '${runtime}' --require '${hook}' "$@"\n`;
  writeFileSync(nodeOfAgents, script);
  chmodSync(nodeOfAgents, 0o755);
  return { hook, mailServer: bundle('mail-server'), nodeOfAgents };
}
