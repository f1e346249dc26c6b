/** The short version of `npm run faults`: enough kills to see that everything is still kept together. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { skipWithoutMariadb } from '../support/mariadb.ts';
import { sshdOrSkip } from '../support/sshd.ts';
import { failuresOf, summaryOf } from './fault-figures.ts';
import { runFaults } from './fault-run.ts';

const seed = 5;

describe('everything is killed again and again: nothing is lost, nothing comes twice', { concurrency: 2 }, () => {
  for (const database of ['sqlite', 'mysql'] as const) {
    const skip = database === 'mysql' ? skipWithoutMariadb : false;
    test(database, { skip, timeout: 400_000 }, async (t) => {
      if (!sshdOrSkip(t)) return;
      const result = await runFaults({ database, seed, kills: 30, forMs: 120_000, clients: 4, rowsBetween: 3 });
      t.diagnostic(summaryOf(result));
      assert.deepEqual(failuresOf(result), []);
      assert.ok(result.killed >= 10, `only ${result.killed} kills in two minutes`);
      assert.ok(result.comparison.spooled > 20 && result.comparison.due >= 16, 'there was something to lose');
    });
  }
});
