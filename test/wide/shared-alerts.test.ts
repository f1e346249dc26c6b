/** Alerts of a site with three collectors: processes of dist/ on separate hosts, through one MariaDB. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { skipWithoutMariadb, startMariadb } from '../support/databases/mariadb.ts';
import { outcomeOf, runCli } from '../support/programs/run-cli.ts';
import { times } from '../support/times.ts';
import { startSharedSite } from '../end-to-end/support/shared-site.ts';

const clients = 60;
// On a busy machine a cycle takes most of this time.
const everyMs = 30_000;
const elements = `<alerts zone="UTC" defaults="no"><mail to="you@example.org"/>
  <alert name="unreachable" severity="critical" for="2x"/><alert name="no-report" severity="critical" for="3x"/>
  <alert name="collector-silent" severity="critical"/><alert name="collector-isolated"/></alerts>`;
const canName = spawnSync('unshare', ['-un', 'hostname', 'hq-0']).status === 0;
const skip = canName ? skipWithoutMariadb : 'needs root and unshare(1)';

/** Returns the command that runs a collector on a separate host, perhaps without a network. */
const onHost = (index: number, isCutOff: boolean): readonly string[] => [
  'unshare',
  isCutOff ? '-un' : '-u',
  'sh',
  '-c',
  `hostname hq-${index} && exec "$@"`,
  'sh',
];

interface Who {
  readonly collectors: readonly number[];
  readonly cutOff?: number;
}

/** Starts a site with three collectors. Returns it with its database and the functions of the test. */
async function startSite(t: TestContext) {
  const mariadb = await startMariadb();
  t.after(() => mariadb.stop());
  const { url, password, name } = await mariadb.createDatabase();
  const { socketPath } = mariadb;
  const urls = times(3, () => url);
  const site = await startSharedSite(t, { clients, urls, password, everyMs, elements, socketPath });
  const [alerter] = site.configs;
  assert.ok(alerter !== undefined);
  const sql = (text: string) => mariadb.asRoot(`USE ${name}`, text);
  const notified: string[] = [];
  const known = new Set<string>();
  const readMails = (): void => {
    const outbox = path.join(alerter.folder, 'outbox');
    for (const file of existsSync(outbox) ? readdirSync(outbox).sort() : []) {
      const [, subject = ''] = /^Subject: (.*)$/m.exec(readFileSync(path.join(outbox, file), 'utf8')) ?? [];
      if (!known.has(file)) notified.push(subject);
      known.add(file);
    }
  };
  /** Runs each collector once, and the alerter after them. Returns the rules of the firing alerts. */
  const cycle = async ({ collectors, cutOff }: Who): Promise<readonly string[]> => {
    await site.untilNextCycle();
    const runs = collectors.map((index) => outcomeOf(site.start(index, onHost(index, index === cutOff))));
    for (const { status, stderr } of await Promise.all(runs)) assert.ok(status === 0 || status === 1, stderr);
    const pass = await runCli(['-c', alerter.file, 'alert']);
    assert.equal(pass.status, 0, pass.stderr);
    readMails();
    const isFiring = "state <> 'pending' AND firing_since IS NOT NULL AND resolved_at IS NULL";
    return (await sql(`SELECT rule FROM alerts WHERE ${isFiring} ORDER BY rule, client`)).map(({ rule }) =>
      String(rule),
    );
  };
  return { site, alerter, sql, cycle, notified };
}

test('a collector that is gone, or whose network is, is one alert', { skip, timeout: 1_800_000 }, async (t) => {
  const { site, alerter, sql, cycle, notified } = await startSite(t);
  const all = { collectors: [0, 1, 2] };
  assert.deepEqual(await cycle({ collectors: [0] }), []);
  // The collector of the other site's client does not return. The runs of this site do not miss its reports.
  const far = "'far', 'ber', 'far', 'key', 2, '2026-01-01'";
  await sql(`INSERT INTO collectors (id, site, host, key_id, capacity, seen_at) VALUES (${far})`);
  await sql("DELETE FROM alerts WHERE client = 'far-1'");
  for (const who of [all, all]) assert.deepEqual(await cycle(who), []);

  await t.test('gone: the others visit its clients, and one mail tells of it', async () => {
    const before = site.counts().served;
    let open: readonly string[] = [];
    for (let made = 0; made < 5; made += 1) open = await cycle({ collectors: [0, 1] });
    assert.equal(site.counts().served - before, 5 * clients);
    assert.deepEqual(open, ['collector-silent']);
    assert.deepEqual(notified.splice(0), ['CRITICAL: collector hq-2 is silent']);
  });

  /** Waits for the next mail: the mail about an end may wait for the interval of its group. */
  const untilNotified = async (): Promise<readonly string[]> => {
    for (let made = 0; made < 8 && notified.length === 0; made += 1) await cycle(all);
    return notified.splice(0);
  };

  await t.test('back: one mail tells of that', async () => {
    assert.deepEqual(await cycle(all), []);
    assert.deepEqual(await untilNotified(), ['Resolved: collector hq-2 was silent']);
  });

  await t.test('runs by hand that find all visited miss no report', async () => {
    for (let made = 0; made < 4; made += 1) {
      // All of them: on a busy machine this takes so long that a collector that ran before it would be silent.
      const runs = all.collectors.map((index) => outcomeOf(site.start(index, onHost(index, false))));
      for (const { stdout } of await Promise.all(runs)) assert.match(stdout, /"clients":/);
      await runCli(['-c', alerter.file, 'alert']);
      const pending = await sql("SELECT client FROM alerts WHERE rule = 'no-report'");
      assert.deepEqual(pending, []);
    }
  });

  await t.test('cut off: one mail tells of it, and none of its clients', async () => {
    await cycle(all);
    for (let made = 0; made < 2; made += 1) await cycle({ ...all, cutOff: 1 });
    const subjects = notified.splice(0).map((subject) => subject.replace(/ of \d+ clients reached.*/, ''));
    assert.deepEqual(subjects, ['CRITICAL: hq-1 is cut off: 0']);
    const before = site.counts().served;
    assert.deepEqual(
      (await cycle({ ...all, cutOff: 1 })).filter((rule) => rule !== 'unreachable'),
      ['collector-isolated'],
    );
    const served = site.counts().served - before;
    assert.ok(served >= clients - 15 && served < clients, `the others visited ${served} of ${clients}`);
    assert.deepEqual(notified.splice(0), []);
    // Two good visits end `unreachable`. The mail about the end waits for the interval of its group.
    await cycle(all);
    assert.deepEqual(await cycle(all), []);
  });
});
