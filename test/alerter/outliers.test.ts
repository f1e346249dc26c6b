// Second tier: fleets with one odd client, of each figure.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { skipUnlessWide } from '../support/long-tests.ts';
import { explainClient } from '../../src/alerter/explain/explain-client.ts';
import type { StorageConfig } from '../../src/config/config.ts';
import { replay } from '../../src/alerter/replay/replay.ts';
import { pluckAll } from '../support/pluck.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { times } from '../support/times.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { type Moment, withMoments } from './support/moments.ts';
import { idOf, type Says, stationFor, type Station } from './support/station.ts';

const dir = tempFolder();
const quarterMs = 900_000;
let stations = 0;

const members = (names: readonly string[]): string =>
  names.map((name) => `<client name="${name}" ip="192.0.2.1" username="u"/>`).join('');
const web = times(6, (index) => `web-${index}`);
const databases = times(5, (index) => `db-${index}`);

/** Returns the elements of a site with six web servers and some databases. */
function siteWith(rules: string, inner = '', others: readonly string[] = []): string {
  return `<collector every="15m"/><alerts zone="UTC"><mail to="ops@example.org"/>${rules}</alerts>
    <group name="site"><group name="web">${inner}${members(web)}</group><group name="db">${members(others)}</group></group>`;
}

async function stationWith(
  t: Parameters<typeof stationFor>[0],
  rules: string,
  inner = '',
  storage: StorageConfig = sqliteConfig(path.join(dir, `${(stations += 1)}.db`)),
): Promise<Station> {
  return await stationFor(t, { storage, elements: siteWith(rules, inner) });
}

/** Plays runs without a pass. */
async function collected(made: Station, count: number, says: Says): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    await made.collect(says);
    made.at(made.nowMs() + quarterMs);
  }
}

/** Plays runs with one pass after all of them. Returns the sentences of its mails. */
async function backlog(made: Station, count: number, says: Says): Promise<readonly string[]> {
  await collected(made, count - 1, says);
  return await runs(made, 1, says);
}

/** Plays runs with a pass after each. Returns the sentences of their mails. */
async function runs(made: Station, count: number, says: Says): Promise<readonly string[]> {
  const notified: string[] = [];
  for (let run = 0; run < count; run += 1) {
    await made.collect(says);
    made.at(made.nowMs() + quarterMs);
    notified.push(...(await made.pass()).arrived.map(({ sentence }) => sentence.replace(/^ops: /, '')));
  }
  return notified;
}

test('an outlier is notified once nine reports have it, and its end once two hours have none', async (t) => {
  const made = await stationWith(t, '<alert type="outlier" metric="cpu,mount" severity="warning"/>');
  assert.deepEqual(await backlog(made, 4, {}), []);
  const odd = { 'web-1': 'cpu 80', 'web-2': 'memory 80' };
  assert.deepEqual(await backlog(made, 8, odd), [], 'eight reports are not enough');
  assert.deepEqual(await runs(made, 4, odd), ['firing warning web-1 outlier metric=cpu,mount cpu']);
  assert.deepEqual(await backlog(made, 4, {}), []);
  assert.deepEqual(await runs(made, 6, {}), ['resolved web-1 outlier metric=cpu,mount cpu']);
});

test('the mail says what the others have; mounts are subjects of their own', async (t) => {
  const made = await stationWith(t, '<alert type="outlier" severity="warning"/>');
  await backlog(made, 9, { 'web-1': 'disk / 85, disk /data 12' });
  await made.collect({});
  made.at(made.nowMs() + quarterMs);
  const alerts = await made.storage.evaluation.openAlerts(null);
  assert.deepEqual(pluckAll(alerts, 'client', 'subject', 'severity', 'state'), [['web-1', '/', 'warning', 'firing']]);
  assert.match(alerts[0]?.valueText ?? '', /^85 %, median of web 50 %, in (9|10|11|12) of \1 reports$/);
});

test('whole groups are compared where a rule names them', async (t) => {
  const odd = Object.fromEntries(databases.map((name) => [name, 'cpu 80']));
  const made = await stationWith(t, '');
  made.configure(siteWith('', '', databases));
  await collected(made, 13, odd);
  const { restore } = await made.snapshot();
  for (const { groups, outliers } of [
    { groups: '', outliers: 0 },
    { groups: 'group="site"', outliers: 5 },
    { groups: 'group="w*"', outliers: 0 },
    { groups: 'group="site,!site"', outliers: 0 },
  ]) {
    await restore();
    made.configure(siteWith(`<alert type="outlier" severity="warning" ${groups}/>`, '', databases));
    await made.pass();
    assert.equal((await made.storage.evaluation.openAlerts(null)).length, outliers, groups);
  }
});

test('a silent client moves nothing, a metric that is gone ends it', async (t) => {
  const made = await stationWith(t, '<alert type="outlier"/>');
  await backlog(made, 13, {
    ...Object.fromEntries(web.map((name) => [name, 'disk /data 10'])),
    'web-1': 'disk /data 85',
  });
  const own = async (): Promise<readonly unknown[]> =>
    pluckAll(
      (await made.storage.evaluation.openAlerts(['web-1'])).filter(({ rule }) => rule === 'outlier'),
      'subject',
      'state',
    );
  assert.deepEqual(await own(), [['/data', 'firing']]);
  await backlog(made, 9, { 'web-1': 'mute' });
  assert.deepEqual(await own(), [['/data', 'firing']], 'silent');
  await runs(made, 9, {});
  assert.deepEqual(await own(), [], 'no such mount any more');
});

