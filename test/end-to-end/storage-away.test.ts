/**
 * An unavailable database, as a user of the built programs meets it. Reports wait and are stored later, no client is
 * blamed, and people are notified once.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { openSqlite } from '../../src/platform/sqlite.ts';
import { startFickleProxy } from '../support/servers/tcp-proxy.ts';
import { skipWithoutMariadb, startMariadb } from '../support/databases/mariadb.ts';
import { namesBelow } from '../support/names-below.ts';
import { openSite } from '../support/fleets/report-site.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(*) FROM visits) AS visits,
  (SELECT COUNT(*) FROM visits WHERE ok = 0) AS failed, (SELECT COUNT(*) FROM runs WHERE program = 'collect') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failures, 
  (SELECT COUNT(*) FROM alerts WHERE rule IN ('unreachable', 'no-report', 'collector-silent')) AS alerts`;

suite('MariaDB that cannot be reached', { skip: skipWithoutMariadb }, async () => {
  const mariadb = await stoppedAfter(startMariadb(['--innodb-flush-log-at-trx-commit=0']));
  const made = await mariadb.createDatabase();
  const proxy = await stoppedAfter(startFickleProxy(mariadb.port));
  const url = `mysql://${made.user}@127.0.0.1:${proxy.port}/${made.name}`;
  const elements = `<storage url="${url}" password="${made.password}"/><alerts defaults="no"/>`;
  const site = await stoppedAfter(openSite({ clients: 2, elements }));
  const machine = site.machine('mon');
  const state = path.join(machine.dir, 'state');

  const namesIn = (folder: string, ending: string): readonly string[] =>
    existsSync(path.join(state, folder)) ? namesBelow(path.join(state, folder), ending) : [];
  /** Counts the reports and documents that wait, and lists the mails. */
  const left = () => ({
    sealed: namesIn('encrypted_stats', '.fhs').length,
    documents: namesIn('inbox', '.json').length,
    mails: namesIn('outbox', '.eml')
      .map((name) => readFileSync(path.join(state, 'outbox', name), 'utf8'))
      .flatMap((mail) => /^Subject: (Database.*?) (?:for|after)/m.exec(mail)?.[1] ?? [])
      .sort(),
  });
  /** Asserts the exit status of a quiet run and the number of its lines on standard error. */
  const says = async (command: string, status: number, lines: number): Promise<void> => {
    const { stderr, ...ended } = await machine.run(['-q', command]);
    const said = stderr.split('\n').length - 1;
    assert.deepEqual({ ...ended, lines: said }, { status, stdout: '', lines }, stderr);
  };

  test('is reported by the run that notices it first', async () => {
    proxy.mode = 'refuse';
    await says('collect', 3, 1);
    assert.deepEqual(left(), { sealed: 2, documents: 2, mails: [] });
  });

  test('is not reported again by the other program, and is mailed after ten minutes', async () => {
    const known = openSqlite(path.join(state, 'database-away.db'));
    const earlier = (column: string): string => `${column} = ${column} - ${11 * 60_000}`;
    known.exec(`UPDATE outage SET ${earlier('since_ms')}, ${earlier('logged_ms')}`);
    known.exec(`UPDATE programs SET ${earlier('since_ms')}`);
    known.exec(`UPDATE recipients SET ${earlier('since_ms')}, ${earlier('mailed_ms')}, ${earlier('tried_ms')}`);
    known.close();
    await says('alert', 3, 0);
    assert.deepEqual(left().mails, ['Database away']);
  });

  test('and is back: all that waited is stored once, no client is blamed, and one mail says so', async () => {
    proxy.mode = 'pass';
    const { status, stdout, stderr } = await machine.run(['collect']);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /stored the records of 1 earlier run and 2 visits/);
    await says('alert', 0, 0);
    assert.deepEqual(left(), { sealed: 0, documents: 0, mails: ['Database away', 'Database back'] });
    const [row] = await mariadb.asRoot(`USE ${made.name}`, countsSql);
    const counts = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
    assert.deepEqual(counts, { stats: 4, visits: 4, failed: 0, runs: 2, failures: 0, alerts: 0 });
  });
});
