// Second tier: a backup of each age.
/**
 * A database that forgets: a restored backup, a crash, a failover. Nobody is notified twice of one change, nobody of
 * none, and what the collector stores again is evaluated again.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { dayMs } from '../../src/platform/units.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { isWide } from '../support/long-tests.ts';
import { stationFor, type Arrived, type PassOutcome, type Station } from './support/station.ts';
import { acknowledge, passStories, silence } from './support/whole-pass-story.ts';

const rule = '<alert type="disk" warning="85%" critical="95%"/>';
const clients = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const elements = `<collector every="5m"/><alerts for="1x" groupInterval="0s" repeat="20m">
  <mail to="ops@example.org"/><mail to="oncall@example.org" severity="critical"/>${rule}
  </alerts>${clients}`;

const story = `
  a beginning, a worse state, a better one and an end are notified once each
    08:00
    08:05 web-1 disk / 90
    08:10 web-1 disk / 96
    08:15-08:20 web-1 disk / 90
    08:25-08:30 web-2 boot 2
    > 08:06 ops: firing warning web-1 disk /
    > 08:11 oncall: firing critical web-1 disk /
    > 08:11 ops: escalated critical web-1 disk /
    > 08:21 oncall: eased warning web-1 disk /
    > 08:21 ops: eased warning web-1 disk /
    > 08:26 ops: past web-2 rebooted 08:25 to 08:25
    > 08:31 oncall: resolved web-1 disk /
    > 08:31 ops: resolved web-1 disk /`;

const more = `
  reminders keep their pauses, also of an alert that is older than the loss
    08:00
    08:05-08:45 web-1 disk / 90
    > 08:06 ops: firing warning web-1 disk /
    > 08:26 ops: reminder warning web-1 disk /
    > 08:46 ops: reminder warning web-1 disk /

  what waited for the mail server is notified once, in the mail that took its place
    08:00
    08:01 server down
    08:05 web-1 disk / 96
    08:10 web-1 disk / 96 | web-2 disk / 96
    08:12 server up
    08:15-08:20 web-2 disk / 96
    08:25-08:30
    > 08:16 oncall: firing critical web-1 disk /, firing critical web-2 disk /
    > 08:16 ops: firing critical web-1 disk /, firing critical web-2 disk /
    > 08:21 oncall: resolved web-1 disk /
    > 08:21 ops: resolved web-1 disk /
    > 08:31 oncall: resolved web-2 disk /
    > 08:31 ops: resolved web-2 disk /`;

onEachDatabase('a database that forgets', (kit) => {
  // Without a loss the notifications are the same.
  for (const forgets of isWide ? [0, 1, 2, 3] : [2]) {
    const text = `${story}\n${isWide ? more : ''}`.replace(/^ {2}(\w)/gm, `  ${forgets} passes are lost each time: $1`);
    passStories(text, { elements, create: kit.migrated, forgets });
  }

  test('a beginning is notified once, whatever was acknowledged or silenced meanwhile', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect();
    await station.pass();
    const { lose } = await station.snapshot();
    station.at('08:05');
    await station.collect({ 'web-1': 'disk / 96' });
    await silence(station, 'web-2', station.nowMs() + dayMs);
    assert.deepEqual(sentences(await station.pass()), toBoth('firing critical web-1 disk /'));
    await acknowledge(station, 'web-1');
    station.at('08:10');
    await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 96' });
    assert.deepEqual(sentences(await station.pass()), []);
    await lose();
    await station.storeAgain(1);
    assert.deepEqual(sentences(await station.pass()), toBoth('firing critical web-2 disk /'));
    assert.deepEqual(sentences(await station.pass()), []);
    station.at('08:15');
    await station.collect();
    station.at('08:20');
    await station.collect();
    assert.deepEqual(sentences(await station.pass()), toBoth('resolved web-1 disk /, resolved web-2 disk /'));
  });

  test('a mark that the database forgets is written again with the time of the mail', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    assert.equal((await station.pass()).arrived.length, 2);
    const sentAtMs = station.nowMs();
    await station.database.write((session) => session.run('UPDATE mails SET sent_at = NULL, data_at = NULL', []));
    station.at('08:10');
    const { arrived, events } = await station.pass();
    assert.deepEqual(arrived, []);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'put-off' || kind === 'sent'),
      [],
    );
    const rows = await station.database.read((session) => session.all('SELECT sent_at FROM mails', []));
    assert.deepEqual(
      rows.map((row) => Date.parse(`${String(row['sent_at'])}Z`)),
      [sentAtMs, sentAtMs],
    );
  });

  test('a digest that the database forgets is not sent again', async (t) => {
    const digest = elements.replace('<mail ', '<digest to="boss@example.org" at="08:00"/><mail ');
    const station = await stationFor(t, { storage: await kit.migrated(), elements: digest });
    station.at('07:55');
    await station.collect();
    await station.pass();
    const { lose } = await station.snapshot();
    station.at('08:01');
    assert.equal((await station.pass()).arrived.length, 1);
    await lose();
    const { arrived, events } = await station.pass();
    assert.deepEqual(arrived, []);
    assert.deepEqual(
      events.flatMap((event) => (event.kind === 'known' ? event.recipient : [])),
      ['boss@example.org'],
    );
    assert.deepEqual(sentences(await station.pass()), []);
  });
});

const toBoth = (text: string): readonly string[] => ['oncall', 'ops'].map((who) => `${who}: ${text}`);
const sentences = ({ arrived }: PassOutcome): readonly string[] => arrived.map(({ sentence }) => sentence);

interface Restored {
  readonly station: Station;
  readonly lost: readonly string[];
}

/** Sends what began after the file of the database was copied, and puts the copy back. */
async function restored(t: TestContext): Promise<Restored> {
  const file = path.join(tempFolder(t), 'fleet.db');
  const station = await stationFor(t, { storage: sqliteConfig(file), elements });
  await station.collect();
  await station.pass();
  await station.whileClosed(() => copyFileSync(file, `${file}.old`));
  station.at('08:05');
  await station.collect({ 'web-1': 'disk / 96' });
  const { arrived } = await station.pass();
  await station.whileClosed(() => {
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    copyFileSync(`${file}.old`, file);
  });
  return { station, lost: arrived.map(({ messageId }) => messageId) };
}

