import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { noOtherAccount } from '../support/programs/accounts.ts';
import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { isWide } from '../support/long-tests.ts';
import { serverName, skipWithoutMariadb, startMariadb } from '../support/databases/mariadb.ts';
import type { Mariadb, MariadbDatabase } from '../support/databases/mariadb.ts';
import { configFolder, exits, runCli } from '../support/programs/run-cli.ts';

const here = '<client name="here" ip="127.0.0.1" transport="local"/>';
const nobody = 65_534;

interface Connections {
  readonly connections: readonly { readonly kind: string; readonly code: string | null }[];
}

/** Returns the exit status of `check --connect`, and the kind and code of each failed connection. */
async function tried(dir: string, uid?: number): Promise<readonly (string | number | null)[]> {
  const options = { cwd: dir, ...(uid === undefined ? {} : { uid }) };
  const { status, stdout, stderr } = await runCli(['--json', 'check', '--connect'], options);
  assert.equal(stderr, '');
  const { connections } = JSON.parse(stdout) as Connections;
  return [status, ...connections.flatMap(({ kind, code }) => (code === null ? [] : [`${kind} ${code}`]))];
}

describe('check --connect finds what collect will find', () => {
  test('in a state folder that nobody can make', { skip: noOtherAccount }, async (t) => {
    const dir = configFolder(t, `<config><state dir="shut/state"/>${here}</config>`);
    mkdirSync(path.join(dir, 'shut'), { mode: 0o755 });
    for (const own of [dir, path.join(dir, 'config.xml')]) chownSync(own, nobody, nobody);
    assert.deepEqual(await tried(dir, nobody), [3, 'state state-unusable', 'database storage-denied']);
    await exits(3, runCli(['collect'], { cwd: dir, uid: nobody }), /state-unusable/);
  });

  test('in an SQLite database without a schema that nobody may migrate', async (t) => {
    const dir = configFolder(t, `<config><storage migrate="no"/>${here}</config>`);
    assert.deepEqual(await tried(dir), [3, 'database migration-mismatch']);
    assert.equal((await runCli(['collect'], { cwd: dir })).status, 3);
  });

  test('and makes no state folder and no database', async (t) => {
    const dir = configFolder(t, `<config>${here}</config>`);
    assert.deepEqual(await tried(dir), [0]);
    assert.deepEqual(readdirSync(dir), ['config.xml']);
  });

  test('and leaves an SQLite database as it is', async (t) => {
    const dir = configFolder(t, `<config>${here}</config>`);
    await makeInventoriedIn(path.join(dir, 'state'), 'here');
    assert.equal((await runCli(['-q', 'collect'], { cwd: dir })).status, 0);
    const file = path.join(dir, 'state', 'fleet.db');
    const before = readFileSync(file);
    assert.deepEqual(await tried(dir), [0]);
    assert.ok(readFileSync(file).equals(before));
  });
});

