/**
 * One pass that stores what earlier runs left and visits nobody, in a process of its own, which runs out of memory as soon as
 * a certain report is read. Arguments: the fleet's folder, the id of that report. Ends with the pass's exit status.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const [dir = '', deadlyId = ''] = process.argv.slice(2);

const files = createRequire(process.execPath)('node:fs') as { openSync: (file: string, ...rest: unknown[]) => number };
const { openSync } = files;
files.openSync = (file, ...rest) => {
  const isDeadly = file.includes(`${deadlyId}.fhs`) && !file.includes('quarantine');
  for (const kept: unknown[] = []; isDeadly;) kept.push(new Array(4_000_000).fill(0.5));
  return openSync(file, ...rest);
};
syncBuiltinESMExports();

const { openFleet } = await import('./fleet.ts');
const { exitStatus } = await openFleet(dir).collect([]);
process.exit(exitStatus);
