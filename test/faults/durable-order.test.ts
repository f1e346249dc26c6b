// Second tier: the order of syncs, traced.
import assert from 'node:assert/strict';
import path from 'node:path';
import { before, suite, test } from 'node:test';

import { linesOf } from './fault-round.ts';
import { openFaultSite } from './fault-site.ts';
import { hookFiles } from './kill-plan.ts';
import type { OrderLine } from './order-hook.ts';
import { startProgram } from './program-run.ts';
import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { isWide } from '../support/long-tests.ts';
import { sshdMissing } from '../support/ssh/sshd.ts';

/** The figures, the state, and in the second tier the inventory, which takes the same way. */
const reports = isWide ? 3 : 2;

/** Asserts that these steps happened in this order. Other steps may lie between them. */
function inOrder(lines: readonly OrderLine[], steps: Readonly<Record<string, (line: OrderLine) => boolean>>): void {
  let at = -1;
  for (const [step, isIt] of Object.entries(steps)) {
    const next = lines.findIndex((line, index) => index > at && isIt(line));
    assert.ok(next > at, `not in its place: ${step}\n${lines.map((line) => JSON.stringify(line)).join('\n')}`);
    at = next;
  }
}

suite('what a power cut must not take is synced before anybody relies on it', { skip: sshdMissing() ?? false }, () => {
  let lines: readonly OrderLine[];
  /** The lines with which the agents gave the reports their names. */
  let spooled: readonly OrderLine[];
  before(async () => {
    const site = await openFaultSite('sqlite', 1, { hookName: 'order-hook' });
    try {
      if (!isWide) {
        await makeInventoriedIn(site.stateDirs[0] ?? '', ...site.clients);
        await site.database.run('UPDATE clients SET state_at = NULL');
      }
      const { status, said } = await startProgram(site, { command: 'collect', plan: null }).ended;
      assert.equal(status, 0, said);
      lines = linesOf(path.join(site.hookDir, hookFiles.order)) as readonly OrderLine[];
    } finally {
      await site.close();
    }
    spooled = lines.filter(({ event, what }) => event === 'rename' && /\/\d{13}-[0-9a-f-]{36}\.fhs$/.test(what));
    assert.equal(spooled.length, reports, 'a report, a state and what else is due');
  });
  const of = (wanted: number): readonly OrderLine[] => lines.filter(({ pid }) => pid === wanted);
  const idOf = ({ what }: OrderLine): string => what.slice(-40, -4);
  const bytesOf = (one: OrderLine): string => idOf(one).replaceAll('-', '');
  /** Returns the line with which the collector gave its copy of a report a name. */
  const keptOf = (one: OrderLine): OrderLine =>
    lines.find(
      ({ event, pid, what }) => event === 'rename' && pid !== one.pid && path.basename(what).includes(idOf(one)),
    ) ?? assert.fail('the collector keeps it');

  test('by the agent: the file and its folder, before it sends the report', () => {
    for (const one of spooled) {
      const { pid, what, from = '' } = one;
      inOrder(of(pid), {
        'the agent syncs the file': (line) => line.event === 'sync' && line.what === from,
        'gives it its name': (line) => line.event === 'rename' && line.what === what,
        'syncs the folder': (line) => line.event === 'sync' && line.what === path.dirname(what),
        'sends it': (line) => line.event === 'send' && line.what.includes(bytesOf(one)),
        'removes it': (line) => line.event === 'remove' && line.what === what,
      });
    }
  });

  test('by the collector: the file and its folder, before it acknowledges the report', () => {
    for (const one of spooled) {
      const kept = keptOf(one);
      inOrder(of(kept.pid), {
        'the collector syncs the file': (line) => line.event === 'sync' && line.what === kept.from,
        'gives it its name': (line) => line === kept,
        'syncs the folder': (line) => line.event === 'sync' && line.what === path.dirname(kept.what),
        'acknowledges it': (line) => line.event === 'acknowledge' && line.what === bytesOf(one),
      });
    }
  });

  test('by the database: the row, before the file goes to stored/', () => {
    for (const kept of spooled.map(keptOf)) {
      inOrder(of(kept.pid), {
        'the collector gives it its name': (line) => line === kept,
        'commits the row': (line) => line.event === 'commit',
        'keeps the file': (line) => line.event === 'rename' && line.from === kept.what,
      });
    }
  });

  test('the agent does not remove a report that nobody has acknowledged', () => {
    for (const one of spooled) {
      inOrder(lines, {
        'the collector acknowledges': (line) => line.event === 'acknowledge' && line.what === bytesOf(one),
        'the agent removes': (line) => line.event === 'remove' && line.what === one.what,
      });
    }
  });
});
