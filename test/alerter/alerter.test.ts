import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';

import { isWide } from '../support/long-tests.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { bound, stationFor, type Station } from './support/station.ts';
import { passStories } from './support/whole-pass-story.ts';
import { listenOn } from '../support/servers/free-port.ts';

const alerts = '<alerts><mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>';
const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const elements = `<collector every="15m"/>${alerts}${two}`;

onEachDatabase('a pass of the alerter', (kit) => {
  const story = `
    tells what fires, and its end, once each
      07:45
      08:00-08:15 web-1 disk / 96
      08:30-09:00
      > 08:01 ops: firing critical web-1 disk /
      > 08:46 ops: resolved web-1 disk /`;
  passStories(story, { elements, create: () => kit.migrated() });

  test('tells a day that nobody evaluated, of many clients, in one mail a recipient', async (t) => {
    const count = isWide ? 999 : 150;
    const many = `<client name="web-[001-${count}]" ip="web-[001-${count}].example.org" username="u"/>`;
    const oncall = '<mail to="oncall@example.org" severity="critical"/>';
    const groups = `<group name="web"><mail to="web@example.org"/>${many}</group>`;
    const elements = `<collector every="4h"/>${alerts.replace('<alert ', `${oncall}<alert `)}${groups}`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    const full = Object.fromEntries(station.config().clients.map(({ name }) => [name, 'disk / 96']));
    for (const time of ['00:00', '04:00', '08:00', '12:00', '16:00', '20:00']) {
      station.at(time);
      await station.collect(time < '08:00' ? {} : time < '16:00' ? full : { 'web-050': 'disk / 97' });
    }
    station.at('20:01');
    const { arrived, result } = await station.pass();
    const recipients = arrived.map(({ mail }) => mail?.recipient);
    assert.deepEqual(recipients, ['oncall@example.org', 'ops@example.org', 'web@example.org']);
    assert.deepEqual(new Set(arrived.map(({ mail }) => mail?.items.length)), new Set([count]));
    assert.equal(result.reports, 6 * count);
    assert.deepEqual((await station.pass()).arrived, []);
  });

  test('changes nothing in a dry run, and says what it would tell', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    station.at('08:16');
    const before = await station.dump();
    const { result, events, arrived } = await station.pass({ dryRun: true });
    assert.equal(await station.dump(), before);
    assert.deepEqual(arrived, []);
    assert.deepEqual(
      { composed: result.composed, sent: result.sent, outcome: result.outcome },
      { composed: 1, sent: 0, outcome: 'finished' },
    );
    const mail = events.find((event) => event.kind === 'composed');
    assert.ok(mail?.kind === 'composed');
    assert.match(mail.text, /fleet-health ack web-1 disk\b/);
    assert.deepEqual(sentences(await station.pass()), ['ops: firing critical web-1 disk /']);
    station.at('08:30');
    await station.collect();
    const notified = await station.dump();
    await station.pass({ dryRun: true });
    assert.equal(await station.dump(), notified);
  });

  test('ends at once beside another one, here and elsewhere, and leaves a row that says so', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    station.at('08:01');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let reached = (): void => undefined;
    const sending = new Promise<void>((resolve) => (reached = resolve));
    station.act(({ phase }) => {
      if (phase === 'greeting') reached();
      return undefined;
    });
    const first = station.pass({
      wrap: (database) => ({
        ...bound(database),
        write: async (work) => {
          const isSending = station.server.connections() > 0;
          if (isSending) await held;
          return database.write(work);
        },
      }),
    });
    await sending;
    const second = await station.pass();
    const idle = await station.pass({ machine: 'mon-2' });
    await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 96' });
    const third = await station.pass({ machine: 'mon-2' });
    release();
    assert.deepEqual(sentences(await first), ['ops: firing critical web-1 disk /']);
    assert.equal(second.result.outcome, 'overlapped');
    const here = { pid: process.pid, host: 'mon-1' };
    assert.deepEqual(second.result.holder, { ...here, startedAtMs: station.nowMs() });
    assert.deepEqual([idle.result.outcome, idle.result.exitStatus], ['finished', 0]);
    assert.deepEqual([third.result.outcome, third.result.exitStatus], ['overlapped', 0]);
    assert.deepEqual(third.result.holder, { ...here, startedAtMs: null });
    const runs = await station.storage.fleet.runs('alert', 0);
    const outcomes = runs.map(({ outcome, host }) => `${host} ${outcome}`).sort();
    assert.deepEqual(outcomes, ['mon-1 finished', 'mon-1 overlapped', 'mon-2 overlapped']);
    assert.equal(station.server.mails.length, 1);
  });

  test('does not act upon what it read before another one was at work', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    station.at('08:01');
    let isFirst = true;
    const late = await station.pass({
      wrap: (database) => ({
        ...bound(database),
        write: async (work) => {
          // The alerter has found unprocessed rows and now asks for its lease.
          if (isFirst) {
            isFirst = false;
            assert.deepEqual(sentences(await station.pass({ machine: 'mon-2' })), [
              'ops: firing critical web-1 disk /',
            ]);
          }
          return database.write(work);
        },
      }),
    });
    assert.deepEqual(
      { outcome: late.result.outcome, reports: late.result.reports, composed: late.result.composed },
      { outcome: 'finished', reports: 0, composed: 0 },
    );
    assert.equal(station.server.mails.length, 1);
  });

  test('ends at a signal between two steps, and the next pass goes on', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await station.collect({ 'web-1': 'disk / 96' });
    station.at('08:01');
    const ending = new AbortController();
    const first = await station.pass({
      signal: ending.signal,
      wrap: (database) => ({
        ...bound(database),
        write: async (work) => {
          const result = await database.write(work);
          ending.abort();
          return result;
        },
      }),
    });
    assert.deepEqual(
      { outcome: first.result.outcome, exitStatus: first.result.exitStatus, arrived: first.arrived },
      { outcome: 'interrupted', exitStatus: 1, arrived: [] },
    );
    station.at('08:02');
    assert.deepEqual(sentences(await station.pass()), ['ops: firing critical web-1 disk /']);
  });

  test('leaves a row of each pass that did something, and of idle ones often enough to be known alive', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    for (let minute = 0; minute <= 30; minute += 1) {
      station.at(`08:${String(minute).padStart(2, '0')}`);
      await station.pass();
    }
    const runs = await station.storage.fleet.runs('alert', 0);
    assert.deepEqual(runs.map(({ startedAtMs }) => new Date(startedAtMs).toISOString().slice(11, 16)).sort(), [
      '08:00',
      '08:08',
      '08:16',
      '08:24',
    ]);
  });
});

onEachDatabase('an alerter with a <heartbeat>', (kit) => {
  test('asks the heartbeat after a pass in which all went well, and after no other', async (t) => {
    let asked = 0;
    const listener = createServer((_request, response) => {
      asked += 1;
      response.end('ok');
    });
    const port = await listenOn(listener);
    after(() => listener.close());
    const withHeartbeat = `${elements}<heartbeat url="http://127.0.0.1:${port}/beat"/>`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements: withHeartbeat });
    await station.pass();
    assert.equal(asked, 1);
    await station.collect({ 'web-1': 'disk / 96' });
    station.act(() => '421 4.3.2 not now');
    station.at('08:01');
    const { result } = await station.pass();
    assert.deepEqual([result.exitStatus, result.putOff, asked], [1, 1, 1]);
    await station.pass({ dryRun: true });
    assert.equal(asked, 1);
    station.act(() => undefined);
    station.at('08:10');
    const { result: good } = await station.pass();
    assert.deepEqual([good.exitStatus, good.sent, asked], [0, 1, 2]);
  });
});

function sentences({ arrived }: Awaited<ReturnType<Station['pass']>>): readonly string[] {
  return arrived.map(({ sentence }) => sentence);
}
