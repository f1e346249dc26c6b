import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export const packageNames = ['fleet-health-agent', 'fleet-health-node', 'fleet-health'];

/** Makes the Debian packages of a built checkout in a folder. */
export async function makePackages(checkout: string, out: string, ...words: readonly string[]): Promise<void> {
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1790000000' };
  const script = path.join(checkout, 'build', 'packages', 'deb.ts');
  await promisify(execFile)(process.execPath, ['--import', 'tsx', script, '--out', out, ...words], {
    cwd: checkout,
    env,
  });
}
