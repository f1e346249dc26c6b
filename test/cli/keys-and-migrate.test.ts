import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { sqlDir } from '../../src/state-folder/paths.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { configFolder, exits, runCli, succeeded } from '../support/programs/run-cli.ts';
import { pluck, pluckAll } from '../support/pluck.ts';

/** A run stores its row without a visit. */
const here = '<config><client name="here" ip="127.0.0.1" state="retired"/></config>';

interface Key {
  readonly id: string;
  readonly seals: boolean;
}

test('keys: none at first, then generate once, rotate, and retire what does not seal', async (t) => {
  const dir = configFolder(t, here);
  const keys = async (...args: string[]): Promise<{ status: number | null; stderr: string; json: unknown }> => {
    const { status, stdout, stderr } = await runCli(['--json', 'keys', ...args], { cwd: dir });
    return { status, stderr, json: JSON.parse(stdout) };
  };
  const list = async (): Promise<readonly Key[]> => ((await keys('list')).json as { keys: Key[] }).keys;

  assert.deepEqual(await list(), []);
  assert.match((await runCli(['keys', 'list'], { cwd: dir })).stdout, /No key pair .* the first collect makes one/);
  const { generate: first } = (await keys('generate')).json as { generate: Key };
  await exits(3, keys('generate'), /\(keys-invalid\)\. Use `fleet-health keys rotate`/);
  const { rotate: second } = (await keys('rotate')).json as { rotate: Key };
  assert.deepEqual(pluckAll(await list(), 'id', 'seals'), [
    [second.id, true],
    [first.id, false],
  ]);
  assert.equal((await keys('retire', second.id)).status, 3);
  assert.match((await keys('retire', first.id.slice(0, 3))).stderr, /there is no key .* \(keys-invalid\)/);
  assert.equal((await keys('retire', first.id.slice(0, 6))).status, 0);
  assert.deepEqual(pluck(await list(), 'id'), [second.id]);
  for (const name of readdirSync(path.join(dir, 'state', 'keys'))) {
    assert.equal(statSync(path.join(dir, 'state', 'keys', name)).mode & 0o777, 0o600);
  }
});

test('migrate --check says what is missing, migrate applies it, and then nothing is', async (t) => {
  const dir = configFolder(t, here);
  const migrate = async (...args: string[]): Promise<string> => {
    return await succeeded(runCli(['migrate', ...args], { cwd: dir }));
  };
  assert.match(await migrate('--check'), /^To be applied: 001-\S+/);
  assert.match(await migrate(), /^Applied: 001-\S+/);
  assert.equal(await migrate(), 'The database is up to date.\n');
  assert.equal(await migrate('--check'), 'The database is up to date.\n');
});

test('migrate adopts tables that were made by hand, and collect uses them', async (t) => {
  const dir = configFolder(t, here);
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  const file = openSqlite(path.join(dir, 'state', 'fleet.db'));
  const folder = path.join(sqlDir, 'sqlite');
  const migrations = readdirSync(folder).sort();
  for (const name of migrations) file.exec(readFileSync(path.join(folder, name), 'utf8'));
  file.close();
  const names = migrations.map((name) => path.basename(name, '.sql')).join(', ');
  assert.deepEqual(await runCli(['migrate'], { cwd: dir }), {
    status: 0,
    stdout: `Adopted, as somebody had run them by hand: ${names}\n`,
    stderr: '',
  });
  assert.deepEqual(await runCli(['-q', 'collect'], { cwd: dir }), { status: 0, stdout: '', stderr: '' });
});

test('with migrate="no" collect refuses a database that lacks something, and says which command helps', async (t) => {
  const dir = configFolder(t, here.replace('<client', '<storage migrate="no"/><client'));
  await exits(
    3,
    runCli(['-q', 'collect'], { cwd: dir }),
    /\(migration-mismatch\)\. Run `fleet-health migrate` as an account that may change the schema\.\n$/,
  );
  assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
  assert.deepEqual(await runCli(['-q', 'collect'], { cwd: dir }), { status: 0, stdout: '', stderr: '' });
});
