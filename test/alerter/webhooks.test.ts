/** Webhooks as recipients of a whole alerter: the requests, the stored state, and the effect of a refusal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onBothDatabases } from '../storage/support/databases.ts';
import { openReceiver, type ReceivedPost } from '../support/http-receiver.ts';
import { stationFor } from './support/station.ts';

const token = 'T0KEN-8f3c91';
const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const rule = '<alert type="disk" warning="85%" critical="95%"/>';

interface Document {
  readonly status: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Readonly<Record<string, string>> }[];
}

/** Returns `firing critical web-1 disk /` for each alert of a document. */
function alertsOf({ body }: ReceivedPost): readonly string[] {
  return (JSON.parse(body) as Document).alerts.map(({ status, labels }) =>
    [status, labels['severity'], labels['instance'], labels['alertname'], labels['subject']].join(' '),
  );
}

onBothDatabases('a webhook', (kit) => {
  test('hears of what fires and its end, once each, beside the mailbox, with a memory of its own', async (t) => {
    const receiver = await openReceiver(t);
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts mail="ops@example.org">
      <webhook name="chat" ${url} severity="critical" labels="site=fra"/>${rule}</alerts><group labels="site=fra">${two}</group>`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    const notified: string[][] = [];
    for (const [time, says] of [
      ['07:45', {}],
      ['08:00', { 'web-1': 'disk / 96', 'web-2': 'disk / 90' }],
      ['08:15', { 'web-1': 'disk / 96', 'web-2': 'disk / 90' }],
      ['08:30', { 'web-2': 'disk / 90' }],
      ['08:45', { 'web-2': 'disk / 90' }],
      ['09:00', { 'web-2': 'disk / 90' }],
    ] as const) {
      station.at(time);
      await station.collect(says);
      const before = receiver.received.length;
      await station.pass();
      await station.pass();
      notified.push(receiver.received.slice(before).flatMap(alertsOf));
    }
    assert.deepEqual(notified.flat(), ['firing critical web-1 disk /', 'resolved critical web-1 disk /']);
    assert.ok(
      station.server.mails.some(({ content }) => content.includes('web-2')),
      'the mailbox hears of warnings',
    );
    const labels = receiver.received.map(({ body }) => (JSON.parse(body) as Document).alerts[0]?.labels['site']);
    assert.deepEqual(labels, ['fra', 'fra']);
    assert.doesNotMatch(await station.dump(), new RegExp(token));
  });

  test('is sent what was stored, with the same key again after a failure', async (t) => {
    const receiver = await openReceiver(t);
    const answers = [503, 200];
    receiver.act(() => ({ status: answers.shift() ?? 200 }));
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts><webhook name="chat" ${url}/>${rule}</alerts>${two}`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements, smtp: null });
    await station.collect({ 'web-1': 'disk / 96' });
    await station.pass();
    assert.equal(receiver.received.length, 1);
    station.at('08:10');
    const { result } = await station.pass();
    assert.equal(result.sent, 1);
    const [one, again] = receiver.received;
    assert.equal(one?.body, again?.body);
    assert.equal(one?.headers['idempotency-key'], again?.headers['idempotency-key']);
    const [row] = await station.database.read((session) => session.all('SELECT * FROM mails', []));
    assert.deepEqual([row?.['recipient'], row?.['message_id']], ['webhook:chat', one?.headers['idempotency-key']]);
    assert.ok(String(row?.['content']).endsWith(`\r\n\r\n${one?.body}`));
  });

  test('waits as long as Retry-After says, up to an hour', async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => ({ status: 429, headers: { 'retry-after': '1800' } }));
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts><webhook name="chat" ${url}/>${rule}</alerts>${two}`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements, smtp: null });
    await station.collect({ 'web-1': 'disk / 96' });
    await station.pass();
    for (const time of ['08:05', '08:15', '08:29']) {
      station.at(time);
      await station.collect({ 'web-1': 'disk / 96' });
      await station.pass();
    }
    assert.equal(receiver.received.length, 1);
    receiver.act(() => ({ status: 200 }));
    station.at('08:31');
    assert.equal((await station.pass()).result.sent, 1);
  });

  test('that refuses is notified to the fallback, with the answer and the notification, once', async (t) => {
    const receiver = await openReceiver(t);
    receiver.act(() => ({ status: 404, body: `no_team at /${token} <b>` }));
    const url = `url="${receiver.origin}/${token}"`;
    const elements = `<collector every="15m"/><alerts><webhook name="chat" ${url}/>${rule}</alerts>${two}`;
    const storage = await kit.migrated();
    const station = await stationFor(t, { storage, elements, smtp: 'fallback="root@example.org"' });
    for (const time of ['07:45', '08:00', '08:15']) {
      station.at(time);
      await station.collect({ 'web-1': 'disk / 96' });
      await station.pass();
    }
    assert.equal(receiver.received.length, 1);
    const notices = station.server.mails.filter(({ to }) => to === 'root@example.org');
    assert.equal(notices.length, 1);
    const [{ content } = { content: '' }] = notices;
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
