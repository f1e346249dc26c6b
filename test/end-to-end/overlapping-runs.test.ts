/** Overlapping runs of the built programs: on one machine and on two, suspended and resumed. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { StorageConfig } from '../../src/config/config.ts';
import type { Database, SqlRow } from '../../src/storage/sql/database.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { sealedFor } from '../support/fleets/report-server.ts';
import { openSite, type Site, type SiteOptions } from '../support/fleets/report-site.ts';
import { outcomeOf, type CliResult } from '../support/programs/run-cli.ts';
import { startSmtpServer } from '../support/servers/smtp-server.ts';

const long = '2020-01-01 00:00:00.000';

/** Creates a closed gate. `pass` waits until `open` is called; `reached` resolves at the first `pass`. */
function createGate() {
  let reach = (): void => undefined;
  let open = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    reached,
    pass: async () => {
      reach();
      await opened;
    },
    open: () => open(),
  };
}

async function siteFor(t: TestContext, options: SiteOptions): Promise<Site> {
  const site = await openSite(options);
  t.after(() => site.close());
  return site;
}

async function databaseFor(t: TestContext, storage: StorageConfig): Promise<Database> {
  const database = await openDatabase({ storage, program: 'change' });
  t.after(() => database.close());
  return database;
}

async function rows(database: Database, sql: string): Promise<readonly SqlRow[]> {
  return (await database.read((session) => session.all(sql))).map((row) => ({ ...row }));
}

/**
 * Returns the result of a stopped program. Kills the program at the end of the test, which would otherwise wait for it.
 */
function killedAfter(t: TestContext, child: ChildProcess): Promise<CliResult> {
  t.after(() => child.kill('SIGKILL'));
  return outcomeOf(child);
}

/** Checks that each report and each visit is stored exactly once, and that no visit failed. */
async function assertWhole(database: Database, reports: number, visits: number): Promise<void> {
  const [counts] = await rows(
    database,
    `SELECT (SELECT COUNT(*) FROM stats) AS reports, (SELECT COUNT(DISTINCT report_id) FROM stats) AS ids,
      (SELECT COUNT(*) FROM visits) AS visits, (SELECT COUNT(*) FROM visits WHERE ok = 0) AS failed`,
  );
  assert.deepEqual(counts, { reports, ids: reports, visits, failed: 0 });
}

test('cron starts runs while the last one still goes on, or is suspended: they end at once and say why', async (t) => {
  const gate = createGate();
  const site = await siteFor(t, { clients: 3, elements: '', mayAnswer: () => gate.pass() });
  const machine = site.machine('mon-1');
  const first = machine.start(['collect']);
  const ended = killedAfter(t, first);
  await gate.reached;
  for (const args of [['collect'], ['collect', 'c2']]) {
    if (args.length === 1) first.kill('SIGSTOP');
    const { status, stdout, stderr } = await machine.run(args);
    first.kill('SIGCONT');
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`event=overlapped .*holder_pid=${first.pid}\\b`));
    assert.equal(stderr, '');
  }
  gate.open();
  assert.equal((await ended).status, 0);
  assert.equal((await machine.run(['collect'])).status, 0);
  const database = await databaseFor(t, sqliteConfig(path.join(machine.dir, 'state', 'fleet.db')));
  await assertWhole(database, 6, 6);
  assert.deepEqual(
    await rows(database, 'SELECT outcome, scope, COUNT(*) AS n FROM runs GROUP BY outcome, scope ORDER BY 1, 2'),
    [
      { outcome: 'finished', scope: 'full', n: 2 },
      { outcome: 'overlapped', scope: 'filtered', n: 1 },
      { outcome: 'overlapped', scope: 'full', n: 1 },
    ],
  );
});

