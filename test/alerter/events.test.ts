import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { evaluateEvents } from '../../src/alerter/absence/evaluate-events.ts';
import { explainClient } from '../../src/alerter/explain/explain-client.ts';
import { explainFleet } from '../../src/alerter/explain/explain-fleet.ts';
import type { NewEvent } from '../../src/storage/store/event-store.ts';
import { madeEvent } from '../collector/events/support/event-samples.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { pluckAll } from '../support/pluck.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { configOf } from './support/config-of.ts';
import { type Station, stationFor } from './support/station.ts';

const dir = tempFolder();
const hourMs = 3_600_000;
let stations = 0;

/** Opens a station with one client, rules of the fleet, and rules of the client. */
async function stationWith(
  t: Parameters<typeof stationFor>[0],
  fleet: string,
  own = '',
  storage = sqliteConfig(path.join(dir, `${(stations += 1)}.db`)),
): Promise<Station> {
  const elements = `<alerts zone="UTC"><mail to="ops@example.org"/>${fleet}</alerts>
    <client name="web-1" ip="192.0.2.1" username="u">${own}</client>`;
  return await stationFor(t, { storage, elements });
}

/** Stores an event that is received now. */
async function send(made: Station, changes: Partial<NewEvent>): Promise<void> {
  const receivedAtMs = made.nowMs();
  await made.storage.events.saveEvents([madeEvent(`${receivedAtMs}-${Math.random()}`, { receivedAtMs, ...changes })]);
}

/** Makes a pass some hours later. Returns the sentences of its mails. */
async function passAfter(made: Station, hours: number): Promise<readonly string[]> {
  made.at(made.nowMs() + hours * hourMs);
  // The collector runs, so that `collector-silent` does not fire.
  await made.collect();
  return (await made.pass()).arrived.map(({ sentence }) => sentence.replace(/^ops: /, ''));
}

/** Makes the passes at the end of a span of hours. Returns the sentences of their mails. */
async function later(made: Station, hours: number): Promise<readonly string[]> {
  const steps = hours * 60 > 10 ? [hours * 60 - 10, 5, 5] : [hours * 60];
  const notified: string[] = [];
  for (const minutes of steps) notified.push(...(await passAfter(made, minutes / 60)));
  return notified;
}

async function open(made: Station): Promise<readonly unknown[]> {
  return pluckAll(await made.storage.evaluation.openAlerts(null), 'client', 'subject', 'severity', 'valueText');
}

test('events are not read if no rule is about them', async () => {
  const config = configOf('<client name="web-1" ip="192.0.2.1" username="u"/>');
  const unread = (): never => assert.fail('read');
  const options = { config, events: { newestEvents: unread }, openAlerts: unread, nowMs: 0, mayMiss: true };
  assert.deepEqual(await evaluateEvents(options), []);
});

test('the events of a client count while it is active', async () => {
  const own = (state: string) => `<client name="web-1" ip="192.0.2.1" username="u" state="${state}">
    <alert type="event" service="backup"/></client>`;
  const about = { host: 'web-1', service: 'backup', instance: '', description: '', ttl: null };
  const event = { ...about, status: 'CRIT' as const, receivedAtMs: 1000 };
  const found = async (state: string) => {
    const config = configOf(`<alerts><mail to="ops@example.org"/></alerts>${own(state)}`);
    const events = { newestEvents: () => Promise.resolve([event]) };
    const openAlerts = () => Promise.resolve([]);
    const alerts = await evaluateEvents({ config, events, openAlerts, nowMs: 2000, mayMiss: true });
    return alerts.map(({ client, subject, severity, state: now }) => `${client} ${subject} ${severity} ${now}`);
  };
  assert.deepEqual(await found('active'), ['web-1 backup critical firing']);
  assert.deepEqual(await found('paused'), []);
});

test('a bad event is notified, a good one ends it, and silence is a fault', async (t) => {
  const made = await stationWith(t, '<alert type="event" service="backup*" within="26h"/>');
  await send(made, { host: 'nas', service: 'backup-home' });
  assert.deepEqual(await later(made, 1), []);
  await send(made, { host: 'nas', service: 'backup-home', status: 'CRIT', description: 'disk full' });
  await send(made, { host: 'nas', service: 'other', status: 'CRIT' });
  const rule = 'event service=backup*';
  assert.deepEqual(await later(made, 0.1), [`firing critical - ${rule} nas:backup-home`]);
  assert.deepEqual(await open(made), [['', 'nas:backup-home', 'critical', 'CRIT: disk full']]);
  await send(made, { host: 'nas', service: 'backup-home' });
  assert.deepEqual(await later(made, 0.5), [`resolved - ${rule} nas:backup-home`]);
  assert.deepEqual(await later(made, 25), []);
  assert.deepEqual(await later(made, 2), [`firing critical - ${rule} nas:backup-home`]);
  assert.match(JSON.stringify(await open(made)), /silent for 1d ?3h.*, after OK: done/);
  await send(made, { host: 'nas', service: 'backup-home' });
  assert.deepEqual(await later(made, 0.5), [`resolved - ${rule} nas:backup-home`]);
});

