// Second tier: rounds of all installed programs; the tests of power-cut/ and of crashes kill single ones.
/** The short version of `npm run faults`, with enough kills to show that all parts still work together. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { isLong } from '../support/long-tests.ts';
import { skipWithoutMariadb } from '../support/databases/mariadb.ts';
import { sshdOrSkip } from '../support/ssh/sshd.ts';
import { failuresOf, summaryOf } from './fault-figures.ts';
import { runFaults, type Progress } from './fault-run.ts';

const seed = 5;
/** The CPU grows with the clients and the rows between changes: rounds without kills go on until all is notified. */
const sizes = {
  visit: isLong ? { kills: 30, clients: 4, rowsBetween: 3 } : { kills: 12, clients: 2, rowsBetween: 1 },
  other: isLong ? { kills: 30, clients: 4, rowsBetween: 3 } : { kills: 8, clients: 2, rowsBetween: 1 },
} as const;
/** Each database and each pipe; `npm run faults` has them together. */
const ways = [
  { database: 'sqlite', pipe: 'visit' },
  ...(isLong ? ([{ database: 'mysql', pipe: 'visit' }] as const) : []),
  { database: isLong ? 'sqlite' : 'mysql', pipe: 'push' },
  { database: 'sqlite', pipe: 'ssh' },
  { database: 'sqlite', pipe: 'spoke' },
] as const;

describe('everything is killed again and again: nothing is lost, nothing comes twice', { concurrency: 2 }, () => {
  for (const { database, pipe } of ways) {
    const { kills, clients, rowsBetween } = sizes[pipe === 'visit' ? 'visit' : 'other'];
    const skip = database === 'mysql' ? skipWithoutMariadb : false;
    test(`${database}, ${pipe}`, { skip, timeout: 600_000 }, async (t) => {
      if (!sshdOrSkip(t)) return;
      const beganMs = performance.now();
      let progress = 'no round has ended';
      t.after(() => t.diagnostic(progress));
      const observe = ({ rounds, kills: so, wrong }: Progress): void => {
        const seconds = Math.round((performance.now() - beganMs) / 1000);
        progress = `after ${seconds} s: ${rounds} rounds, ${so} kills, ${wrong.length} wrong`;
      };
      const result = await runFaults({ database, pipe, seed, kills, forMs: 120_000, clients, rowsBetween, observe });
      t.diagnostic(summaryOf(result));
      assert.deepEqual(failuresOf(result), []);
      assert.ok(result.killed >= kills / 3, `only ${result.killed} kills in two minutes`);
      assert.ok(result.comparison.spooled > (2 * kills) / 3, `${result.comparison.spooled} reports in a spool`);
      assert.ok(result.comparison.due >= kills / 2, `${result.comparison.due} changes due`);
    });
  }
});