describe('two machines and one MariaDB', { skip: skipUnlessWide || skipWithoutMariadb }, () => {
  let mariadb: Mariadb | null = null;
  before(async () => {
    mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0']);
  });
  after(async () => mariadb?.stop());

  const open = async (t: TestContext, options: Omit<SiteOptions, 'elements'> & { readonly elements?: string }) => {
    if (mariadb === null) throw new Error('MariaDB is not running');
    const { url, password, storage } = await mariadb.createDatabase();
    const own = `<storage url="${url}" password="${password}"/>${options.elements ?? ''}`;
    const site = await siteFor(t, { ...options, elements: own });
    return { mariadb, storage, site };
  };

  for (const [what, isClone] of [
    ['with collector-ids of their own', false],
    ['one cloned from the other, collector-id and keys included', true],
  ] as const) {
    test(`two collectors at once, ${what}: every report and visit once, one that both got included`, async (t) => {
      const clients = 24;
      const spooled = new Map<string, Buffer>();
      const { storage, site } = await open(t, {
        clients,
        reports: (request) => {
          // A report that an earlier run left on the client and that neither collector has acknowledged.
          const left = spooled.get(request.client) ?? sealedFor(request);
          if (isClone) spooled.set(request.client, left);
          return isClone ? [sealedFor(request), left] : [sealedFor(request)];
        },
      });
      const one = site.machine('mon-1');
      assert.equal((await one.run(['keys', 'generate'])).status, 0);
      const prepared = await one.run(['collect', 'c1']);
      assert.equal(prepared.status, 0, prepared.stderr);
      const other = site.machine('mon-2', isClone ? one : undefined);
      const results = await Promise.all([one, other, one, other].map((machine) => machine.run(['collect'])));
      const overlapped = results.filter(({ stdout }) => stdout.includes('event=overlapped')).length;
      for (const { status, stderr } of results) assert.deepEqual([status, stderr], [0, '']);
      const full = results.length - overlapped;
      assert.ok(full >= 2);
      const database = await databaseFor(t, storage);
      await assertWhole(database, full * clients + 1 + (isClone ? clients : 0), full * clients + 1);
      const passes = await Promise.all([one, other].map((machine) => machine.run(['alert'])));
      for (const { status, stderr } of passes) assert.deepEqual([status, stderr], [0, '']);
      const [left] = await rows(
        database,
        `SELECT (SELECT COUNT(*) FROM stats WHERE processed_at IS NULL) AS stats,
          (SELECT COUNT(*) FROM visits WHERE processed_at IS NULL) AS visits`,
      );
      assert.deepEqual(left, { stats: 0, visits: 0 });
    });
  }

  test('a collector suspended in its transaction, cut off, and woken stores what it has, once', async (t) => {
    const { mariadb: server, storage, site } = await open(t, { clients: 3 });
    const [one, other] = [site.machine('mon-1'), site.machine('mon-2')];
    assert.equal((await one.run(['collect'])).status, 0);
    const gate = createGate();
    t.after(() => gate.open());
    const database = await databaseFor(t, storage);
    const locking = database.write(async (session) => {
      await session.all("SELECT name FROM clients WHERE name = 'c2' FOR UPDATE");
      await gate.pass();
    });
    await gate.reached;
    const child = one.start(['collect']);
    const ended = killedAfter(t, child);
    const waitingSql =
      "SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    let [waiting] = await server.asRoot(waitingSql);
    // InnoDB refreshes this table only if nobody has read it for a tenth of a second.
    for (let tries = 0; waiting === undefined && tries < 100; tries++) {
      await sleep(200);
      [waiting] = await server.asRoot(waitingSql);
    }
    assert.ok(waiting !== undefined, 'the collector never came to its transaction');
    child.kill('SIGSTOP');
    gate.open();
    await locking;
    // After a minute the server does the same by wait_timeout.
    await server.asRoot(`KILL ${String(waiting['id'])}`);
    const second = await other.run(['collect']);
    assert.deepEqual([second.status, second.stderr], [0, '']);
    child.kill('SIGCONT');
    const woken = await ended;
    assert.deepEqual([woken.status, woken.stderr], [0, '']);
    await assertWhole(await databaseFor(t, storage), 9, 9);
  });

  test('an alerter suspended before the answer 250 marks nothing when it wakes after another has sent', async (t) => {
    const gate = createGate();
    let dots = 0;
    const smtp = await startSmtpServer({
      act: ({ phase }) => {
        if (phase !== 'dot' || ++dots > 1) return undefined;
        void gate.pass();
        return { kind: 'later', say: '250 2.0.0 taken', afterMs: 300 };
      },
    });
    t.after(() => smtp.stop());
    const { storage, site } = await open(t, {
      clients: 1,
      elements: `<smtp host="127.0.0.1" port="${smtp.port}" security="none" from="fleet@example.org"/>
        <alerts defaults="no"><mail to="ops@example.org"/><alert type="cpu" limit="0%" for="1x"/></alerts>`,
    });
    const [one, other] = [site.machine('mon-1'), site.machine('mon-2')];
    assert.equal((await one.run(['collect'])).status, 0);
    const child = one.start(['alert']);
    const ended = killedAfter(t, child);
    await gate.reached;
    child.kill('SIGSTOP');
    const database = await databaseFor(t, storage);
    const send = await other.run(['alert']);
    assert.deepEqual([send.status, smtp.mails.length], [0, 0], 'the claim and the lease are the first one’s');
    await database.write(async (session) => {
      await session.run(`UPDATE leases SET touched_at = '${long}'`);
      await session.run(`UPDATE mails SET claimed_until = '${long}'`);
    });
    const taken = await other.run(['alert']);
    assert.equal(taken.status, 0, taken.stderr);
    const before = await rows(database, 'SELECT * FROM mails');
    child.kill('SIGCONT');
    const woken = await ended;
    assert.deepEqual([woken.status, woken.stderr], [0, '']);
    assert.deepEqual(await rows(database, 'SELECT * FROM mails'), before);
    assert.equal(before.filter((row) => row['sent_at'] !== null).length, 1);
    assert.equal((await one.run(['alert'])).status, 0);
    // The server has the first mail's content, but its answer was lost. The next sender can only send the same mail
    // again.
    assert.equal(new Set(smtp.mails.map(({ content }) => content)).size, 1);
  });
});
