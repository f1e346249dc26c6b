/** `status --watch` on a terminal, which `script` provides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onTerminal, withoutTerminal as skip } from '../../support/programs/terminal.ts';
import { alertFolder } from '../support/stored-alerts.ts';

const config = '<config><client name="web-1" ip="192.0.2.1"/></config>';
const enter = '\u001b[?1049h';
const leave = '\u001b[?25h\u001b[?1049l';

test('it draws anew after a run, and Ctrl-C puts the terminal back', { skip, timeout: 120_000 }, async (t) => {
  const { dir, ran } = await alertFolder(t, { config });
  let step = 0;
  const { status, screen } = await onTerminal(['status', '--watch'], {
    cwd: dir,
    env: { LANG: 'C.UTF-8' },
    onScreen: (shown, type) => {
      if (step === 0 && shown.includes('No run yet')) {
        step = 1;
        void ran({ startedAtMs: Date.now() - 1000 });
      } else if (step === 1 && shown.includes('Last run finished')) {
        step = 2;
        type('\u0003');
      }
    },
  });
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
