// Second tier: three programs, MariaDB and a mail server; collector/split-trust.test.ts has the parts.
/**
 * Three machines on one MariaDB. One collects without the private key, one opens reports without a login, one notifies.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { Secret } from '../../src/config/secret.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import type { Report } from '../../src/report/report.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import {
  skipWithoutMariadb,
  sharedMariadb,
  type SharedMariadb,
  type MariadbDatabase,
} from '../support/databases/mariadb.ts';
import { exits, runBuilt, succeeded, type CliResult } from '../support/programs/run-cli.ts';
import { startSmtpServer, type SmtpServer } from '../support/servers/smtp-server.ts';
import type { SqlRow } from '../../src/storage/sql/database.ts';

/** Returns the rights that docs/installation.md grants a collector without the private key. */
function documentedGrants(): readonly string[] {
  const text = readFileSync(path.join(packageDir, 'docs', 'installation.md'), 'utf8');
  return [...text.matchAll(/^ {4}(GRANT .* TO 'fleet_collector'@'192\.0\.2\.10');$/gm)].map(([, grant = '']) => grant);
}

/** Returns every value of a row as text, bytes in latin1. */
function textOf(row: SqlRow): string {
  return Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join(' ');
}

const stateTables = ['state', 'state_values', 'state_items', 'state_changes', 'packages', 'changes', 'state_now'];

/** The figures, the state and the inventory. */
const sent = 3;

type Machine = 'collector' | 'opener' | 'alerter';

