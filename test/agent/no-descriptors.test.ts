/** The programs of probes and checks on a machine without free file descriptors. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const urlOf = (file: string): string => JSON.stringify(new URL(`../../agent/${file}`, import.meta.url).href);
const script = `
import { closeSync, openSync } from 'node:fs';
import { runCheck } from ${urlOf('checks/run-check.ts')};
import { outputOf } from ${urlOf('live/output-of.ts')};
const probe = () => outputOf('/bin/echo', ['well'], 5_000).catch(({ message }) => message);
const check = async () => {
  const { exit, why } = await runCheck(['/bin/true'], 5_000, () => undefined);
  return why ?? exit;
};
const files = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch {}
const without = { probe: await probe(), check: await check() };
for (const file of files) closeSync(file);
console.log(JSON.stringify({ without, with: { probe: await probe(), check: await check() } }));
`;

test('a program without a file descriptor left costs its probe or check alone', { timeout: 60_000 }, async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const shell = ['-c', 'ulimit -n 100 && exec "$@"', 'sh', process.execPath, ...args];
  const { stdout } = await promisify(execFile)('/bin/sh', shell);
  assert.deepEqual(JSON.parse(stdout), {
    without: { probe: 'echo: EMFILE', check: 'cannot be started' },
    with: { probe: { output: 'well\n', status: 0 }, check: 0 },
  });
});
