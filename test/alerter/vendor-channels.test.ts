// Second tier: a server of each vendor.
/** A whole alerter against receivers that keep to the documents of their vendors. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { webhookFormats } from '../../src/config/channel-config.ts';
import type { StorageConfig } from '../../src/config/config.ts';
import type { Database } from '../../src/storage/sql/database.ts';
import { onEachDatabase, type Kit } from '../storage/support/databases.ts';
import type { AlertOrder } from '../support/programs/alert-process.ts';
import { openReceiver, type HttpReceiver } from '../support/servers/http-receiver.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { storageArgument } from '../support/databases/storage-argument.ts';
import { timePassed } from '../support/databases/time-passed.ts';
import { fieldsOf, openPushover, vendors, type Vendor, type VendorFormat } from '../support/servers/vendor-server.ts';
import { withMoments } from './support/moments.ts';
import { stationFor, type Station } from './support/station.ts';

const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const rule = '<alert type="disk" warning="85%" critical="95%"/>';
const fires = { 'web-1': 'disk / 96' };

interface Site {
  readonly station: Station;
  readonly receiver: HttpReceiver;
  readonly storage: StorageConfig;
}

/** Opens a station with one webhook, after a pass in which all is well. */
async function openSite(
  t: TestContext,
  kit: Kit,
  format: VendorFormat,
  vendor: Vendor,
  time: string | number = '07:45',
): Promise<Site> {
  const receiver = await openReceiver(t);
  receiver.act((post) => vendor.answer(post, 'takes'));
  const hook = `<webhook name="oncall" format="${format}" url="${vendor.url(receiver.origin)}"/>`;
  const elements = `<collector every="15m"/><alerts repeat="1h">${hook}${rule}</alerts>${two}`;
  const storage = await kit.migrated();
  const station = await stationFor(t, { storage, elements, smtp: null });
  await passAt(station, time, {});
  return { station, receiver, storage };
}

const program = path.join(import.meta.dirname, '../support/programs/alert-process.ts');

/** Starts a pass as a process of its own. */
function startPass({ station, storage }: Site): ChildProcess {
  const order: AlertOrder = {
    configFile: station.configFile('mon-1'),
    ...storageArgument(storage),
    host: 'mon-1',
    cut: null,
  };
  return spawn(process.execPath, [...programArgs(program), JSON.stringify(order)], { stdio: 'ignore' });
}

async function passAt(station: Station, time: string | number, says: Readonly<Record<string, string>> = fires) {
  station.at(time);
  await station.collect(says);
  return await station.pass();
}

/** Returns the author of the acknowledgement of the open alert; null if there is none. */
async function acknowledgedBy({ storage }: Station): Promise<string | null> {
  const [alert] = await storage.evaluation.openAlerts(null);
  return alert?.acknowledgedBy ?? null;
}

/** The field of a message that says how urgent it is, for a value that is good now, and for a bad one. */
const urgencies: readonly (readonly [format: VendorFormat, field: string, quiet: string, loud: string])[] = [
  ['pushover', 'priority', '0', '2'],
  ['gotify', 'priority', '5', '8'],
  ['apprise', 'type', 'warning', 'failure'],
];