suite('a collector without the key, an opener and an alerter', { skip: skipWithoutMariadb }, () => {
  let mariadb: SharedMariadb;
  let smtp: SmtpServer;
  let database: MariadbDatabase;
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-split-'));
  const stateOf = (machine: Machine): string => path.join(dir, machine, 'state');
  const run = (machine: Machine, ...args: readonly string[]): Promise<CliResult> =>
    runBuilt(['-c', path.join(dir, machine, 'config.xml'), ...args], { env: { HOME: path.join(dir, 'home') } });
  const json = async (machine: Machine, ...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout, stderr } = await run(machine, '--json', ...args);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const rows = (sql: string) => mariadb.asRoot(`USE ${database.name}`, sql);
  const publicKeys = (): readonly string[] => {
    const folder = path.join(stateOf('opener'), 'public_keys');
    return readdirSync(folder)
      .toSorted()
      .map((name) => path.join(folder, name));
  };

  before(async () => {
    [mariadb, smtp] = await Promise.all([sharedMariadb(), startSmtpServer()]);
    database = await mariadb.createDatabase();
    const { name, password } = database;
    const users: Readonly<Record<Machine, string>> = { collector: `${name}_c`, opener: name, alerter: `${name}_a` };
    for (const user of [users.collector, users.alerter]) {
      await mariadb.asRoot(`CREATE USER ${user}@'%' IDENTIFIED BY '${password}'`);
    }
    await mariadb.asRoot(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${users.alerter}@'%'`);
    mkdirSync(path.join(dir, 'home'), { mode: 0o700 });
    for (const [machine, user] of Object.entries(users)) {
      mkdirSync(path.join(dir, machine), { mode: 0o700 });
      writeFileSync(
        path.join(dir, machine, 'config.xml'),
        `<config>
  <storage url="mysql://${user}@127.0.0.1:${mariadb.port}/${name}" password="${password}" migrate="${machine === 'opener' ? 'yes' : 'no'}"/>
  <smtp host="127.0.0.1" port="${smtp.port}" security="none"/>
  <collector every="5m" open="no" keepStored="1s"/>
  <ssh node="${process.execPath}"/>
  <alerts groupInterval="1s"><mail to="ops@example.org"/><alert type="memory" limit="1%" for="1x"/></alerts>
  <client name="here" ip="127.0.0.1" transport="local"/>
</config>\n`,
        { mode: 0o600 },
      );
    }
    assert.equal((await run('opener', 'migrate')).status, 0);
    const grants = documentedGrants();
    assert.ok(grants.length >= 7, 'docs/installation.md names the rights');
    for (const grant of grants) {
      await mariadb.asRoot(
        grant.replace(' ON fleet.', ` ON ${name}.`).replace("'fleet_collector'@'192.0.2.10'", `${users.collector}@'%'`),
      );
    }
  });
  after(async () => {
    await Promise.all([mariadb.stop(), smtp.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });

  /** Returns all text that an intruder gets with the collector's machine and its login to the database. */
  const stolen = async (): Promise<string> => {
    const user = `${database.name}_c`;
    const password = new Secret({ kind: 'literal', value: database.password });
    const storage = { ...database.storage, user, password };
    const login = await openDatabase({ storage, program: 'change' });
    const texts: string[] = [];
    const denied: string[] = [];
    const look = (what: string, table: string): Promise<unknown> =>
      login
        .read((session) => session.all(`SELECT ${what} FROM ${table}`))
        .then(
          (found) => texts.push(found.map(textOf).join('\n')),
          () => denied.push(table),
        );
    for (const row of await rows('SHOW FULL TABLES')) await look('*', `\`${String(Object.values(row)[0])}\``);
    for (const table of ['stats', 'inventory_reports']) await look('report_id, client', table);
    await login.close();
    for (const table of [
      'reports',
      'stats',
      'inventory',
      'disk_stats',
      'stats_hourly',
      'alerts',
      'latest_stats',
      ...stateTables,
    ]) {
      assert.ok(denied.includes(`\`${table}\``), `${table} can be read`);
    }
    assert.ok(!denied.includes('`sealed_reports`') && !denied.includes('stats'), denied.join(' '));
    for (const entry of readdirSync(path.join(dir, 'collector'), { recursive: true, withFileTypes: true })) {
      // Node's compiled form of the program contains the program's own words.
      const isProgram = entry.parentPath.includes('/state/compiled');
      if (entry.isFile() && !isProgram) texts.push(readFileSync(path.join(entry.parentPath, entry.name), 'latin1'));
    }
    return texts.join('\n');
  };

  /** All text that a thief of the collector gets before the reports are opened. */
  let seen = '';

  test('nothing is collected without a public key', async () => {
    await exits(3, run('collector', 'collect'), /\(keys-invalid\)/);
  });

  test('what is collected waits sealed, and nobody is notified', async () => {
    await succeeded(run('opener', 'keys', 'generate'));
    const [first = ''] = publicKeys();
    await succeeded(run('collector', 'keys', 'import-public', first));
    await succeeded(run('collector', 'collect'));
    const [counts] = await rows(
      'SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(*) FROM sealed_reports) AS waiting',
    );
    assert.deepEqual({ ...counts }, { stats: 0, waiting: sent });
    await succeeded(run('alerter', 'alert'));
    assert.equal(smtp.mails.length, 0);
    seen = await stolen();
  });

  test('it is opened elsewhere, and notified from a third place', async () => {
    const { exit_status, reports, clients } = await json('opener', 'ingest');
    const stored = { stored: sent, duplicate: 0, quarantined: 0, keyless: 0 };
    assert.deepEqual({ exit_status, reports, clients }, { exit_status: 0, reports: stored, clients: 1 });
    const state = await rows("SELECT kind FROM state_now WHERE client = 'here' AND item = 'kernel'");
    assert.deepEqual([...state.map((row) => ({ ...row }))], [{ kind: 'system' }]);
    await succeeded(run('alerter', 'alert'));
    assert.match(smtp.mails.map(({ content }) => content).join('\n'), /here[^]*memory/);
  });

  test('a stolen collector shows no figures', async () => {
    const [stored] = await rows('SELECT CAST(report AS CHAR) AS report FROM reports');
    const report = JSON.parse(String(stored?.['report'])) as Report;
    const figures = report.worker_reports.flatMap(({ function_reports }) =>
      function_reports.flatMap(({ data }) => data.flatMap((row) => Object.values(row).map(String))),
    );
    // The collector's own row of `runs` names this machine.
    const known = [report.boot_id, hostname()];
    const markers = [...new Set(figures)].filter((text) => text.length >= 6 && !known.includes(text));
    assert.ok(markers.length > 10, `${markers.length} markers are no test`);
    for (const marker of markers) assert.ok(!seen.includes(marker), marker);
    for (const word of ['here', 'FHS1']) assert.ok(seen.includes(word), word);
    assert.ok(!seen.includes('PRIVATE KEY'));
  });

  test('a key is retired once the collector has the next one and nothing waits for it', async () => {
    const [old] = ((await json('opener', 'keys', 'list'))['keys'] as { id: string }[]).map(({ id }) => id);
    const { rotate } = (await json('opener', 'keys', 'rotate')) as { rotate: { id: string } };
    await run('collector', 'collect');
    // The state comes with the visit if this machine's /etc has changed since.
    const waiting = Number((await rows('SELECT COUNT(*) AS n FROM sealed_reports'))[0]?.['n']);
    assert.ok(waiting === 1 || waiting === 2, String(waiting));
    const wait = waiting === 1 ? '1 report waits' : '2 reports wait';
    await exits(
      3,
      run('opener', 'keys', 'retire', old ?? ''),
      new RegExp(`${wait} in the database.*here may hold reports.*\\(key-in-use\\)`, 's'),
    );
    const [, next = ''] = publicKeys();
    assert.equal((await run('collector', 'keys', 'import-public', next)).status, 0);
    assert.equal((await run('collector', 'collect')).status, 0);
    assert.equal((await json('opener', 'ingest'))['exit_status'], 0);
    const retired = (machine: Machine) => run(machine, 'keys', 'retire', old ?? '');
    await exits(3, retired('collector'), /reports that have become rows.*\(key-in-use\)/s);
    for (let later = 0; later < 2; later += 1) await succeeded(run('collector', 'collect'));
    await succeeded(retired('collector'));
    await succeeded(retired('opener'));
    assert.equal((await rows('SELECT sealed_to FROM clients'))[0]?.['sealed_to'], rotate.id);
    assert.equal((await rows('SELECT COUNT(*) AS n FROM stats'))[0]?.['n'], 3);
  });
});
