/** A database that is restored from a backup: mails of the lost time are sent again under their Message-ID. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { dayMs, minuteMs } from '../../src/platform/units.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stationFor, type Arrived, type Station } from './support/station.ts';

const elements = `<collector every="5m"/><alerts defaults="no" for="1x"><mail to="ops@example.org"/>
  <alert type="disk" limit="90%"/></alerts><client name="web-1" ip="192.0.2.1" username="u"/>`;
const full = { 'web-1': 'disk / 96' };

interface Restored {
  readonly lost: readonly Arrived[];
  readonly again: readonly Arrived[];
}

/** Makes a pass that is lost, restores the database, and makes the pass again some time later. */
async function passTwice(t: TestContext, first: Record<string, string>, lostMs: number): Promise<Restored> {
  const station = await stationFor(t, { storage: sqliteConfig(path.join(tempFolder(t), 'fleet.db')), elements });
  await station.collect(first);
  const { restore } = await station.snapshot();
  const lost = await passAfter(station, 5 * minuteMs);
  await restore();
  return { lost, again: await passAfter(station, lostMs) };
}

async function passAfter(station: Station, pauseMs: number): Promise<readonly Arrived[]> {
  station.at(station.nowMs() + pauseMs);
  await station.collect(full);
  station.at(station.nowMs() + minuteMs);
  return (await station.pass()).arrived;
}

const idsOf = (mails: readonly Arrived[]): readonly string[] => mails.map(({ messageId }) => messageId);

for (const { title, lostMs } of [
  { title: 'a minute', lostMs: minuteMs },
  { title: 'five minutes', lostMs: 5 * minuteMs },
  { title: 'five hours', lostMs: 300 * minuteMs },
  { title: 'eight days', lostMs: 8 * dayMs },
]) {
  test(`an alert of a report in the backup has the same Message-ID ${title} later`, async (t) => {
    const { lost, again } = await passTwice(t, full, lostMs);
    assert.equal(lost.length, 1);
    assert.deepEqual(idsOf(again), idsOf(lost));
  });
}

test('an alert that only a lost report began is another one, with another Message-ID', async (t) => {
  // A probe that ran out of time in the first report, for example.
  const { lost, again } = await passTwice(t, { 'web-1': 'disk / ?' }, 5 * minuteMs);
  assert.equal(lost.length, 1);
  assert.equal(again.length, 1);
  assert.notDeepEqual(idsOf(again), idsOf(lost));
});
