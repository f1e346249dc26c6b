/** `status --watch` on a terminal, which `script` gives it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { outcomeOf, program } from '../../support/run-cli.ts';
import { alertFolder } from '../support/stored-alerts.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript && process.env['CI']) throw new Error('script (util-linux) is not installed');
const skip = hasScript ? false : 'script (util-linux) is not installed';

const config = '<config><client name="web-1" ip="192.0.2.1"/></config>';
const enter = '\u001b[?1049h';
const leave = '\u001b[?25h\u001b[?1049l';

test('it draws anew after a run, and Ctrl-C puts the terminal back', { skip, timeout: 120_000 }, async (t) => {
  const { dir, ran } = await alertFolder(t, { config });
  const child = spawn('script', ['-qec', `exec ${process.execPath} ${program} status --watch`, '/dev/null'], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin', TERM: 'xterm', LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let screen = '';
  let step = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    if (step === 0 && screen.includes('No run yet')) {
      step = 1;
      void ran({ startedAtMs: Date.now() - 1000 });
    } else if (step === 1 && screen.includes('Last run finished')) {
      step = 2;
      child.stdin.write('\u0003');
    }
  });
  const { status } = await outcomeOf(child);
  assert.equal(status, 0, screen);
  assert.equal(step, 2, screen);
  assert.ok(screen.startsWith(enter), screen);
  assert.ok(screen.trimEnd().endsWith(leave), screen);
  assert.equal(screen.split('\u001b[H').length, 3, 'two screens');
});

for (const [title, args] of [
  ['without a terminal', ['status', '--watch']],
  ['with --json', ['--json', 'status', '--watch']],
] as const) {
  test(`${title} it is refused in one line`, async (t) => {
    const { refused } = await alertFolder(t, { config });
    await refused(args, /^fleet-health: --watch needs a terminal \(usage\)\. Without one: fleet-health status/);
  });
}
