import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import { configFolder, runCli } from '../support/run-cli.ts';

describe('a database server that is too old', { skip: skipWithoutMariadb }, () => {
  test('check --connect and migrate refuse it with its version and the oldest that is supported', async (t) => {
    const mariadb = await startMariadb(['--version=10.5.29-MariaDB']);
    t.after(() => mariadb.stop());
    const { url, password } = await mariadb.createDatabase();
    const dir = configFolder(t, `<config><storage url="${url}" password="${password}"/><client name="a"/></config>`);
    for (const args of [['migrate'], ['migrate', '--check'], ['check', '--connect'], ['collect'], ['status']]) {
      const { status, stdout, stderr } = await runCli(args, { cwd: dir });
      assert.equal(status, 3, args.join(' '));
      assert.match(stdout + stderr, /the server is MariaDB 10\.5\.29-MariaDB; at least MariaDB 10\.6 is needed/);
      assert.match(stdout + stderr, /storage-too-old/);
    }
  });
});
