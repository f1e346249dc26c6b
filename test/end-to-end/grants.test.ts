// Second tier: needs its own MariaDB for each kind of account.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { configFolder, runBuilt } from '../support/programs/run-cli.ts';

/** Returns the rights that docs/installation.md grants, by account. */
function documentedGrants(): ReadonlyMap<string, string> {
  const text = readFileSync(path.join(packageDir, 'docs', 'installation.md'), 'utf8');
  const grants = text.matchAll(/GRANT ([A-Z, ]+)\s+ON fleet\.\* TO '(\w+)'@/g);
  return new Map([...grants].map(([, rights = '', account = '']) => [account, rights.trim()]));
}

/** Returns the grants of the account that only reads: of the mails' columns, and the query that makes all others. */
function readerGrants(): { readonly mails: string; readonly others: string } {
  const text = readFileSync(path.join(packageDir, 'docs', 'installation.md'), 'utf8');
  const [, columns = ''] = /GRANT (SELECT \([^)]*\)) ON fleet\.mails/.exec(text) ?? [];
  const [, others = ''] = /mariadb -N -e "(SELECT [^"]*)"/.exec(text) ?? [];
  return { mails: `GRANT ${columns} ON fleet.mails TO fleet_reader`, others: others.replaceAll('\\`', '`') };
}

const grants = documentedGrants();

test('docs/installation.md names the rights of two accounts, and the columns of mails that readers see', () => {
  assert.deepEqual([...grants.keys()], ['fleet', 'fleet_admin']);
});

describe('accounts with exactly the rights that the documents name', { skip: skipWithoutMariadb }, () => {
  test('migrate, collect, evaluate, prune, rename and read', async (t) => {
    const mariadb = await startMariadb();
    t.after(() => mariadb.stop());
    const { run, letRead, rename } = await accountsOn(t, mariadb);
    await run('fleet_admin', 'migrate');
    await letRead();
    await run('fleet', 'collect');
    await run('fleet', 'alert');
    await run('fleet', 'silence', 'add', '--client', 'here', '--until', '1h');
    await run('fleet', 'ack', 'here', 'memory');
    await run('fleet', 'prune');
    for (const args of [
      ['status', '--failing', '--not-visited'],
      ['show', 'here'],
      ['status'],
      ['report', '-o', 'fleet.html'],
      ['metrics'],
      ['export', 'openmetrics'],
      ['export', 'jsonl'],
      ['alerts'],
      ['explain', 'here', 'memory'],
      ['silence', 'list'],
    ]) {
      await run('fleet_reader', ...args);
    }
    const [seen] = await mariadb.asRoot(
      `SELECT GROUP_CONCAT(column_name) AS names FROM information_schema.column_privileges
        WHERE grantee LIKE '%fleet_reader%' AND table_name = 'mails'`,
    );
    assert.doesNotMatch(String(seen?.['names']), /content|reply_token/);
    rename();
    await run('fleet', 'collect');
    const [row] = await mariadb.asRoot('SELECT COUNT(*) AS n, COUNT(DISTINCT client) AS clients FROM fleet.stats');
    assert.deepEqual({ ...row }, { n: 2, clients: 1 });
  });
});

/** Makes the accounts with their rights, and a config.xml for each. `rename` gives the client another name. */
async function accountsOn(t: TestContext, mariadb: Mariadb) {
  await mariadb.asRoot('CREATE DATABASE fleet CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
  await mariadb.asRoot("CREATE USER fleet_reader IDENTIFIED BY 'secret'");
  for (const [account, rights] of grants) {
    await mariadb.asRoot(`CREATE USER ${account} IDENTIFIED BY 'secret'`);
    await mariadb.asRoot(`GRANT ${rights} ON fleet.* TO ${account}`);
  }
  const configOf = (account: string, client: string): string =>
    `<config><storage url="mysql://${account}@127.0.0.1:${mariadb.port}/fleet" password="secret" migrate="no"/>
       <alerts mail="ops@example.org"/><client ${client} ip="127.0.0.1" transport="local">
       <alert type="memory" limit="0%" for="1x"/></client></config>`;
  const dir = configFolder(t, configOf('fleet', 'name="here"'));
  const fileOf = (account: string): string => path.join(dir, `${account}.xml`);
  for (const account of [...grants.keys(), 'fleet_reader']) {
    writeFileSync(fileOf(account), configOf(account, 'name="here"'), { mode: 0o600 });
  }
  return {
    run: async (account: string, ...args: string[]): Promise<void> => {
      const { status, stdout, stderr } = await runBuilt(['-c', fileOf(account), ...args], { cwd: dir });
      assert.equal(status, 0, `${account} ${args.join(' ')}: ${stdout}${stderr}`);
    },
    letRead: async (): Promise<void> => {
      const { mails, others } = readerGrants();
      await mariadb.asRoot(mails);
      for (const row of await mariadb.asRoot(others)) await mariadb.asRoot(String(Object.values(row)[0]));
    },
    rename: () => writeFileSync(fileOf('fleet'), configOf('fleet', 'name="there" was="here"')),
  };
}
