/** A command of config.xml in a process that has run out of file descriptors. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const script = `
import { closeSync, openSync } from 'node:fs';
import { runCommand } from ${JSON.stringify(new URL('../../src/platform/run-command.ts', import.meta.url).href)};
const run = () => runCommand({
  command: '/bin/true', timeoutMs: 60_000, signal: new AbortController().signal, maxOutput: 100,
});
const files = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch {}
const words = await run().catch(({ code }) => code);
for (const file of files) closeSync(file);
console.log(words, (await run()).status);
`;

test('a command without a file descriptor left fails alone: the program goes on', { timeout: 60_000 }, async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const shell = ['-c', 'ulimit -n 100 && exec "$@"', 'sh', process.execPath, ...args];
  const { stdout } = await promisify(execFile)('/bin/sh', shell);
  assert.equal(stdout, 'EMFILE 0\n');
});
