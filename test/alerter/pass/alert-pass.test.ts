/** The frame of a pass: its row in `runs` and its exit status. alerter.test.ts has the whole. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { missingMails } from '../../../src/alerter/pass/alert-pass.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { MailSummary, Unsent } from '../../../src/storage/store/outbox-store.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { stationFor, type PassOutcome, type Station } from '../support/station.ts';

const clients = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const fleet = `<collector every="15m"/><alerts><mail to="ops@example.org"/><alert type="disk" limit="90%"/></alerts>${clients}`;

const stationOf = (t: TestContext, elements = fleet): Promise<Station> =>
  stationFor(t, { storage: sqliteConfig(path.join(tempFolder(t), 'fleet.db')), elements });

/** Returns the outcomes of the alerter's rows in `runs`, oldest first. */
async function outcomesOf(station: Station): Promise<readonly string[]> {
  return (await station.storage.fleet.runs('alert', 0)).map(({ outcome }) => outcome).reverse();
}

/** Makes a pass whose database fails at the first statement with this text. */
async function passFailing(station: Station, thrown: Error, text: string): Promise<PassOutcome> {
  return await station.pass({
    wrap: (database) => ({
      ...database,
      read: (work) =>
        database.read((session) =>
          work({
            ...session,
            all: (sql, values) => (sql.includes(text) ? Promise.reject(thrown) : session.all(sql, values)),
          }),
        ),
      write: (work) => database.write(work),
      readOnly: (sql) => database.readOnly(sql),
      space: () => database.space(),
      migrate: (work) => database.migrate(work),
      close: () => database.close(),
    }),
  });
}

test('a pass with a stage that fails says so in its row, names the stage, and gives its lease back', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  const { result, events } = await passFailing(station, new Error('broken'), 'last_notified');
  assert.deepEqual([result.outcome, result.exitStatus, result.reports], ['finished', 1, 2]);
  const faults = events.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  assert.deepEqual(
    faults.map(({ code, message }) => `${code}: ${message}`),
    ['pass-incomplete: planning mails: broken'],
  );
  assert.deepEqual(await outcomesOf(station), ['failed']);
  station.at('08:01');
  assert.equal((await station.pass()).result.sent, 1);
  assert.deepEqual(await outcomesOf(station), ['failed', 'finished']);
});

test('a database that is away gets no row of the failed pass', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  const away = new StorageFault('lost', 'away');
  await assert.rejects(passFailing(station, away, 'last_notified'), /away/);
  assert.deepEqual(await outcomesOf(station), []);
});

test('a pass that sends nothing because a mail waits ends with status 1, and the next one with 0', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  station.act(({ phase }) => (phase === 'rcpt' ? '451 4.7.1 later' : undefined));
  const { result: first, events } = await station.pass();
  const undelivered = events.flatMap((event) => (event.kind === 'undelivered' ? event : []));
  assert.match(undelivered[0]?.error ?? '', /451 4\.7\.1 later/);
  assert.deepEqual({ putOff: first.putOff, exitStatus: first.exitStatus }, { putOff: 1, exitStatus: 1 });
  // The mail is not due yet, so this pass tries nothing.
  const second = (await station.pass()).result;
  assert.deepEqual({ putOff: second.putOff, exitStatus: second.exitStatus }, { putOff: 0, exitStatus: 1 });
  station.act(() => undefined);
  station.at('08:10');
  const third = (await station.pass()).result;
  assert.deepEqual({ sent: third.sent, exitStatus: third.exitStatus }, { sent: 1, exitStatus: 0 });
});

test('a pass that begins with its signal aborted evaluates nothing and sends nothing', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  const { result, arrived } = await station.pass({ signal: AbortSignal.abort(new Error('ended')) });
  assert.deepEqual(arrived, []);
  const { outcome, exitStatus, composed } = result;
  assert.deepEqual({ outcome, exitStatus, composed }, { outcome: 'interrupted', exitStatus: 1, composed: 0 });
  assert.equal((await station.pass()).result.sent, 1);
});

test('a pass that the database refuses leaves a row that says so', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  await assert.rejects(passFailing(station, new StorageFault('denied', 'not yours'), 'last_notified'), /not yours/);
  assert.deepEqual(await outcomesOf(station), ['failed']);
});

test('one pass that has finished is enough for the next one not to be the first', async (t) => {
  const station = await stationOf(t);
  // A collector's run that has finished is no pass.
  await station.collect({ 'web-1': 'disk / 96' });
  assert.deepEqual(
    (await station.pass()).arrived.map(({ mail }) => mail?.alreadyTrue),
    [true],
  );
  station.at('08:15');
  await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 96' });
  assert.deepEqual(
    (await station.pass()).arrived.map(({ mail }) => mail?.alreadyTrue),
    [false],
  );
});

/** Mails that were not delivered, the deliveries of open alerts by recipient, and the mails that are missed. */
const missed: readonly (readonly [what: string, mails: object[], unsent: object[], missing: readonly number[]])[] = [
  ['one that was tried and waits', [{ error: 'later' }], [], [1]],
  ['one that another alerter sends now', [{ error: null }], [], []],
  ['a refused one whose alerts have ended', [{ error: 'no', failedAtMs: 5 }], [], []],
  ['a refused one about an open alert', [{ error: 'no', failedAtMs: 5 }], [{ delivery: 'not-delivered' }], [1]],
  [
    'a refused one whose alert is in another that waits',
    [{ error: 'no', failedAtMs: 5 }],
    [{ delivery: 'queued' }],
    [],
  ],
  [
    'a refused one of somebody else',
    [{ error: 'no', failedAtMs: 5 }],
    [{ delivery: 'not-delivered', recipient: 'kim' }],
    [],
  ],
  ['one that waits beside a refused one', [{ error: 'later' }, { error: 'no', failedAtMs: 5 }], [], [1]],
];
for (const [what, mails, unsent, missing] of missed) {
  test(`a mail is missed or not: ${what}`, async () => {
    const asked: (readonly number[])[] = [];
    const unsentOf = (ids: readonly number[]) => {
      asked.push(ids);
      return Promise.resolve(unsent.map((one) => ({ recipient: 'ops', ...one }) as Unsent));
    };
    const storage = { evaluation: { openAlerts: () => Promise.resolve([alert({ id: 4 })]) }, mails: { unsentOf } };
    const undelivered = mails.map(
      (one, index) => ({ id: index + 1, recipient: 'ops', failedAtMs: null, ...one }) as MailSummary,
    );
    const found = await missingMails(storage as unknown as Parameters<typeof missingMails>[0], undelivered);
    assert.deepEqual(
      found.map(({ id }) => id),
      missing,
    );
    assert.deepEqual(asked, mails.some((one) => 'failedAtMs' in one) ? [[4]] : []);
  });
}