onEachDatabase('the receiver of a vendor', (kit) => {
  for (const format of webhookFormats.filter((one): one is VendorFormat => one in vendors)) {
    const copies = format === 'matrix' ? 'no second copy' : 'one more copy';
    test(`${format}: an answer that is lost costs ${copies}, a kill before the mark none, and no token is stored`, async (t) => {
      const vendor = vendors[format]();
      const { station, receiver } = await openSite(t, kit, format, vendor);
      receiver.act((post) => {
        vendor.answer(post, 'takes');
        return (socket) => void socket.resetAndDestroy();
      });
      assert.equal((await passAt(station, '08:00')).result.putOff, 1);
      receiver.act((post) => vendor.answer(post, 'takes'));
      station.at('08:06');
      assert.equal((await station.pass()).result.sent, 1);
      assert.equal(vendor.seen.length, format === 'matrix' ? 1 : 2);
      const before = vendor.seen.length;
      await passAt(station, '08:15', {});
      station.at('08:30');
      await station.collect({});
      const wrap = (database: Database) => withMoments(database, () => vendor.seen.length > before);
      await assert.rejects(station.pass({ wrap }));
      station.at('08:36');
      await station.pass();
      assert.equal(vendor.seen.length, before + 1);
      assert.ok(!(await station.dump()).includes(vendor.token));
    });
  }

  for (const format of webhookFormats.filter((one): one is VendorFormat => one in vendors)) {
    const copies = format === 'matrix' ? 'no' : 'one';
    const title = `${format}: a program that is killed before the answer costs ${copies} more copy, and loses nothing`;
    test(title, { skip: skipUnlessWide }, async (t) => {
      const vendor = vendors[format]();
      const site = await openSite(t, kit, format, vendor, Date.now() - 900_000);
      const { station, receiver } = site;
      station.at(Date.now() - 60_000);
      await station.collect(fires);
      const killed = startPass(site);
      receiver.act((post) => {
        vendor.answer(post, 'takes');
        killed.kill('SIGKILL');
        return () => undefined;
      });
      assert.deepEqual(await once(killed, 'exit'), [null, 'SIGKILL']);
      assert.equal(vendor.seen.length, 1);
      receiver.act((post) => vendor.answer(post, 'takes'));
      for (const expected of format === 'matrix' ? [1, 1] : [2, 2]) {
        await station.database.write(async (session) => {
          for (const statement of timePassed) await session.run(statement);
        });
        assert.deepEqual(await once(startPass(site), 'exit'), [0, null]);
        assert.equal(vendor.seen.length, expected);
      }
      const keys = receiver.received.flatMap(({ headers }) => headers['idempotency-key'] ?? []);
      assert.deepEqual([keys.length, new Set(keys).size, new Set(vendor.seen).size], [2, 1, 1]);
    });
  }

  test('pushover: an acknowledged emergency acknowledges the alert, and there is no reminder', async (t) => {
    const vendor = openPushover();
    const { station } = await openSite(t, kit, 'pushover', vendor);
    await passAt(station, '08:00');
    const [receipt] = vendor.receipts.values();
    assert.deepEqual([vendor.receipts.size, await acknowledgedBy(station)], [1, null]);
    if (receipt !== undefined) receipt.acknowledged = true;
    const { events } = await passAt(station, '08:02');
    const replies = events.flatMap((event) => (event.kind === 'reply' ? event.reply : []));
    const from = 'webhook oncall (kim-phone)';
    assert.deepEqual(replies, [{ from, line: 'ack', result: 'acknowledged', count: 1 }]);
    assert.equal(await acknowledgedBy(station), from);
    await passAt(station, '09:15');
    assert.deepEqual([vendor.seen.length, receipt?.isCancelled], [1, false]);
  });

  test('pushover: the signals of an emergency end with its critical alert, and with an `ack`', async (t) => {
    for (const end of ['acknowledged', 'ended'] as const) {
      const vendor = openPushover();
      const { station } = await openSite(t, kit, 'pushover', vendor);
      await passAt(station, '08:00', { ...fires, 'web-2': 'disk / 97' });
      await passAt(station, '08:15');
      const [receipt] = vendor.receipts.values();
      assert.equal(receipt?.isCancelled, false, 'web-1 fires');
      if (end === 'acknowledged') {
        const ids = (await station.storage.evaluation.openAlerts(null)).flatMap(({ id }) => id ?? []);
        await station.storage.operator.acknowledge(ids, 'kim', null, null);
      }
      for (const time of ['08:30', '08:45']) await passAt(station, time, end === 'ended' ? {} : fires);
      assert.equal(receipt.isCancelled, true, end);
      assert.equal(await acknowledgedBy(station), end === 'ended' ? null : 'kim');
    }
  });

  for (const [format, field, quiet, loud] of urgencies) {
    test(`${format}: what comes and goes is urgent only while its newest value is bad`, async (t) => {
      const vendor = vendors[format]();
      const { station, receiver } = await openSite(t, kit, format, vendor);
      const urgency = (): unknown => {
        const messages = receiver.received.filter(({ path: to }) => !to.includes('receipts'));
        return fieldsOf(messages.at(-1) ?? assert.fail('no message'))[field];
      };
      for (const [index, percent] of [96, 50, 50, 96, 50].entries()) {
        await passAt(station, station.nowMs() + 900_000, { 'web-1': `disk / ${percent}` });
        if (index % 3 === 0) assert.equal(String(urgency()), loud);
      }
      const before = vendor.seen.length;
      await passAt(station, station.nowMs() + 900_000, { 'web-1': 'disk / 50' });
      assert.match(vendor.seen.slice(before).join(), /^Flapping \(critical\): web-1 disk/);
      assert.equal(String(urgency()), quiet);
      if ('receipts' in vendor) {
        const receipts = [...(vendor as ReturnType<typeof openPushover>).receipts.values()];
        assert.deepEqual([receipts.length, receipts.every(({ isCancelled }) => isCancelled)], [2, true]);
      }
      for (const _ of [1, 2, 3]) await passAt(station, station.nowMs() + 900_000);
      assert.equal(String(urgency()), loud, 'critical again');
    });
  }

  test('pushover: a kill after the message was taken keeps its receipt; one that is away is reported', async (t) => {
    const vendor = openPushover();
    const { station, receiver } = await openSite(t, kit, 'pushover', vendor);
    station.at('08:00');
    await station.collect(fires);
    const wrap = (database: Database) => withMoments(database, () => vendor.seen.length > 0);
    await assert.rejects(station.pass({ wrap }));
    receiver.act((post) => (post.method === 'GET' ? { status: 503 } : vendor.answer(post, 'takes')));
    const { events } = await passAt(station, '08:06');
    const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
    assert.deepEqual(faults, ['webhook oncall: status 503']);
    receiver.act((post) => vendor.answer(post, 'takes'));
    for (const receipt of vendor.receipts.values()) receipt.acknowledged = true;
    await passAt(station, '08:08');
    assert.deepEqual([vendor.seen.length, await acknowledgedBy(station)], [1, 'webhook oncall (kim-phone)']);
  });
});
