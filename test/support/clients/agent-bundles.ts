import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type * as Esbuild from 'esbuild';

import { bundleOf, readBundles } from '../../../src/collector/agent/agent-bundles.ts';
import { compiledTests, isCompiledTest } from '../programs/program-args.ts';
import type { Bundle, Bundles } from '../../../src/collector/agent/task.ts';

/**
 * Bundles the programs for clients from the present sources. A compiled test reads those of the build just before it.
 */
export function buildBundles(): Bundles {
  const root = path.join(import.meta.dirname, '../../..');
  if (isCompiledTest) {
    const { agent, inventory, shell } = readBundlesIn(path.join(root, 'dist', 'agent'));
    return { agent: packedOnce(agent), inventory: packedOnce(inventory), shell };
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-agent-'));
  try {
    execFileSync(process.execPath, ['--import', 'tsx', 'build/bundle-agent.mjs', dir], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return readBundlesIn(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function readBundlesIn(dir: string): Bundles {
  return readBundles(path.join(dir, 'agent.cjs'), path.join(dir, 'inventory.cjs'), path.join(dir, 'agent.sh'));
}

/** Returns the bundle, packed by the first process of a run of the tests: packing both takes 0.2 s of CPU. */
function packedOnce(bundle: Bundle): Bundle {
  const file = path.join(compiledTests, `packed-${bundle.digest}`);
  let packed: Buffer | null = null;
  const pack = (): Buffer => {
    if (existsSync(file)) return readFileSync(file);
    const made = bundle.packed();
    writeFileSync(`${file}.${process.pid}`, made);
    renameSync(`${file}.${process.pid}`, file);
    return made;
  };
  return { ...bundle, packed: () => (packed ??= pack()) };
}

/** Bundles an agent with another collect: the text of a function that is called with CollectOptions. */
export function buildAgentWith(collect: string): Bundle {
  const root = path.join(import.meta.dirname, '../../..');
  // Most files that import this build nothing, and esbuild costs a process as much as its start.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof Esbuild;
  const { outputFiles } = buildSync({
    stdin: {
      contents: `import { runAgent } from './agent/agent.ts'; runAgent({ visit: ${collect}, inventory: null });`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.dirname': JSON.stringify(path.join(root, 'src/report')) },
    write: false,
  });
  return bundleOf(Buffer.from(outputFiles[0]?.contents ?? []));
}