const sentFile = ({ config }: Station): string => path.join(config().stateDir, 'sent');

test('the file of the database is put back: the end of an alert is notified although its rows are lost', async (t) => {
  const { station, lost } = await restored(t);
  assert.equal(lost.length, 2);
  station.at('10:00');
  await station.collect({ 'web-1': 'disk / 96' });
  assert.deepEqual(sentences(await station.pass()), toBoth('reminder critical web-1 disk /'));
  station.at('10:05');
  await station.collect({ 'web-1': 'disk / 97', 'web-2': 'disk / 97' });
  assert.deepEqual(sentences(await station.pass()), toBoth('firing critical web-2 disk /'));
  for (const time of ['10:10', '10:15']) {
    station.at(time);
    await station.collect({ 'web-2': 'disk / 97' });
  }
  assert.deepEqual(sentences(await station.pass()), toBoth('resolved web-1 disk /'));
});

test('without the file `sent` each change is notified at least once, under the same Message-ID', async (t) => {
  const { station, lost } = await restored(t);
  rmSync(sentFile(station));
  await station.storeAgain(1);
  station.at('08:10');
  assert.deepEqual(idsOf((await station.pass()).arrived), lost);
  assert.equal(readFileSync(sentFile(station), 'utf8').split('\n').filter(Boolean).length, 2);
});

test('a mail that is older than seven days is sent again, under the same Message-ID', async (t) => {
  const { station, lost } = await restored(t);
  await station.storeAgain(1);
  station.at(station.nowMs() + 8 * dayMs);
  assert.deepEqual(idsOf((await station.pass()).arrived), lost);
});

const idsOf = (mails: readonly Arrived[]): readonly string[] => mails.map(({ messageId }) => messageId);
