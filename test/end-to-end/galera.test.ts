/**
 * Failover in the middle of runs of the built programs, between three real nodes of a Galera cluster: `npm run galera`.
 * `npm test` covers failover in storage/mysql-servers.test.ts, with two addresses of one server.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fraction } from '../../src/simulator/seeded.ts';
import { openMysqlDatabase } from '../../src/storage/dialects/mysql/database.ts';
import { takeLease } from '../../src/storage/alerts/lease.ts';
import { startFickleProxy, type FickleProxy } from '../support/servers/tcp-proxy.ts';
import { skipWithoutGalera, startGalera, type Galera, type GaleraNode } from '../support/databases/galera.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../support/fleets/loopback-fleet.ts';
import { mysqlAt } from '../support/databases/mariadb.ts';
import { runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { startSmtpServer, type SmtpServer } from '../support/servers/smtp-server.ts';
import { timePassed } from '../support/databases/time-passed.ts';
import { times } from '../support/times.ts';
import { namesBelow } from '../support/names-below.ts';

const skip =
  process.env['FLEET_HEALTH_GALERA'] === '1' ? skipWithoutGalera : 'set FLEET_HEALTH_GALERA=1, or npm run galera';

/** The number of times that all nodes are killed. */
const losses = Number(process.env['FLEET_HEALTH_LOSSES'] ?? 4);
const seed = Number(process.env['FLEET_HEALTH_SEED'] ?? 1);
const clientCount = 3;
const password = 'a word';

/** The failure of the node that a program is connected to. */
type Strike = 'killed' | 'killed, its answer lost' | 'frozen' | 'cut off from its cluster' | 'lagging';

interface Round {
  readonly command: 'collect' | 'alert';
  readonly strike: Strike;
  /** Words of a statement before the moment of failure. */
  readonly words: string;
  /** The moment of failure: that statement, or the COMMIT after it. */
  readonly moment: 'statement' | 'COMMIT';
}

const rounds: readonly Round[] = [
  { command: 'collect', strike: 'killed', words: 'INSERT INTO stats', moment: 'statement' },
  { command: 'collect', strike: 'killed', words: 'INSERT INTO stats', moment: 'COMMIT' },
  { command: 'collect', strike: 'killed, its answer lost', words: 'INSERT INTO stats', moment: 'COMMIT' },
  { command: 'collect', strike: 'killed, its answer lost', words: 'INSERT INTO visits', moment: 'COMMIT' },
  { command: 'collect', strike: 'frozen', words: 'INSERT INTO stats', moment: 'COMMIT' },
  { command: 'collect', strike: 'cut off from its cluster', words: 'INSERT INTO visits', moment: 'statement' },
  { command: 'collect', strike: 'cut off from its cluster', words: 'INSERT INTO stats', moment: 'COMMIT' },
  { command: 'collect', strike: 'lagging', words: 'SELECT', moment: 'statement' },
  { command: 'alert', strike: 'killed', words: 'INSERT INTO alerts', moment: 'COMMIT' },
  { command: 'alert', strike: 'killed, its answer lost', words: 'INSERT INTO mails', moment: 'COMMIT' },
  { command: 'alert', strike: 'killed', words: 'SET sent_at', moment: 'statement' },
  { command: 'alert', strike: 'killed, its answer lost', words: 'SET sent_at', moment: 'COMMIT' },
  { command: 'alert', strike: 'frozen', words: 'UPDATE mails SET claimed_by', moment: 'COMMIT' },
  { command: 'alert', strike: 'cut off from its cluster', words: 'INSERT INTO mails', moment: 'COMMIT' },
];

test('a Galera cluster', { skip, timeout: 900_000 }, async (t: TestContext) => {
  const site = await openSite(t, rounds.length + 2);
  const { galera } = site;

  await t.test('at rest', async () => {
    await site.collect();
    await site.alert();
    await site.check();
  });

  for (const [index, round] of rounds.entries()) {
    const { command, strike, words, moment } = round;
    await t.test(`${command}: ${strike} at ${moment === 'COMMIT' ? 'the COMMIT after ' : ''}${words}`, async () => {
      site.begin(index);
      if (command === 'alert') await site.collect();
      const struck = strikeAt(site, round);
      await (command === 'collect' ? site.collect() : site.alert());
      await struck.mend();
      if (command === 'collect') await site.alert();
      await site.check();
    });
  }

  await t.test('two alerters at two nodes at once: one mail', () => alertAtTwoNodes(site));
  await t.test('two that change one row at two nodes, without a common lock: no change is lost', () =>
    changeAtTwoNodes(galera),
  );
  await t.test('what one node has stored the next one has, also where it lags behind', () => readAtTwoNodes(galera));
  await t.test('no node has a majority: reports wait, nobody is blamed, and all comes in afterwards', () =>
    loseMajority(site),
  );
});