const rare = isWide ? skipWithoutMariadb : 'in the second tier';
describe(`check --connect on ${serverName}`, { skip: rare }, () => {
  let mariadb: Mariadb;
  before(async () => {
    mariadb = await startMariadb();
  });
  after(() => mariadb.stop());

  const configOf = (t: TestContext, { url, password }: MariadbDatabase, attributes = '', more = ''): string =>
    configFolder(t, `<config><storage url="${url}" password="${password}" ${attributes}/>${more}${here}</config>`);
  const regrant = async ({ name, user }: MariadbDatabase, rights: string): Promise<void> => {
    await mariadb.asRoot(`REVOKE ALL ON ${name}.* FROM ${user}`, `GRANT ${rights} ON ${name}.* TO ${user}`);
  };

  test('a schema that is missing and that nobody may migrate', async (t) => {
    const dir = configOf(t, await mariadb.createDatabase(), 'migrate="no"');
    assert.deepEqual(await tried(dir), [3, 'database migration-mismatch']);
    assert.equal((await runCli(['collect'], { cwd: dir })).status, 3);
  });

  for (const rights of ['SELECT', 'SELECT, INSERT, UPDATE', 'SELECT, UPDATE, DELETE', 'SELECT, INSERT, DELETE']) {
    test(`an account that may ${rights} and no more`, async (t) => {
      const made = await mariadb.createDatabase();
      const dir = configOf(t, made, 'migrate="no"');
      const owner = configOf(t, made);
      assert.equal((await runCli(['migrate'], { cwd: owner })).status, 0);
      assert.deepEqual(await tried(dir), [0]);
      await regrant(made, rights);
      assert.deepEqual(await tried(dir), [3, 'database storage-denied']);
    });
  }

  test('a schema that is to be migrated by an account without the right', async (t) => {
    const made = await mariadb.createDatabase();
    await regrant(made, 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP');
    const dir = configOf(t, made);
    assert.deepEqual(await tried(dir), [3, 'database storage-denied']);
    assert.equal((await runCli(['collect'], { cwd: dir })).status, 3);
  });

  test('a server that is read-only after a failover', async (t) => {
    const dir = configOf(t, await mariadb.createDatabase());
    assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
    await mariadb.asRoot('SET GLOBAL read_only = 1');
    t.after(() => mariadb.asRoot('SET GLOBAL read_only = 0'));
    assert.deepEqual(await tried(dir), [3, 'database storage-read-only']);
  });

  test('leaves no table and no row behind', async (t) => {
    const made = await mariadb.createDatabase();
    const dir = configOf(t, made);
    const tables = async (): Promise<number> => (await mariadb.asRoot(`SHOW TABLES FROM ${made.name}`)).length;
    assert.deepEqual(await tried(dir), [0]);
    assert.equal(await tables(), 0);
    assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
    const migrated = await tables();
    assert.deepEqual(await tried(dir), [0]);
    assert.equal(await tables(), migrated);
    const [runs] = await mariadb.asRoot(`SELECT COUNT(*) AS n FROM ${made.name}.runs`);
    assert.equal(runs?.['n'], 0);
  });

  test('takes the few rights of a collector that stores reports sealed', async (t) => {
    const made = await mariadb.createDatabase();
    assert.equal((await runCli(['migrate'], { cwd: configOf(t, made) })).status, 0);
    await mariadb.asRoot(`REVOKE ALL ON ${made.name}.* FROM ${made.user}`);
    const text = readFileSync(path.join(packageDir, 'docs', 'installation.md'), 'utf8');
    const grants = [...text.matchAll(/GRANT (.*) ON fleet\.(\w+) TO 'fleet_collector'/g)];
    assert.equal(grants.length, 7);
    for (const [, rights, table] of grants) {
      await mariadb.asRoot(`GRANT ${rights} ON ${made.name}.${table} TO ${made.user}`);
    }
    const sealed = '<collector open="no"/>';
    assert.deepEqual(await tried(configOf(t, made, 'migrate="no"', sealed)), [0]);
    assert.deepEqual(await tried(configOf(t, made, 'migrate="no"')), [3, 'database storage-denied']);
  });

  test('and migrate refuse a server that is too old with its version and the oldest that is supported', async (t) => {
    const old = await startMariadb(['--version=10.5.29-MariaDB']);
    t.after(() => old.stop());
    const dir = configOf(t, await old.createDatabase());
    for (const args of [['migrate'], ['migrate', '--check'], ['check', '--connect'], ['collect'], ['status']]) {
      const { status, stdout, stderr } = await runCli(args, { cwd: dir });
      assert.equal(status, 3, args.join(' '));
      assert.match(stdout + stderr, /the server is MariaDB 10\.5\.29-MariaDB; at least MariaDB 10\.6 is needed/);
      assert.match(stdout + stderr, /storage-too-old/);
    }
  });
});
