// Second tier: many runs under moved clocks.
/** Leaps of the machine's clock while the built programs and their embedded database run under libfaketime. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { fakedClock, skipWithoutFaketime } from '../support/programs/faketime.ts';
import { openSite, type Site } from '../support/fleets/report-site.ts';
import { outcomeOf, type CliResult } from '../support/programs/run-cli.ts';
import type { SqlRow } from '../../src/storage/sql/database.ts';
import { namesBelow } from '../support/names-below.ts';

suite('ten years ahead, three hours back, a leap within a run', { skip: skipWithoutFaketime }, () => {
  let site: Site;
  let machine: ReturnType<Site['machine']>;
  before(async () => {
    let whenVisited: () => void = () => undefined;
    site = await openSite({
      clients: 2,
      elements: `<alerts defaults="no"><mail to="ops@example.org"/><alert type="cpu" limit="0%" for="1x"/></alerts>`,
      mayAnswer: () => {
        whenVisited();
        return Promise.resolve();
      },
    });
    machine = site.machine('mon-1');
    const { env, set: clock } = fakedClock(machine.dir);
    const passes = async (...programs: readonly ('collect' | 'alert')[]): Promise<void> => {
      for (const program of programs) assertQuiet(program, await outcomeOf(machine.start([program], { env })));
    };
    for (const leap of ['+0', '+3650d', '-3h']) {
      clock(leap);
      await passes('collect', 'alert');
    }
    clock('+0');
    await passes('collect');
    whenVisited = () => clock('+3h');
    await passes('collect', 'alert');
  });
  after(() => site.close());

  const rows = async (sql: string): Promise<readonly SqlRow[]> => {
    const file = path.join(machine.dir, 'state', 'fleet.db');
    const database = await openDatabase({ storage: sqliteConfig(file), program: 'change' });
    try {
      return (await database.read((session) => session.all(sql))).map((row) => ({ ...row }));
    } finally {
      await database.close();
    }
  };

  test('every report is stored whole and evaluated, and none is in quarantine', async () => {
    const [counts] = await rows(
      `SELECT COUNT(*) AS reports, (SELECT COUNT(*) FROM reports) AS whole,
      SUM(processed_at IS NULL) AS unevaluated, (SELECT COUNT(*) FROM visits) AS visits FROM stats`,
    );
    assert.deepEqual(counts, { reports: 10, whole: 10, unevaluated: 0, visits: 10 });
    const left = namesBelow(path.join(machine.dir, 'state')).filter((name) => name.includes('quarantine'));
    assert.deepEqual(left, []);
  });

  test('every run ends, after less than a minute', async () => {
    const runs = await rows("SELECT outcome, started_at, finished_at FROM runs WHERE program = 'collect'");
    assert.equal(runs.filter(({ outcome }) => outcome === 'finished').length, 5);
    for (const { started_at: from, finished_at: to } of runs) {
      const tookMs = Date.parse(String(to)) - Date.parse(String(from));
      assert.ok(tookMs >= 0 && tookMs < 60_000, `a run from ${String(from)} to ${String(to)}`);
    }
  });

  test('the last report is of now', async () => {
    const [client] = await rows("SELECT last_report_at FROM clients WHERE name = 'c1'");
    assert.ok(Math.abs(Date.parse(`${String(client?.['last_report_at'])}Z`) - Date.now()) < 3_600_000);
  });
});

/** Asserts that a program reports at most `alerter-silent`: right after a leap no pass of the alerter is recent. */
function assertQuiet(program: string, { status, stdout, stderr }: CliResult): void {
  const said = stderr.split('\n').filter((line) => !line.includes('(alerter-silent)') && line !== '');
  assert.deepEqual(said, [], `${program}: ${stdout}`);
  assert.equal(status, stderr === '' ? 0 : 1, `${program}: ${stdout}`);
}
