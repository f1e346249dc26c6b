// Second tier: every statement of docs/sql.md.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { isWide } from '../support/long-tests.ts';
import { stateDigest } from '../../src/report/state/state.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { fillKnownFleet, knownAnswers } from './support/known-fleet.ts';
import { stateItem } from './support/state-samples.ts';
import { questionsOf, sqlDocument } from '../support/databases/sql-questions.ts';
import { onEachDatabase, type Opened } from './support/databases.ts';
import { check, item, runEnd, runStart, visit, worker } from './support/samples.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The number of reports a day. */
const perDay = isWide ? 4 : 1;
const never = new AbortController().signal;

onEachDatabase('the columns of the predecessor', ({ it }) => {
  it('compare as numbers and as texts: consulted_for_alerts is 0 before the alerter', async (given) => {
    await given.reports.ingest([item()]);
    const count = async (condition: string): Promise<unknown> =>
      (await given.rows(`SELECT COUNT(*) FROM collected_stats WHERE ${condition}`)).flat().map(Number);
    for (const condition of ['consulted_for_alerts = 0', "consulted_for_alerts = '0'"]) {
      assert.deepEqual(await count(condition), [1], condition);
    }
    for (const condition of ['consulted_for_alerts <> 0', "consulted_for_alerts != '0'"]) {
      assert.deepEqual(await count(condition), [0], condition);
    }
  });
});

onEachDatabase('the questions of docs/sql.md', ({ it, own }) => {
  it('are answered on the first day', async (opened) => {
    const nowMs = Date.now();
    await fill(opened, [nowMs - 600_000, nowMs - 300_000]);
    await allAnswered(opened);
  });

  it('are answered after more than a year, whole and without a gap', async (opened) => {
    const nowMs = Date.now();
    const times = Array.from(
      { length: 400 * perDay },
      (_, index) => nowMs - 300_000 - (index / perDay) * dayMs,
    ).reverse();
    await fill(opened, times);
    const limits = { rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: 365 * dayMs, dailyMs: 5 * 365 * dayMs };
    await opened.storage.retention.prune({ nowMs, ...limits }, never);
    await allAnswered(opened);
    const answer = async (title: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      opened.storage.history.query(questionsOf(own.questions).find((one) => one.title === title)?.sql ?? '');
    assert.ok((await answer('How one mount grew over the last year')).length >= 365);
    assert.ok((await answer("A client's memory of five years, by the day")).length >= 400);
    assert.ok((await answer("A client's CPU of three months, by the hour")).length >= perDay * 89);
    const days = await answer("A client's memory of five years, by the day");
    const samples = days.reduce((sum, { samples: one }) => sum + Number(one), 0);
    assert.equal(samples, times.length, 'each row counts once');
    const [, whole] = await answer('Bytes that an interface received and sent, by the day');
    assert.ok(Math.abs(Number(whole?.['rx_bytes']) - perDay * 300 * 1024.5) < 1);
  });

  it('are answered with what is stored', async (opened) => {
    const nowMs = Date.now();
    await fillKnownFleet(opened, nowMs);
    const said = await knownAnswers(opened, own.questions, nowMs);
    const file = path.join(packageDir, 'test/testdata/sql-answers.txt');
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, said);
    assert.equal(said, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 writes it');
  });

  it('cover every column of every table that is for people', async ({ database }) => {
    const hidden = new Set(['migrations', 'rule_state', 'leases', 'reply_positions', 'mail_replies']);
    for (const { t, c } of await database.readOnly(own.columns)) {
      const column = String(c).replace(/_(min|mean|max|count)$/, '');
      if (hidden.has(String(t)) || column === 'id') continue;
      assert.ok(sqlDocument.includes(`\`${column}\``) || /_by_/.test(String(t)), `${String(t)}.${String(c)}`);
    }
  });

  async function allAnswered({ storage, database }: Opened): Promise<void> {
    const [newest] = await database.readOnly('SELECT MAX(id) AS id FROM stats');
    for (const { title, sql } of questionsOf(own.questions)) {
      const rows = await storage.history.query(sql.replace('4711', String(newest?.['id'])));
      assert.ok(rows.length > 0, `${title}: no answer`);
      assert.ok(
        rows.some((row) => Object.values(row).every((value) => value !== null)) ||
          / waited|alerts|predecessor|reported/.test(title),
        `${title}: ${JSON.stringify(rows.at(-1))}`,
      );
    }
  }
});

/** Stores a client with reports of these times, a client that never reported, and an alert. */
async function fill({ storage, database }: Opened, times: readonly number[]): Promise<void> {
  const run = runStart({ startedAtMs: Date.now() - 300_000 });
  await storage.reports.startRun(run);
  const network = worker('network', { interface: 'eth0', rx_bytes_per_s: 1024.5, tx_bytes_per_s: 2048 });
  const matches = worker('log_match', { match: 'Failed', priority: 'err', count: 3 });
  const log = worker('log_line', { time: '1795326068', priority: 'err', unit: 'sshd', text: 'Failed', times: 1 });
  const reports = times.map((observedAtMs) => {
    const checks = [check('mailq', 1, 'WARNING - 210 unsent | unsent=210;200;500')];
    const one = item({ client: 'web-1', observedAtMs, receivedAtMs: observedAtMs + 250, checks });
    const others = one.report.worker_reports.filter(({ name }) => name !== 'network');
    return { ...one, report: { ...one.report, worker_reports: [...others, network, matches, log] } };
  });
  for (let start = 0; start < reports.length; start += 400) {
    await storage.reports.ingest(reports.slice(start, start + 400));
  }
  const failure = { ok: false, stage: 'connect', code: 'dns', message: 'no such host' };
  await storage.reports.saveVisits([
    visit({ client: 'web-1', address: '10.0.0.1', runId: run.id, startedAtMs: Date.now() }),
    visit({ client: 'db-1', runId: run.id, startedAtMs: Date.now(), ...failure }),
  ]);
  const lines = ['openssl amd64\t3.0.11-1'];
  const packages = { kind: 'package', digest: stateDigest(lines), error: null, lines } as const;
  await storage.reports.ingest([stateItem('web-1', Date.now(), [packages])]);
  await storage.reports.endRun(run, runEnd(run));
  await database.write((session) => {
    const at = session.dialect.now;
    return session.run(
      `INSERT INTO alerts (client, rule, subject, alert_key, severity, state, value, pending_since, firing_since, closed_out)
       VALUES ('web-1', 'disk', '/', 'key', 'critical', 'firing', 97, ${at}, ${at}, 0)`,
    );
  });
}
