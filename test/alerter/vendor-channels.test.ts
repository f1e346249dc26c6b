/** A whole alerter against receivers that keep to the documents of their vendors. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { webhookFormats } from '../../src/config/channel-config.ts';
import type { Database } from '../../src/storage/sql/database.ts';
import { onEachDatabase, type Kit } from '../storage/support/databases.ts';
import { openReceiver, type HttpReceiver } from '../support/http-receiver.ts';
import { openPushover, vendors, type Vendor, type VendorFormat } from '../support/vendor-server.ts';
import { withMoments } from './support/moments.ts';
import { stationFor, type Station } from './support/station.ts';

const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const rule = '<alert type="disk" warning="85%" critical="95%"/>';
const fires = { 'web-1': 'disk / 96' };

interface Site {
  readonly station: Station;
  readonly receiver: HttpReceiver;
}

/** Opens a station with one webhook, after a pass at 07:45 in which all is well. */
async function openSite(t: TestContext, kit: Kit, format: VendorFormat, vendor: Vendor): Promise<Site> {
  const receiver = await openReceiver(t);
  receiver.act((post) => vendor.answer(post, 'takes'));
  const hook = `<webhook name="oncall" format="${format}" url="${vendor.url(receiver.origin)}"/>`;
  const elements = `<collector every="15m"/><alerts repeat="1h">${hook}${rule}</alerts>${two}`;
  const station = await stationFor(t, { storage: await kit.migrated(), elements, smtp: null });
  await passAt(station, '07:45', {});
  return { station, receiver };
}

async function passAt(station: Station, time: string, says: Readonly<Record<string, string>> = fires) {
  station.at(time);
  await station.collect(says);
  return await station.pass();
}

/** Returns the author of the acknowledgement of the open alert; null if there is none. */
async function acknowledgedBy({ storage }: Station): Promise<string | null> {
  const [alert] = await storage.evaluation.openAlerts(null);
  return alert?.acknowledgedBy ?? null;
}

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
