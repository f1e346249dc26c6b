// Second tier: types at a terminal; init.test.ts runs init without one
/** `init` on a terminal, which `script` provides. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { tempFolder } from '../../support/temp-folder.ts';
import { onTerminal, withoutTerminal as skip } from '../../support/programs/terminal.ts';

/** Runs init in a folder, and types each answer when its question is on the screen. */
async function answered(dir: string, flags: string, answers: readonly (readonly [asked: string, typed: string])[]) {
  const left = [...answers];
  let readUntil = 0;
  const args = ['init', ...flags.split(' ').filter((flag) => flag !== '')];
  const { status, screen } = await onTerminal(args, {
    cwd: dir,
    env: { TERM: 'dumb', HOME: dir, TZ: 'UTC' },
    onScreen: (shown, type) => {
      const [question, typed] = left[0] ?? [];
      if (question === undefined || typed === undefined || !shown.includes(question, readUntil)) return;
      left.shift();
      readUntil = shown.length;
      type(typed);
    },
  });
  assert.deepEqual(left, [], screen);
  return { status, screen: screen.replaceAll('\r', '') };
}

const five = [
  ['Who is notified of alerts?', 'ops@example.org\n'],
  ['Which mail server', 'none\n'],
  ['As whom are machines logged in to?', '\n'],
] as const;

test('five questions, three steps, and the command that starts it from now on', { skip }, async (t) => {
  const dir = tempFolder(t);
  const { status, screen } = await answered(dir, '', [
    ...five,
    ['Which machines?', '\n'],
    ['In which folder', '.\n'],
    ['check --connect now? [y/N]', 'y\n'],
    ['trust now? [y/N]', 'y\n'],
    ['collect now? [y/N]', 'y\n'],
  ]);
  assert.equal(status, 0, screen);
  assert.match(screen, /\[local\]: /);
  assert.match(
    screen,
    /config\.xml is valid: 1 client, [\s\S]*from now on:\n\n {2}fleet-health -c \S+ crontab --install\n/,
  );
  const file = path.join(dir, 'config.xml');
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.match(readFileSync(file, 'utf8'), /<mail to="ops@example\.org"\/>[\s\S]*<client name="local"/);
  assert.ok(readdirSync(path.join(dir, 'state')).includes('fleet.db'), 'collect has run');
});

test('flags are not asked for, a no goes on, and so does a step that fails', { skip }, async (t) => {
  const dir = tempFolder(t);
  const flags = `--smtp none --login nobody --clients gone=127.0.0.1 --mail-to ops@example.org --dir ${dir}`;
  const { status, screen } = await answered(dir, flags, [
    ['check --connect now? [y/N]', 'y\n'],
    ['trust now? [y/N]', '\n'],
    ['collect now? [y/N]', 'y\n'],
  ]);
  assert.equal(status, 1, screen);
  assert.doesNotMatch(screen, /Which machines/);
  assert.match(
    screen,
    /crontab --install\n\nFaults of check --connect and collect are named above\. .*: fleet-health -c \S+ check --connect\n$/,
  );
});

test('a step that fails counts although the last one succeeds', { skip }, async (t) => {
  const dir = tempFolder(t);
  const flags = `--smtp 127.0.0.1:1 --login nobody --clients local --mail-to ops@example.org --dir ${dir}`;
  const { status, screen } = await answered(dir, flags, [
    ['check --connect now? [y/N]', 'y\n'],
    ['trust now? [y/N]', '\n'],
    ['collect now? [y/N]', 'y\n'],
  ]);
  assert.equal(status, 1, screen);
  assert.match(screen, /crontab --install\n\nFaults of check --connect are named above\. .* check --connect\n$/);
});

for (const [what, typed, wanted, says] of [
  ['Ctrl-C', '\u0003', 1, /ended by SIGINT/],
  ['the end of input', '\u0004', 2, /the input ended before all questions were answered/],
  ['the end of input behind an answer', 'monitor\n\u0004', 2, /the input ended before all questions were answered/],
] as const) {
  test(`${what} at a question ends it, and nothing is written`, { skip }, async (t) => {
    const dir = tempFolder(t);
    const { status, screen } = await answered(dir, '', [...five.slice(0, 2), [five[2][0], typed]]);
    assert.equal(status, wanted, screen);
    assert.match(screen, says);
    assert.deepEqual(readdirSync(dir), []);
  });
}
