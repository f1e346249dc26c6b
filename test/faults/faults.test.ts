/** The short version of `npm run faults`, with enough kills to show that all parts still work together. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { isWide } from '../support/long-tests.ts';
import { skipWithoutMariadb } from '../support/mariadb.ts';
import { sshdOrSkip } from '../support/sshd.ts';
import { failuresOf, summaryOf } from './fault-figures.ts';
import { runFaults } from './fault-run.ts';

const seed = 5;

describe('everything is killed again and again: nothing is lost, nothing comes twice', { concurrency: 2 }, () => {
  for (const [database, pipe] of [
    ['sqlite', 'visit'],
    ['mysql', 'visit'],
    ['sqlite', 'push'],
    ['sqlite', 'ssh'],
    ['sqlite', 'spoke'],
  ] as const) {
    const needs = database === 'mysql' ? skipWithoutMariadb : false;
    const skip = isWide || pipe === 'visit' ? needs : 'in the second tier';
    test(`${database}, ${pipe}`, { skip, timeout: 400_000 }, async (t) => {
      if (!sshdOrSkip(t)) return;
      const result = await runFaults({ database, pipe, seed, kills: 30, forMs: 120_000, clients: 4, rowsBetween: 3 });
      t.diagnostic(summaryOf(result));
      assert.deepEqual(failuresOf(result), []);
      assert.ok(result.killed >= 10, `only ${result.killed} kills in two minutes`);
      assert.ok(result.comparison.spooled > 20 && result.comparison.due >= 16, 'there was something to lose');
    });
  }
});
