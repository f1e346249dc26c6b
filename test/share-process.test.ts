/** The suites of files that share a process: what one of them leaves is red in its name, and hides nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';

import { tempFolder } from './support/temp-folder.ts';

/** Statements of a test, with what the suite of its file says; `null` for what the next file does not meet. */
const traces: readonly (readonly [statement: string, says: string | null])[] = [
  ['process.env.LEFT = "1"', 'has changed the environment'],
  ['delete process.env.PATH', 'has changed the environment'],
  ['process.chdir("/")', 'has changed the working folder'],
  ['process.umask(0o7)', 'has changed the umask'],
  ['globalThis.left = 1', 'has changed the globals'],
  ['Date.now = () => 0', 'has changed the functions of globals'],
  ['performance.now = () => 0', 'has changed the functions of globals'],
  ['globalThis.fetch = async () => null', 'has changed the functions of globals'],
  ['process.on("warning", () => {})', 'has changed the listeners'],
  ['setTimeout(() => {}, 8000)', 'has left open handles'],
  ['const server = net.createServer().listen(0); setTimeout(() => server.close(), 8000)', 'has left open handles'],
  ['held.push(new Array(2 ** 24).fill(1.5))', 'keeps '],
  ['process.exit(0)', 'calls process.exit in a process that it shares'],
  ['t.mock.method(Date, "now", () => 0)', null],
  ['const kept = process.env.HOME; process.env.HOME = "/"; process.env.HOME = kept', null],
  ['setTimeout(() => {}, 3000).unref()', null],
  ['mock.timers.enable({ apis: ["setTimeout"] })', 'has changed the functions of globals'],
];

test('a trace that a file leaves fails its suite, and the files after it run', (t) => {
  const module = path.join(tempFolder(t), 'shared.test.mjs');
  const share = pathToFileURL(path.join(import.meta.dirname, 'share-process.mjs')).href;
  const suites = traces.map(
    ([statement], index) =>
      `share('leaves-${index}', () => test('leaves', (t) => { ${statement}; }));
       share('follows-${index}', () => test('runs', () => {}));\n`,
  );
  writeFileSync(
    module,
    `import net from 'node:net'; import { mock, test } from 'node:test'; import { share } from '${share}';
     export const held = [];
     ${suites.join('')}`,
  );
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', '--test-reporter=tap', module], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined },
    timeout: 60_000,
  });
  for (const [index, [statement, says]] of traces.entries()) {
    const result = new RegExp(`^(ok|not ok) \\d+ - leaves-${index}$`, 'm').exec(stdout)?.[1];
    assert.equal(result, says === null ? 'ok' : 'not ok', `${statement}\n${stdout}`);
    if (says !== null) assert.ok(stdout.includes(`leaves-${index} ${says}`), `${statement}\n${stdout}`);
    assert.match(stdout, new RegExp(`^ok \\d+ - follows-${index}$`, 'm'), statement);
  }
});
