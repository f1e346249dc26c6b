// Second tier: two visits of the installed program; calendar/first-days.test.ts has visits with states too.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { createServer } from 'node:net';
import { suite, test, type TestContext } from 'node:test';

import { loadConfig } from '../../src/config/load-config.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { keptPort } from '../support/servers/free-port.ts';
import { pluck } from '../support/pluck.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

const config = '<group name="web"><client name="web-1" transport="local"/></group>';

/** Listens on a port of this machine until the end of the test. */
async function listenOnKept(t: TestContext): Promise<number> {
  const port = await keptPort();
  const server = createServer().listen(port, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return port;
}

async function sql(site: Site, text: string): Promise<void> {
  const { storage } = loadConfig({ file: path.join(site.dir, 'config.xml') });
  const database = await openDatabase({ storage, program: 'collect' });
  try {
    await database.write((session) => session.run(text));
  } finally {
    await database.close();
  }
}

const collected = async (site: Site): Promise<void> => {
  const { status, stderr, stdout } = await site.run('collect');
  assert.deepEqual([status, stderr], [0, ''], stdout);
};

suite('what changed between two visits', () => {
  for (const kind of databaseKinds()) {
    test(`is listed after the second (${kind.name})`, { skip: kind.skip }, async (t) => {
      const site = await kind.site(t, config);
      await site.inventoried('web-1');
      await sql(site, 'UPDATE clients SET state_at = NULL');
      await collected(site);
      const [first] = await site.rows('SELECT state_stamp, state_runs FROM clients');
      assert.match(String(first?.['state_stamp']), /^[0-9a-f]{32}$/);
      assert.equal(Number(first?.['state_runs']), 1);

      const port = await listenOnKept(t);
      // In place of a change of /etc, which belongs to everybody.
      await sql(site, "UPDATE clients SET state_stamp = 'another'");
      await collected(site);
      const { stdout } = await site.run('changes', 'web', '--kind', 'listener');
      assert.match(
        stdout,
        new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +web-1 +new port tcp ${port} on loopback$`, 'm'),
      );
      const [again] = await site.rows('SELECT state_stamp, state_runs FROM clients');
      assert.equal(Number(again?.['state_runs']), 2);
      assert.match(String(again?.['state_stamp']), /^[0-9a-f]{32}$/);
    });
  }

  test('is not read with changes="no", and without files with changes="no-files"', async (t) => {
    for (const [word, kinds] of [
      ['no', []],
      ['no-files', ['account', 'listener', 'mount', 'package', 'system', 'unit']],
    ] as const) {
      const [kind] = databaseKinds(false);
      const site = await kind?.site(t, `<client name="web-1" transport="local" changes="${word}"/>`);
      assert.ok(site !== undefined);
      await site.inventoried('web-1');
      await sql(site, 'UPDATE clients SET state_at = NULL');
      await collected(site);
      const rows = await site.rows('SELECT kind FROM state_sections ORDER BY kind');
      assert.deepEqual(pluck(rows, 'kind'), kinds);
    }
  });
});
