/** The promises that webhooks alone make in a whole alerter. channels.test.ts has those of every channel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onEachDatabase } from '../storage/support/databases.ts';
import { openReceiver } from '../support/servers/http-receiver.ts';
import { stationFor } from './support/station.ts';

const token = 'T0KEN-8f3c91';
const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const rule = '<alert type="disk" warning="85%" critical="95%"/>';

onEachDatabase('a webhook', (kit) => {
  test('waits as long as Retry-After says, up to an hour', async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => ({ status: 429, headers: { 'retry-after': '1800' } }));
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts><webhook name="chat" ${url}/>${rule}</alerts>${two}`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements, smtp: null });
    await station.collect({ 'web-1': 'disk / 96' });
    await station.pass();
    for (const time of ['08:05', '08:29']) {
      station.at(time);
      await station.pass();
    }
    assert.equal(receiver.received.length, 1);
    receiver.act(() => ({ status: 200 }));
    station.at('08:31');
    assert.equal((await station.pass()).result.sent, 1);
  });

  test('that refuses is notified to the fallback with its answer and the notification, and no token', async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => ({ status: 404, body: `no_team at /${token} <b>` }));
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts><webhook name="chat" ${url}/>${rule}</alerts>${two}`;
    const storage = await kit.migrated();
    const station = await stationFor(t, { storage, elements, smtp: 'fallback="root@example.org"' });
    await station.collect({ 'web-1': 'disk / 96' });
    await station.pass();
    const content = station.server.mails.find(({ to }) => to === 'root@example.org')?.content ?? '';
    assert.match(content, /^Subject: Not delivered to webhook chat: Already true: CRITICAL web-1: disk\s+\/ 96 %/m);
    assert.match(content.replace(/=\r\n/g, ''), /webhook chat: status 404: no_team at \[secret\] <b>/);
    assert.match(content, /Content-Type: application\/json; name=notification/);
    assert.ok(!content.includes(token));
    const encoded = /name=notification[^]*?\r\n\r\n([\w+/=\r\n]+)\r\n--/.exec(content)?.[1] ?? '';
    assert.equal(Buffer.from(encoded, 'base64').toString(), receiver.received[0]?.body);
    assert.doesNotMatch(await station.dump(), new RegExp(token));
  });

  test('that left config.xml is not posted to; a waiting notification for it is dropped', async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => ({ status: 500 }));
    const url = `url="${receiver.origin}/${token}"`;
    const alerts = (inside: string): string =>
      `<collector every="15m"/><alerts mail="ops@example.org">${inside}${rule}</alerts>${two}`;
    const elements = alerts(`<webhook name="chat" ${url}/>`);
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    await station.pass();
    const before = receiver.received.length;
    assert.ok(before > 0);
    station.configure(alerts(''));
    station.at('08:20');
    const { events } = await station.pass();
    assert.deepEqual(
      events.flatMap((event) => (event.kind === 'dropped' ? event.recipient : [])),
      ['webhook:chat'],
    );
    assert.equal(receiver.received.length, before);
  });
});