test('a Galera cluster of which all nodes are killed', { skip, timeout: losses * 300_000 }, async (t) => {
  const site = await openSite(t, losses);
  await site.collect();
  await site.alert();
  let total = 0;
  let lossy = 0;
  for (let round = 0; round < losses; round += 1) {
    const restored = await loseAll(site, round);
    total += restored;
    if (restored > 0) lossy += 1;
    process.stderr.write(`${JSON.stringify({ at: new Date(), round, restored, total, lossy })}\n`);
  }
  assert.ok(total > 0, 'the cluster has forgotten nothing');
});

interface Site {
  readonly galera: Galera;
  readonly proxies: readonly FickleProxy[];
  readonly fleet: LoopbackFleet;
  /** Makes the rule of this number hold. */
  begin(index: number): void;
  /** Runs `collect`, which must succeed. */
  collect(): Promise<void>;
  /** Runs `collect` after the cluster has lost data. Returns the number of rows that were stored again. */
  collectAgain(): Promise<number>;
  alert(): Promise<void>;
  /** Counts a run that the test started itself: that run fetched reports, too. */
  countRun(): void;
  sealed(): number;
  /**
   * Writes a second config.xml. It names the nodes in reverse order and has a state folder of its own. Returns its
   * path.
   */
  reversedConfig(): string;
  /** Compares all nodes and all mails with the actions so far. */
  check(): Promise<void>;
}