test('enabled="no" ends a metric; a group of four is compared no more, so its alerts end', async (t) => {
  const made = await stationWith(t, '<alert type="outlier"/>', '<alert type="outlier" metric="c*" enabled="no"/>');
  await collected(made, 13, { 'web-1': 'cpu 80' });
  const { restore } = await made.snapshot();
  assert.deepEqual((await made.pass()).arrived, []);
  await restore();
  made.configure(siteWith('<alert type="outlier" metric="cpu" severity="warning" group="web"/>'));
  assert.equal((await made.pass()).arrived.length, 1);
  made.configure(
    `<collector every="15m"/><alerts zone="UTC"><mail to="ops@example.org"/>
      <alert type="outlier" metric="cpu" severity="warning" group="web"/></alerts>
      <group name="web">${members(web.slice(0, 4))}</group>`,
  );
  const ended = ['ended web-1 outlier metric=cpu group=web cpu'];
  assert.deepEqual(await runs(made, 9, { 'web-1': 'cpu 80' }), ended);
});

/** Replays from a time to now. Returns what concerns outliers, and the number of reports. */
async function replayedOutliers(made: Station, sinceMs: number) {
  const { counts, difference, reports } = await replay({
    ...{ config: made.config(), storage: made.storage, sinceMs, untilMs: made.nowMs() },
    signal: new AbortController().signal,
    observe: () => undefined,
  });
  const own = counts.filter(({ rule }) => rule.startsWith('outlier'));
  return { fired: own.map(({ client, fired }) => `${client} ${fired}`), difference, reports };
}

test('a replay tells as the alerter did, also of reports before it; explain has the figures of now', async (t) => {
  const made = await stationWith(t, '<alert type="outlier" metric="cpu,memory"/>');
  const odd = { 'web-1': 'cpu 80' };
  const beginMs = made.nowMs();
  await runs(made, 6, odd);
  const middleMs = made.nowMs();
  await runs(made, 7, odd);
  const { fired, difference } = await replayedOutliers(made, beginMs);
  assert.deepEqual({ fired, difference }, { fired: ['web-1 1'], difference: { more: [], fewer: [] } });
  const [config, storage] = [made.config(), made.storage];
  const half = await replayedOutliers(made, middleMs);
  assert.deepEqual(half.fired, ['web-1 1']);
  assert.equal(half.reports, 7 * config.clients.length);
  const client = config.clients.find(({ name }) => name === 'web-1');
  assert.ok(client !== undefined);
  const isWanted = (rule: string): boolean => rule.startsWith('outlier');
  const asked = { config, storage, nowMs: made.nowMs(), client };
  const { rules } = await explainClient({ ...asked, isWanted, firstPass: false });
  assert.deepEqual(pluckAll(rules[0]?.samples ?? [], 'subject', 'level'), [
    ['cpu', 'critical'],
    ['memory', 'none'],
  ]);
  assert.equal(rules[0]?.unknown, null);
});

/** Plays runs until a pass sends a mail. Returns a function that restores the state before that pass. */
async function untilNotified(made: Station, says: Says): Promise<() => Promise<void>> {
  for (let run = 0; run < 6; run += 1) {
    await collected(made, 1, says);
    const { restore } = await made.snapshot();
    if ((await made.pass()).arrived.length > 0) return restore;
  }
  return assert.fail('nothing was notified');
}

onEachDatabase('an outlier', (kit) => {
  test('is notified once, wherever the alerter dies, and with two alerters', { skip: skipUnlessWide }, async (t) => {
    const made = await stationWith(t, '<alert type="outlier" metric="cpu"/>', '', await kit.migrated());
    const odd = { 'web-1': 'cpu 80' };
    await runs(made, 3, {});
    assert.deepEqual(await runs(made, 8, odd), []);
    const restore = await untilNotified(made, odd);
    const atMs = made.nowMs();
    await restore();
    const moments: Moment[] = [];
    await made.pass({ wrap: (database) => withMoments(database, (moment) => !moments.push(moment)) });
    const every = kit.kind === 'sqlite' ? 12 : 40;
    const chosen = moments.filter(({ kind, count }) => kind.startsWith('commit') || count % every === 0);
    assert.ok(chosen.length > 8, `${chosen.length} moments`);
    const notified = async (pass: () => Promise<unknown>): Promise<readonly string[]> => {
      await restore();
      made.at(atMs);
      const before = made.server.mails.length;
      await pass();
      made.at(atMs + 360_000);
      assert.equal((await made.pass()).result.exitStatus, 0);
      return made.server.mails.slice(before).map(({ content }) => made.sentenceOf(idOf(content)));
    };
    const sentence = 'ops: firing critical web-1 outlier metric=cpu cpu';
    for (const { count: dies } of chosen) {
      const dying = ({ count }: Moment): boolean => count === dies;
      const sentences = await notified(() =>
        made.pass({ wrap: (database) => withMoments(database, dying) }).catch(() => undefined),
      );
      assert.deepEqual([...new Set(sentences)], [sentence], `died at ${dies}`);
      assert.ok(sentences.length <= 2, `died at ${dies}: ${sentences.length} copies`);
    }
    assert.deepEqual(await notified(() => Promise.all([made.pass(), made.pass({ machine: 'mon-2' })])), [sentence]);
  });
});
