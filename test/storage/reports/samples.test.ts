/** The figures of checks, from a report to `series` and `samples`. */
import assert from 'node:assert/strict';

import type { CheckResult } from '../../../src/report/checks.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { crashingDatabase } from '../support/crashing-database.ts';
import { onEachDatabase } from '../support/databases.ts';
import { check, item, noonMs } from '../support/samples.ts';
import { createClientShares } from '../../../src/storage/reports/client-shares.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import { storeReports } from '../../../src/storage/reports/store-reports.ts';
import type { Database, Session } from '../../../src/storage/sql/database.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const never = new AbortController().signal;
const limits = { nowMs: noonMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: 365 * dayMs, dailyMs: 1825 * dayMs };
const seriesSql = 'SELECT client, metric, labels, unit, last_on FROM series ORDER BY client, metric, unit';
const samplesSql = `SELECT k.metric, k.unit, m.observed_at, m.value FROM samples m JOIN series k ON k.id = m.series_id
  ORDER BY m.observed_at, k.client, k.metric, k.unit, m.value`;

interface SaidOptions {
  readonly client?: string;
  readonly minutes?: number;
  readonly age?: number;
}

/** Returns a report of a check `db` with these figures. */
function said(perfdata: string, { client = 'web-1', minutes = 0, age = 0 }: SaidOptions = {}): IngestItem {
  const observedAtMs = noonMs + minutes * minuteMs;
  return item({ client, observedAtMs, checks: [check('db', 0, `OK | ${perfdata}`, { age_s: age })] });
}

const numbered = (from: number, count: number): CheckResult =>
  check('many', 0, `| ${times(count, (at) => `n${from + at}=${at}`).join(' ')}`);
/** Returns four checks with fifty figures each. */
const full = (): readonly CheckResult[] => times(4, (at) => ({ ...numbered(50 * at, 50), name: `many ${at}` }));