async function openSite(t: TestContext, ruleCount: number): Promise<Site> {
  const galera = await startGalera();
  t.after(() => galera.stop());
  await galera.nodes[0]?.asRoot(
    'CREATE DATABASE fleet',
    `CREATE USER fleet@'%' IDENTIFIED BY '${password}'`,
    "GRANT ALL ON fleet.* TO fleet@'%'",
  );
  const proxies = await Promise.all(galera.nodes.map(({ port }) => startFickleProxy(port)));
  t.after(() => Promise.all(proxies.map((proxy) => proxy.close())));
  const smtp: SmtpServer = await startSmtpServer();
  t.after(() => smtp.stop());
  const fleet = await startLoopbackFleet(t, clientCount, { trusted: true });
  writeFileSync(path.join(fleet.dir, 'db.password'), password, { mode: 0o600 });
  const mark = path.basename(fleet.dir).slice(-4);
  const processOf = (index: number): string => `fg${mark}r${index}x`;
  const urlTo = (order: readonly FickleProxy[]): string =>
    `mysql://fleet@${order.map(({ port }) => `127.0.0.1:${port}`).join(',')}/fleet`;
  const ruleOf = (index: number): string =>
    `<alert name="round-${index}-" type="process" match="${processOf(index)}" op="ge" limit="1" for="1x"/>`;
  const rules = times(ruleCount, ruleOf);
  fleet.configure(`<storage url="${urlTo(proxies)}" passwordFile="db.password"/>
    <smtp host="127.0.0.1" port="${smtp.port}" security="none" from="fleet@example.org" maxMailsPerHour="100000"/>
    <alerts defaults="no" groupInterval="0s"><mail to="ops@example.org"/>
      <alert name="database-forgot" enabled="no"/>${rules.join('\n')}</alerts>`);

  let runs = 0;
  const begun: number[] = [];
  const went = ({ status, stderr, stdout }: CliResult, isRestored = false): void => {
    assert.equal(status, 0, stdout + stderr);
    if (!isRestored) assert.equal(stderr, '');
  };
  return {
    galera,
    proxies,
    fleet,
    begin: (index) => {
      const program = path.join(fleet.dir, processOf(index));
      symlinkSync('/bin/sleep', program);
      const child = spawn(program, ['100000'], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      begun.push(index);
    },
    collect: async () => {
      runs += 1;
      went(await fleet.runBuilt(['collect']));
    },
    collectAgain: async () => {
      runs += 1;
      const result = await fleet.runBuilt(['collect']);
      went(result, true);
      const [, lost = ''] = /has lost (.*?) of \d/.exec(result.stderr + result.stdout) ?? [];
      return (lost.match(/\d+/g) ?? []).reduce((sum, count) => sum + Number(count), 0);
    },
    alert: async () => went(await fleet.runBuilt(['alert'])),
    countRun: () => (runs += 1),
    sealed: () => namesBelow(path.join(fleet.dir, 'state', 'encrypted_stats'), '.fhs').length,
    reversedConfig: () => {
      const dir = path.join(fleet.dir, 'other');
      mkdirSync(dir, { mode: 0o700 });
      copyFileSync(path.join(fleet.dir, 'db.password'), path.join(dir, 'db.password'));
      const text = readFileSync(path.join(fleet.dir, 'config.xml'), 'utf8');
      const file = path.join(dir, 'config.xml');
      writeFileSync(file, text.replace(urlTo(proxies), urlTo([...proxies].reverse())), { mode: 0o600 });
      return file;
    },
    check: async () => {
      for (const [index, node] of galera.nodes.entries()) {
        // A frozen node does not detect at once that its cluster has gone on without it.
        const [row] = await untilTaken(async () => {
          await node.untilSynced();
          return await node.asCurrent(countsSql);
        });
        const counts = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
        const all = runs * clientCount;
        const expected = { stats: all, ids: all, reports: all, visits: all, runs, failed: 0, halfRuns: 0 };
        assert.deepEqual(counts, expected, `node ${index + 1}: ${JSON.stringify(counts)}`);
      }
      const notified = smtp.mails.map(({ content }) => /round-(\d+)-/.exec(content)?.[1] ?? content);
      assert.deepEqual(notified, begun.map(String), 'one mail for each rule that held');
    },
  };
}

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(DISTINCT report_id) FROM stats) AS ids,
  (SELECT COUNT(*) FROM reports) AS reports, (SELECT COUNT(*) FROM visits WHERE ok = 1) AS visits,
  (SELECT COUNT(*) FROM runs WHERE program = 'collect' AND outcome = 'finished') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failed,
  (SELECT COUNT(*) FROM (SELECT run_id FROM visits GROUP BY run_id HAVING COUNT(*) <> ${clientCount}) AS half) AS halfRuns`;

async function alertAtTwoNodes(site: Site): Promise<void> {
  site.begin(rounds.length);
  await site.collect();
  const other = site.reversedConfig();
  const results = await Promise.all([site.fleet.runBuilt(['alert']), runBuilt(['-c', other, 'alert'])]);
  for (const { status, stderr } of results) assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  // The second alerter left the work to the first.
  await site.alert();
  await site.check();
}

async function changeAtTwoNodes(galera: Galera): Promise<void> {
  const [one, two] = await Promise.all(
    galera.nodes
      .slice(0, 2)
      .map((node) => openMysqlDatabase({ storage: mysqlAt(node.port, password), program: 'collect' })),
  );
  assert.ok(one !== undefined && two !== undefined);
  await one.write((session) => session.run("INSERT INTO leases VALUES ('count', 1, 'me', 0, '2026-11-20 10:00:00')"));
  let attempts = 0;
  // The same as for visits: the value is read under a lock, incremented here, and written.
  const add = (database: typeof one): Promise<unknown> =>
    database.write(async (session) => {
      attempts += 1;
      const [row] = await session.all("SELECT touched FROM leases WHERE name = 'count' FOR UPDATE");
      await session.run("UPDATE leases SET touched = ? WHERE name = 'count'", [Number(row?.['touched']) + 1]);
    });
  for (let turn = 0; turn < 40; turn += 1) await Promise.all([add(one), add(two)]);
  const read = (database: typeof one): Promise<number> =>
    database.read(async (session) =>
      Number((await session.all("SELECT touched FROM leases WHERE name = 'count'"))[0]?.['touched']),
    );
  assert.deepEqual([await read(one), await read(two)], [80, 80]);
  assert.ok(attempts > 80, 'nobody came in the other one’s way');

  const taken = await Promise.all([takeLease(one, 'new', 'one'), takeLease(two, 'new', 'two')]);
  assert.equal(taken.filter((lease) => lease !== null).length, 1);
  await Promise.all([one.close(), two.close()]);
}

async function readAtTwoNodes(galera: Galera): Promise<void> {
  const [first, second] = galera.nodes;
  assert.ok(first !== undefined && second !== undefined);
  const [one, two] = await Promise.all(
    [first, second].map((node) => openMysqlDatabase({ storage: mysqlAt(node.port, password), program: 'change' })),
  );
  const hold = await second.session();
  await hold.query('FLUSH TABLES WITH READ LOCK');
  await one?.write((session) => session.run("INSERT INTO leases VALUES ('seen', 1, 'me', 0, '2026-11-20 10:00:00')"));
  const countSql = "SELECT COUNT(*) AS n FROM leases WHERE name = 'seen'";
  const [stale] = await second.asRoot('USE fleet', countSql);
  assert.equal(stale?.['n'], 0, 'a session that does not wait reads what was');
  const read = two?.read((session) => session.all(countSql));
  await hold.query('UNLOCK TABLES');
  assert.equal((await read)?.[0]?.['n'], 1);
  await Promise.all([one?.close(), two?.close(), hold.end()]);
}

async function loseMajority(site: Site): Promise<void> {
  const { galera, fleet } = site;
  site.begin(rounds.length + 1);
  await Promise.all(galera.nodes.slice(1).map((node) => node.kill()));
  const { status, stderr } = await fleet.runBuilt(['collect']);
  assert.deepEqual([status, stderr.includes('storage-unavailable')], [3, true], stderr);
  assert.equal(site.sealed(), clientCount);
  await untilTaken(async () => galera.nodes[0]?.asRoot("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"));
  for (const node of galera.nodes.slice(1)) await node.restart();
  site.countRun();
  await site.collect();
  await site.alert();
  await site.check();
}

/**
 * Kills all nodes within a second: in `collect`, in `alert` or after both. In half of the rounds a node was cut off
 * from the others before, and the cluster begins again with the data of any node, which may be that one. Returns the
 * number of rows that were stored again.
 */
async function loseAll(site: Site, round: number): Promise<number> {
  const { galera, fleet } = site;
  const chance = (draw: number): number => fraction(seed, round, draw);
  const isParted = round % 2 === 1;
  site.begin(round);
  if (isParted) await isolate(galera.nodes[Math.floor(chance(0) * 3)]);
  const during = Math.floor(chance(1) * 3);
  const killAll = async (ended: Promise<unknown>): Promise<void> => {
    await Promise.race([sleep(chance(2) * 4000), ended]);
    await Promise.all(galera.nodes.map((node, index) => sleep(chance(3 + index) * 1000).then(() => node.kill())));
  };
  for (const [index, command] of (['collect', 'alert'] as const).entries()) {
    if (index > during) continue;
    const ended = fleet.runBuilt([command]);
    if (index === during) await killAll(ended);
    const { status, stderr } = await ended;
    assert.ok(status === 0 || (index === during && status === 3), stderr);
  }
  site.countRun();
  if (during === 2) await killAll(Promise.resolve());
  await galera.beginAgain(isParted ? Math.floor(chance(6) * 3) : undefined);
  // A killed alerter's lease and claims end after minutes.
  await untilTaken(async () => galera.nodes[0]?.asRoot('USE fleet', ...timePassed));
  const restored = await site.collectAgain();
  await site.alert();
  await site.check();
  return restored;
}

/** Makes the first node, which every program asks first, fail at one moment of a program's conversation with it. */
function strikeAt({ galera, proxies }: Site, { strike, words, moment }: Round): { mend: () => Promise<void> } {
  const [node] = galera.nodes;
  const [proxy] = proxies;
  assert.ok(node !== undefined && proxy !== undefined);
  let isNear = false;
  let mend: (() => Promise<void>) | null = null;
  proxy.onRequest = (bytes) => {
    if (bytes.includes(words)) isNear = true;
    if (!isNear || (moment === 'COMMIT' && !bytes.includes('COMMIT'))) return;
    proxy.onRequest = () => undefined;
    switch (strike) {
      case 'killed': {
        const dead = node.kill();
        mend = () => dead.then(() => node.restart());
        return;
      }
      case 'killed, its answer lost':
        proxy.mode = 'unanswered';
        mend = () => node.restart();
        setTimeout(() => void node.kill(), 300);
        return;
      case 'frozen':
        node.pause();
        mend = () => {
          node.resume();
          return Promise.resolve();
        };
        return;
      case 'cut off from its cluster':
        mend = () => node.reconnect();
        return isolate(node);
      case 'lagging':
        return lag();
    }
  };
  const lag = async (): Promise<void> => {
    const held = await node.session();
    await held.query('FLUSH TABLES WITH READ LOCK');
    await galera.nodes[1]?.asRoot('USE fleet', 'UPDATE leases SET touched = touched + 1');
    mend = () => held.end();
  };
  return {
    mend: async () => {
      assert.ok(mend !== null, 'its moment never came');
      proxy.mode = 'pass';
      await mend();
    },
  };
}

async function isolate(node: GaleraNode | undefined): Promise<void> {
  assert.ok(node !== undefined);
  await node.cutOff();
  await untilTaken(async () => {
    const [row] = await node.asRoot("SHOW STATUS LIKE 'wsrep_cluster_status'");
    assert.equal(row?.['Value'], 'non-Primary');
  });
}

/**
 * Repeats a query until it succeeds: a node refuses some until it has detected that it is alone. Gives up after 20 s.
 */
async function untilTaken<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (attempt === 100) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