test('a service that is named and was never heard of is at fault until it is', async (t) => {
  const made = await stationWith(t, '<alert type="event" service="backup" within="1d" severity="warning"/>');
  await later(made, 0.1);
  assert.deepEqual(await open(made), [['', 'backup', 'warning', 'never heard of']]);
  await send(made, { host: 'nas' });
  await later(made, 0.5);
  assert.deepEqual(await open(made), []);
  await send(made, { host: 'nas', status: 'CRIT', instance: 'home' });
  await later(made, 0.5);
  assert.deepEqual(await open(made), [['', 'nas:backup/home', 'warning', 'CRIT: done']]);
});

test('silence while the database was away is evaluated once it has answered for a while', async (t) => {
  const made = await stationWith(t, '<alert type="event" service="backup*,nightly" within="26h"/>');
  await send(made, { service: 'backup' });
  await send(made, { service: 'nightly' });
  assert.deepEqual(await later(made, 25), []);
  // There was no pass for four hours: the database was away, and the events of this time wait in the spool of `serve`.
  assert.deepEqual(await passAfter(made, 4), []);
  assert.deepEqual(await open(made), []);
  await send(made, { service: 'backup', receivedAtMs: made.nowMs() - hourMs });
  assert.deepEqual(await passAfter(made, 5 / 60), []);
  assert.deepEqual(await passAfter(made, 5 / 60), ['firing critical - event service=backup*,nightly web-1:nightly']);
});

test('a missing event is told after the alerter paused, because rows were stored in the gap', async (t) => {
  const made = await stationWith(t, '<alert type="event" service="job" within="3m"/>');
  const startMs = made.nowMs();
  for (const minute of [0, 2, 4, 6, 8, 10]) {
    made.at(startMs + minute * 60_000);
    await send(made, { service: 'job' });
    await made.collect();
    await made.pass();
  }
  for (const minute of [15, 20, 25, 30, 35, 40, 45, 50]) {
    made.at(startMs + minute * 60_000);
    await made.collect();
  }
  const { arrived } = await made.pass();
  assert.deepEqual(
    arrived.map(({ sentence }) => sentence),
    ['ops: firing critical - event service=job web-1:job'],
  );
});

test('a rule of a client evaluates its own events, and ttl and host count', async (t) => {
  const made = await stationWith(
    t,
    '<alert type="event" service="*" host="nas*"/>',
    '<alert type="event" service="backup"/>',
  );
  for (const host of ['web-1', 'web-2', 'nas-1']) await send(made, { host, status: 'WARN' });
  await send(made, { host: 'web-1', instance: 'etc', ttl: 600 });
  await later(made, 0.1);
  const warned = [
    ['', 'nas-1:backup', 'warning', 'WARN: done'],
    ['web-1', 'backup', 'warning', 'WARN: done'],
  ];
  assert.deepEqual([...(await open(made))].sort(), warned);
  await later(made, 1);
  assert.match(JSON.stringify(await open(made)), /"web-1","backup\/etc","critical","silent for 1h.*, after OK: done"/);
});

test('explain has the newest events, of a client and of the fleet', async (t) => {
  const made = await stationWith(
    t,
    '<alert type="event" service="fleet-*"/>',
    '<alert type="event" service="backup"/>',
  );
  await send(made, { host: 'web-1', status: 'CRIT', description: '<b>full</b>' });
  await send(made, { host: '', service: 'fleet-sync', status: 'UNKNOWN' });
  const config = made.config();
  const { storage } = made;
  const asked = { config, storage, isWanted: () => true, nowMs: made.nowMs(), firstPass: false };
  const [client] = config.clients;
  assert.ok(client !== undefined);
  const sampled = (rules: Awaited<ReturnType<typeof explainFleet>>['rules']) =>
    rules.flatMap(({ samples }) => pluckAll(samples, 'subject', 'level', 'valueText'));
  const own = sampled((await explainClient({ ...asked, client })).rules);
  assert.deepEqual(own, [['backup', 'critical', 'CRIT: <b>full</b>']]);
  const ofFleet = sampled((await explainFleet(asked)).rules);
  assert.deepEqual(ofFleet, [['fleet-sync', 'warning', 'UNKNOWN: done']]);
});

onEachDatabase('the newest events', ({ it }) => {
  it('are one of each service, host and instance', async ({ storage }) => {
    const receivedAtMs = Date.UTC(2026, 0, 1);
    await storage.events.saveEvents([
      madeEvent('1', { receivedAtMs, status: 'CRIT' }),
      madeEvent('2', { receivedAtMs, instance: 'home', ttl: 60 }),
      madeEvent('3', { receivedAtMs, host: 'WEB-1' }),
      madeEvent('4', { receivedAtMs, status: 'WARN', description: 'slow' }),
      madeEvent('5', { receivedAtMs, service: '', status: null, raw: '{}' }),
    ]);
    const about = { service: 'backup', instance: '', description: 'done', receivedAtMs, ttl: null, status: 'OK' };
    assert.deepEqual(await storage.events.newestEvents(), [
      { ...about, host: 'web-1', instance: 'home', ttl: 60 },
      { ...about, host: 'WEB-1' },
      { ...about, host: 'web-1', status: 'WARN', description: 'slow' },
    ]);
  });
});
