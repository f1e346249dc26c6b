// Second tier: many runs under moved clocks.
/** Leaps of the machine's clock while the built programs and their embedded database run under libfaketime. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { fakedClock, skipWithoutFaketime } from '../support/faketime.ts';
import { openSite } from '../support/report-site.ts';
import { outcomeOf } from '../support/run-cli.ts';
import type { SqlRow } from '../../src/storage/sql/database.ts';
import { namesBelow } from '../support/names-below.ts';

test(
  'ten years ahead, three hours back, a leap within a run: nothing goes or stands still',
  { skip: skipWithoutFaketime },
  async (t) => {
    let whenVisited: () => void = () => undefined;
    const site = await openSite({
      clients: 2,
      elements: `<alerts defaults="no"><mail to="ops@example.org"/><alert type="cpu" limit="0%" for="1x"/></alerts>`,
      mayAnswer: () => {
        whenVisited();
        return Promise.resolve();
      },
    });
    t.after(() => site.close());
    const machine = site.machine('mon-1');
    const { env, set: clock } = fakedClock(machine.dir);
    const run = async (...args: string[]): Promise<void> => {
      const { status, stdout, stderr } = await outcomeOf(machine.start(args, { env }));
      // Right after a leap no pass of the alerter is recent, and the programs report `alerter-silent`.
      const said = stderr.split('\n').filter((line) => !line.includes('(alerter-silent)') && line !== '');
      assert.deepEqual(
        [status, said],
        [said.length === 0 && stderr !== '' ? 1 : 0, []],
        `${args.join(' ')}: ${stdout}`,
      );
    };
    const rows = async (sql: string): Promise<readonly SqlRow[]> => {
      const file = path.join(machine.dir, 'state', 'fleet.db');
      const database = await openDatabase({ storage: sqliteConfig(file), program: 'change' });
      try {
        return (await database.read((session) => session.all(sql))).map((row) => ({ ...row }));
      } finally {
        await database.close();
      }
    };

    clock('+0');
    await run('collect');
    await run('alert');
    clock('+3650d');
    await run('collect');
    await run('alert');
    clock('-3h');
    await run('collect');
    await run('alert');
    clock('+0');
    await run('collect');
    whenVisited = () => clock('+3h');
    await run('collect');
    await run('alert');

    const [counts] = await rows(
      `SELECT COUNT(*) AS reports, (SELECT COUNT(*) FROM reports) AS whole,
      SUM(processed_at IS NULL) AS unevaluated, (SELECT COUNT(*) FROM visits) AS visits FROM stats`,
    );
    assert.deepEqual(counts, { reports: 10, whole: 10, unevaluated: 0, visits: 10 });
    const runs = await rows("SELECT outcome, started_at, finished_at FROM runs WHERE program = 'collect'");
    assert.equal(runs.filter(({ outcome }) => outcome === 'finished').length, 5);
    for (const { started_at: from, finished_at: to } of runs) {
      const tookMs = Date.parse(String(to)) - Date.parse(String(from));
      assert.ok(tookMs >= 0 && tookMs < 60_000, `a run from ${String(from)} to ${String(to)}`);
    }
    const [client] = await rows("SELECT last_report_at FROM clients WHERE name = 'c1'");
    assert.ok(Math.abs(Date.parse(`${String(client?.['last_report_at'])}Z`) - Date.now()) < 3_600_000);
    const left = namesBelow(path.join(machine.dir, 'state')).filter((name) => name.includes('quarantine'));
    assert.deepEqual(left, []);
  },
);
