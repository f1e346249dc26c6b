import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { linesOf } from './fault-round.ts';
import { openFaultSite } from './fault-site.ts';
import { hookFiles } from './kill-plan.ts';
import type { OrderLine } from './order-hook.ts';
import { startProgram } from './program-run.ts';
import { sshdOrSkip } from '../support/sshd.ts';

/** Asserts that these steps happened in this order. Other steps may lie between them. */
function inOrder(lines: readonly OrderLine[], steps: Readonly<Record<string, (line: OrderLine) => boolean>>): void {
  let at = -1;
  for (const [step, isIt] of Object.entries(steps)) {
    const next = lines.findIndex((line, index) => index > at && isIt(line));
    assert.ok(next > at, `not in its place: ${step}\n${lines.map((line) => JSON.stringify(line)).join('\n')}`);
    at = next;
  }
}

test('what a power cut must not take is synced before anybody relies on it', { timeout: 120_000 }, async (t) => {
  if (!sshdOrSkip(t)) return;
  const site = await openFaultSite('sqlite', 1, { hookName: 'order-hook' });
  t.after(() => site.close());
  const { status, said } = await startProgram(site, { command: 'collect', plan: null }).ended;
  assert.equal(status, 0, said);
  const lines = linesOf(path.join(site.hookDir, hookFiles.order)) as readonly OrderLine[];
  const spooled = lines.filter(({ event, what }) => event === 'rename' && /\/\d{13}-[0-9a-f-]{36}\.fhs$/.test(what));
  assert.equal(spooled.length, 2, 'a report and an inventory');
  for (const { pid, what, from = '' } of spooled) {
    const id = what.slice(-40, -4);
    const bytes = id.replaceAll('-', '');
    const isOf = (name: string): boolean => path.basename(name).includes(id);
    inOrder(
      lines.filter((line) => line.pid === pid),
      {
        'the agent syncs the file': (line) => line.event === 'sync' && line.what === from,
        'gives it its name': (line) => line.event === 'rename' && line.what === what,
        'syncs the folder': (line) => line.event === 'sync' && line.what === path.dirname(what),
        'sends it': (line) => line.event === 'send' && line.what.includes(bytes),
        'removes it': (line) => line.event === 'remove' && line.what === what,
      },
    );
    const kept = lines.find((line) => line.event === 'rename' && line.pid !== pid && isOf(line.what));
    assert.ok(kept, 'the collector keeps it');
    inOrder(
      lines.filter((line) => line.pid === kept.pid),
      {
        'the collector syncs the file': (line) => line.event === 'sync' && line.what === kept.from,
        'gives it its name': (line) => line === kept,
        'syncs the folder': (line) => line.event === 'sync' && line.what === path.dirname(kept.what),
        'acknowledges it': (line) => line.event === 'acknowledge' && line.what === bytes,
      },
    );
    inOrder(
      lines.filter((line) => line.pid === kept.pid),
      {
        'the collector gives it its name': (line) => line === kept,
        'commits the row': (line) => line.event === 'commit',
        'removes the file': (line) => line.event === 'remove' && line.what === kept.what,
      },
    );
    // Whatever happens in between, the agent does not remove a report that nobody has acknowledged.
    inOrder(lines, {
      'the collector acknowledges': (line) => line.event === 'acknowledge' && line.what === bytes,
      'the agent removes': (line) => line.event === 'remove' && line.what === what,
    });
  }
});
