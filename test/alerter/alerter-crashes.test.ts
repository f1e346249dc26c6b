// Second tier: ends an alerter at each of its steps.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import path from 'node:path';

import type { StorageConfig } from '../../src/config/config.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { skipWithoutMariadb, sharedMariadb, type SharedMariadb } from '../support/databases/mariadb.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { withMoments, type Moment } from './support/moments.ts';
import { passToCutOff } from './support/pass-to-cut-off.ts';
import { at } from './support/rows.ts';
import { idOf, stationFor, type Station } from './support/station.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { pluck } from '../support/pluck.ts';

const { elements, notified: expected } = passToCutOff;
const prepare = (station: Station): Promise<void> => passToCutOff.prepare(station, at('08:46'));

/**
 * Makes two passes after all claims and pauses have expired. Asserts exit status 0, and that the second sends no mail.
 */
async function passesAfter(station: Station): Promise<void> {
  station.at('08:51');
  const { result } = await station.pass();
  assert.equal(result.exitStatus, 0);
  station.at('08:52');
  assert.deepEqual((await station.pass()).arrived, []);
}

/**
 * Tests crashes at each commit, after each commit, and at every n-th statement. Statements between two commits are
 * equivalent, because the changes since the last commit are rolled back.
 */
function crashes(name: string, every: number, create: () => Promise<StorageConfig>): void {
  test(`${name}: nothing is lost or notified twice, wherever the alerter dies`, async (t) => {
    const station = await stationFor(t, { storage: await create(), elements });
    await prepare(station);
    const { restore } = await station.snapshot();
    station.at('08:46');
    let moments: Moment[] = [];
    const count = (moment: Moment): boolean => {
      moments.push(moment);
      return false;
    };
    const whole = await station.pass({ wrap: (database) => withMoments(database, count) });
    assert.deepEqual(pluck(whole.arrived, 'sentence'), expected);
    const total = moments.length;
    assert.ok(total > 50, `${total} moments`);
    const chosen = moments.filter(({ kind, count }) => kind.startsWith('commit') || isLong || count % every === 0);
    for (const { count: dies } of chosen) {
      await restore();
      station.at('08:46');
      const from = station.server.mails.length;
      moments = [];
      const died: Moment[] = [];
      const dying = (moment: Moment): boolean => {
        if (moment.count === dies) died.push(moment);
        return moment.count === dies;
      };
      await station.pass({ wrap: (database) => withMoments(database, dying) }).catch(() => undefined);
      assert.equal(died.length, 1, `moment ${dies}`);
      await passesAfter(station);
      assertNotified(station, from, `died at ${dies} of ${total}: ${JSON.stringify(died)}`);
    }
  });

  for (const isTaken of [false, true]) {
    test(`${name}: the alerter dies between DATA and the answer, the mail ${isTaken ? 'taken' : 'lost'}`, async (t) => {
      const station = await stationFor(t, { storage: await create(), elements });
      await prepare(station);
      station.at('08:46');
      let isDead = false;
      const taken: string[] = [];
      station.act(({ phase, line }) => {
        if (phase !== 'dot') return undefined;
        isDead = true;
        if (isTaken) taken.push(line);
        return { kind: 'reset' };
      });
      await station.pass({ wrap: (database) => withMoments(database, () => isDead) }).catch(() => undefined);
      assert.ok(isDead);
      station.act(() => undefined);
      const from = station.server.mails.length;
      await passesAfter(station);
      assertNotified(station, from, 'between DATA and 250');
      const ids = station.server.mails.slice(from).map(({ content }) => idOf(content));
      for (const content of taken) {
        const again = station.server.mails.find((mail) => idOf(mail.content) === idOf(content));
        assert.equal(again?.content, content, 'byte for byte the same');
      }
      assert.equal(new Set(ids).size, ids.length);
    });
  }
}

/**
 * Checks that each recipient was notified once. Only the mail in transfer may arrive twice, under the same Message-ID.
 */
function assertNotified(station: Station, from: number, message: string): void {
  const ids = station.server.mails.slice(from).map(({ content }) => idOf(content));
  const distinct = [...new Set(ids)];
  assert.ok(ids.length - distinct.length <= 1, `${message}: ${ids.join(' ')}`);
  assert.deepEqual(distinct.map((id) => station.sentenceOf(id)).sort(), expected, message);
}

describe('an alerter that dies', () => {
  const dir = tempFolder();
  let made = 0;
  crashes('SQLite', isWide ? 4 : Infinity, () => Promise.resolve(sqliteConfig(path.join(dir, `${++made}.db`))));
});

const skip = skipWithoutMariadb || (!isWide && 'npm run test:wide');

describe('an alerter that dies, with MariaDB', { skip }, () => {
  let mariadb: SharedMariadb | null = null;
  before(async () => {
    mariadb = await sharedMariadb();
  });
  after(async () => mariadb?.stop());
  crashes('MariaDB', 9, async () => {
    if (mariadb === null) throw new Error('MariaDB is not running');
    return (await mariadb.createDatabase()).storage;
  });
});