onEachDatabase('samples', ({ it }) => {
  it('each figure of a check is a series in its base unit, and what a report had of it a sample', async (opened) => {
    const { reports, rows } = opened;
    await reports.ingest([
      said("took=1500ms;2;5 'queries a s'=7 size=2KB used=12,5% hits=3c gone=U"),
      item({ client: 'web-2', checks: [] }),
    ]);
    await reports.ingest([said('took=2s', { minutes: 5 })]);
    assert.deepEqual(await rows(seriesSql), [
      ['web-1', 'db hits', '{"check":"db","label":"hits"}', 'counter', '2026-11-20'],
      ['web-1', 'db queries a s', '{"check":"db","label":"queries a s"}', 'count', '2026-11-20'],
      ['web-1', 'db size', '{"check":"db","label":"size"}', 'bytes', '2026-11-20'],
      ['web-1', 'db took', '{"check":"db","label":"took"}', 'seconds', '2026-11-20'],
      ['web-1', 'db used', '{"check":"db","label":"used"}', 'percent', '2026-11-20'],
    ]);
    const at = '2026-11-20 10:00:00.000';
    assert.deepEqual(await rows(samplesSql), [
      ['db hits', 'counter', at, 3],
      ['db queries a s', 'count', at, 7],
      ['db size', 'bytes', at, 2048],
      ['db took', 'seconds', at, 1.5],
      ['db used', 'percent', at, 12.5],
      ['db took', 'seconds', '2026-11-20 10:05:00.000', 2],
    ]);
  });

  it('samples of *.prom files are series with their labels, and a file has its age', async (opened) => {
    const { reports, rows } = opened;
    const file = (minutes: number, samples: string): IngestItem => {
      const output = `stale=7200\nfile=60 a.prom\n${samples}`;
      const checks = [{ ...check('textfile:/f', 0, output), format: 'textfile' as const }];
      return item({ observedAtMs: noonMs + minutes * minuteMs, checks });
    };
    await reports.ingest([
      file(0, '+up{b="2",a="1"} 1\n+x_total 5\n+y NaN'),
      file(5, '+up{a="1",b="2",c=""} 0\n+x_total 305'),
    ]);
    await reports.ingest([{ ...file(10, '+up 7'), client: 'web-2' }]);
    const stored = await rows(`SELECT k.client, k.metric, k.labels, k.unit, m.value FROM samples m
      JOIN series k ON k.id = m.series_id ORDER BY k.client, k.metric, k.unit, m.observed_at`);
    const age = '{"check":"textfile:a","label":"age"}';
    assert.deepEqual(stored, [
      ['web-1', 'textfile:a age', age, 'seconds', 60],
      ['web-1', 'textfile:a age', age, 'seconds', 60],
      ['web-1', 'up', '{"a":"1","b":"2"}', 'count', 1],
      ['web-1', 'up', '{"a":"1","b":"2"}', 'count', 0],
      ['web-1', 'x_total', '{}', 'counter', 5],
      ['web-1', 'x_total', '{}', 'counter', 305],
      ['web-1', 'x_total', '{}', 'per_second', 1],
      ['web-2', 'textfile:a age', age, 'seconds', 60],
      ['web-2', 'up', '{}', 'count', 7],
    ]);
  });

  it('a report that comes twice, and a result that is repeated, add nothing', async ({ reports, rows }) => {
    const one = said('took=1s');
    await reports.ingest([one, one]);
    await reports.ingest([one, said('took=1s', { minutes: 5, age: 300 })]);
    assert.deepEqual(await rows('SELECT stat_id, value FROM samples'), [[1, 1]]);
  });

  it('checks and labels tell series apart, and a label that changes its unit is another series', async (opened) => {
    const { reports, rows } = opened;
    const twice = [check('a b', 0, '|c=1 c=5'), check('a', 0, "|'b c'=2")];
    await reports.ingest([item({ checks: twice }), said('size=1B', { minutes: 1 }), said('size=7', { minutes: 2 })]);
    const stored = (await rows(samplesSql)).map(([metric, unit, , value]) => ({ metric, unit, value }));
    assert.deepEqual(stored, [
      { metric: 'a b c', unit: 'count', value: 1 },
      { metric: 'a b c', unit: 'count', value: 2 },
      { metric: 'db size', unit: 'bytes', value: 1 },
      { metric: 'db size', unit: 'count', value: 7 },
    ]);
  });

  it('a counter has a rate too, but not over a reset, a moment, a day or a late report', async (opened) => {
    const { reports, rows } = opened;
    const at = (minutes: number, value: number): IngestItem => said(`hits=${value}c`, { minutes });
    await reports.ingest([at(10, 700), at(0, 100), at(5, 400)]);
    await reports.ingest([at(15, 50)]);
    await reports.ingest([at(15.1, 52), at(20, 350)]);
    await reports.ingest([at(1500, 500), at(1501, 560)]);
    await reports.ingest([at(7, 900)]);
    const rates = await rows(samplesSql);
    assert.deepEqual(
      rates.flatMap(([, unit, time, value]) => (unit === 'per_second' ? [[String(time).slice(5, 16), value]] : [])),
      [
        ['11-20 10:05', 1],
        ['11-20 10:10', 1],
        ['11-20 10:20', 1],
        ['11-21 11:01', 1],
      ],
    );
    assert.equal(rates.length, 9 + 4);
  });

  it('a client has at most 200 series; how many figures found none is counted, and notified once', async (opened) => {
    const { reports, rows } = opened;
    const dropped = async (more: readonly CheckResult[], minutes: number): Promise<unknown> => {
      const observedAtMs = noonMs + minutes * minuteMs;
      const [notified] = await reports.ingest([
        item({ observedAtMs, checks: [...full(), ...more] }),
        said('took=1s', { client: 'web-2', minutes }),
      ]);
      return [notified, (await rows("SELECT series_dropped FROM clients WHERE name = 'web-1'"))[0]?.[0]];
    };
    assert.deepEqual(await dropped([], 0), [{ kind: 'stored' }, null]);
    assert.deepEqual(await dropped([numbered(900, 12)], 5), [{ kind: 'stored', seriesDropped: 12 }, 12]);
    assert.deepEqual(await dropped([numbered(700, 5)], 10), [{ kind: 'stored' }, 5]);
    assert.deepEqual(await dropped([], 15), [{ kind: 'stored' }, 0]);
    const counted = 'SELECT client, COUNT(*) FROM series GROUP BY client ORDER BY client';
    assert.deepEqual(await rows(counted), [
      ['web-1', 200],
      ['web-2', 1],
    ]);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM samples'), [[4 * 201]]);
  });

  it('a series that is silent for a week leaves its place, and there are never more than 2,000', async (opened) => {
    const { reports, rows, history } = opened;
    for (let week = 0; week < 11; week++) {
      const checks = full().map((one) => ({ ...one, name: `${one.name} ${week}` }));
      await reports.ingest([item({ observedAtMs: noonMs + week * 8 * dayMs, checks })]);
    }
    assert.deepEqual(await rows('SELECT COUNT(*) FROM series'), [[2000]]);
    const samples = await history.query('SELECT stat_id, COUNT(*) AS n FROM samples GROUP BY stat_id ORDER BY stat_id');
    assert.deepEqual(pluck(samples, 'n'), Array<number>(10).fill(200));
    const [[again] = []] = await rows("SELECT COUNT(*) FROM series WHERE last_on > '2027-02-01'");
    const checks = full().map((one) => ({ ...one, name: `${one.name} 0` }));
    await reports.ingest([item({ observedAtMs: noonMs + 100 * dayMs, checks })]);
    assert.deepEqual([again, await rows("SELECT COUNT(*) FROM series WHERE last_on > '2027-02-01'")], [0, [[200]]]);
  });

  it('no value is too great for its sums, and none that is unknown is a sample', async (opened) => {
    const { storage, rows } = opened;
    const old = -35 * 24 * 60;
    const values = '|a=1e308 b=-1e300 c=1e24 d=1e-320 e=U f=9e307c';
    await storage.reports.ingest([
      ...times(3, (minute) =>
        item({ observedAtMs: noonMs + (old + minute) * minuteMs, checks: [check('x', 0, values)] }),
      ),
      item(),
    ]);
    assert.deepEqual((await rows('SELECT DISTINCT metric FROM series ORDER BY metric')).flat(), ['x c', 'x d']);
    await storage.retention.prune(limits, never);
    const days = await rows('SELECT value_max, value_mean, samples FROM samples_daily ORDER BY value_max');
    assert.deepEqual(days.at(-1), [1e24, 1e24, 3]);
  });

  it('hours and days keep what goes, and a series whose days are gone goes too', async (opened) => {
    const { reports, retention, rows } = opened;
    const old = -35 * 24 * 60;
    await reports.ingest([
      said('took=1s', { minutes: old }),
      said('took=3s', { minutes: old + 5 }),
      said('took=9s'),
      said('other=1', { client: 'web-2' }),
    ]);
    await retention.prune(limits, never);
    const figures = 'samples, value_min, value_mean, value_max, value_count';
    assert.deepEqual(await rows('SELECT value FROM samples ORDER BY value'), [[1], [9]]);
    for (const [span, place] of [
      ['hour', '2026-10-16 10:00:00'],
      ['day', '2026-10-16'],
    ] as const) {
      const table = span === 'hour' ? 'samples_hourly' : 'samples_daily';
      assert.deepEqual(await rows(`SELECT client, ${span}, ${figures} FROM ${table}`), [
        ['web-1', place, 2, 1, 2, 3, 2],
      ]);
      const shown = await rows(
        `SELECT ${span}, samples, value_max FROM samples_by_${span} WHERE client = 'web-1' ORDER BY ${span}`,
      );
      assert.deepEqual(shown, [
        [place, 2, 3],
        [span === 'hour' ? '2026-11-20 10:00:00' : '2026-11-20', 1, 9],
      ]);
    }
    const later = { ...limits, nowMs: noonMs + 2000 * dayMs };
    await reports.ingest([said('other=2', { client: 'web-2', minutes: 1999 * 24 * 60 })]);
    await retention.prune({ ...later, dailyMs: null }, never);
    assert.equal((await rows('SELECT id FROM series')).length, 2, 'their days stay, and so do their names');
    for (const nowMs of [later.nowMs, later.nowMs]) await retention.prune({ ...later, nowMs }, never);
    assert.deepEqual((await rows('SELECT metric FROM series')).flat(), ['db other']);
  });

  it('follow their client to a new name; series that both names have become one', async (opened) => {
    const { reports, retention, rows } = opened;
    const old = -35 * 24 * 60;
    for (const [client, value] of [
      ['old', 1],
      ['new', 3],
    ] as const) {
      await reports.ingest([
        said(`took=${value}s ${client}=5`, { client, minutes: old }),
        said(`took=${value}s ${client}=5`, { client, minutes: old + 5 }),
        said(`took=${value}s`, { client }),
      ]);
    }
    await retention.prune(limits, never);
    await reports.ingest([said('took=7s', { client: 'old', minutes: 5 })]);
    assert.equal(await retention.renameClient('old', 'new'), true);
    assert.deepEqual((await rows('SELECT client, metric FROM series ORDER BY metric')).map(String), [
      'new,db new',
      'new,db old',
      'new,db took',
    ]);
    const values = await rows(samplesSql);
    assert.deepEqual(values.map(([metric, , , value]) => `${String(metric)} ${String(value)}`).sort(), [
      'db took 1',
      'db took 3',
      'db took 7',
    ]);
    const days = `SELECT k.metric, d.samples, d.value_mean FROM samples_daily d JOIN series k ON k.id = d.series_id
      WHERE d.client = 'new' ORDER BY k.metric`;
    assert.deepEqual(await rows(days), [
      ['db new', 2, 5],
      ['db old', 2, 5],
      ['db took', 4, 2],
    ]);
  });

  it('are stored with their report or not at all', async ({ database, rows }) => {
    const sent = [said('took=1s'), said('took=2s', { client: 'web-2' })];
    /** Returns the numbers of rows of stats and samples after a crash behind a statement; null if no crash happened. */
    const left = async (statement: number): Promise<string | null> => {
      const crashes: number[] = [];
      const crash = (): void => {
        crashes.push(statement);
        // A full disk ends the transaction, is no fault of a record, and is not tried again.
        throw new StorageFault('full', 'crash');
      };
      const crashing = crashingDatabase(database, { statement, when: 'after', crash });
      await storeReports(crashing.database, sent, createClientShares()).catch(() => undefined);
      const counts = await rows('SELECT (SELECT COUNT(*) FROM stats), (SELECT COUNT(*) FROM samples)');
      return crashes.length === 0 ? null : String(counts);
    };
    let statement = 1;
    for (let counts = await left(statement); counts !== null; counts = await left((statement += 1))) {
      assert.equal(counts, '0,0', `after ${statement}`);
    }
    assert.ok(statement > 8, `${statement} statements`);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM samples'), [[2]]);
  });

  it('cost nothing where no check has figures, and one question for all clients where they have', async (opened) => {
    const { database } = opened;
    const statements = async (items: readonly IngestItem[]): Promise<readonly string[]> => {
      const seen: string[] = [];
      const recorded = (session: Session): Session => ({
        ...session,
        run: (sql, values) => (seen.push(sql), session.run(sql, values)),
        all: (sql, values) => (seen.push(sql), session.all(sql, values)),
      });
      const recording: Database = { ...database, write: (work) => database.write((one) => work(recorded(one))) };
      await storeReports(recording, items, createClientShares());
      return seen.filter((sql) => /\b(series|samples|series_dropped)\b/.test(sql));
    };
    const some = (perfdata: string, minutes: number): readonly IngestItem[] =>
      times(16, (at) => said(perfdata, { client: `web-${at}`, minutes }));
    assert.deepEqual(await statements(some('', 0)), []);
    await statements(some('a=1 b=2', 1));
    const known = await statements(some('a=1 b=2', 2));
    assert.deepEqual(
      known.map((sql) => sql.slice(0, 6)),
      ['SELECT', 'INSERT', 'INSERT'],
      known.join('\n'),
    );
  });
});
