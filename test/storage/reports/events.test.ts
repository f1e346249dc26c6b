import assert from 'node:assert/strict';

import { madeEvent } from '../../collector/events/support/event-samples.ts';
import { onEachDatabase } from '../support/databases.ts';

const dayMs = 86_400_000;
const never = new AbortController().signal;

onEachDatabase('events', ({ it }) => {
  it('are stored in their order, each id once', async ({ storage, rows }) => {
    await storage.events.saveEvents([madeEvent('b'), madeEvent('a', { description: 'first' }), madeEvent('b')]);
    await storage.events.saveEvents([madeEvent('c'), madeEvent('a', { description: 'second' })]);
    assert.deepEqual(await rows('SELECT event_id, description FROM events ORDER BY id'), [
      ['b', 'done'],
      ['a', 'first'],
      ['c', 'done'],
    ]);
  });

  it('take the longest and the most hostile texts', async ({ storage, rows }) => {
    const description = '\u{10ffff}\'; DROP TABLE events; --"'.padEnd(2_000, 'é');
    const raw = JSON.stringify('😀'.repeat(16_000));
    const long = '😀'.repeat(64);
    const tags = new Array<string>(32).fill(long);
    const texts = { host: long, service: long, instance: long, description, tags };
    await storage.events.saveEvents([madeEvent('x'.repeat(100), { ...texts, value: 1e308, ttl: 3e8, raw })]);
    assert.deepEqual(await rows('SELECT host, instance, description, tags, value, ttl, raw FROM events'), [
      [long, long, description, JSON.stringify(tags), 1e308, 3e8, raw],
    ]);
  });

  it('go after a week, the newest of a service of a host after five', async ({ storage, rows }) => {
    const nowMs = Date.now();
    const aged = (id: string, days: number, service: string, more: object = {}) =>
      madeEvent(id, { receivedAtMs: nowMs - days * dayMs, service, ...more });
    await storage.events.saveEvents([
      aged('old', 8, 'weekly'),
      aged('newest', 7.5, 'weekly'),
      aged('gone', 36, 'silent'),
      aged('elsewhere', 8, 'daily', { host: 'other' }),
      aged('another', 8, 'daily', { instance: 'other' }),
      aged('young', 6, 'daily'),
      aged('younger', 5, 'daily'),
    ]);
    const limits = { nowMs, rawMs: 30 * dayMs, detailMs: dayMs, hourlyMs: null, dailyMs: null };
    await storage.retention.prune(limits, never);
    assert.deepEqual(await rows('SELECT event_id FROM events ORDER BY id'), [
      ...[['newest'], ['elsewhere'], ['another'], ['young'], ['younger']],
    ]);
  });

  it('are read back until a program has taken them, and as they were at a time', async ({ storage }) => {
    const { events } = storage;
    const atMs = Date.now() - 10_000;
    const first = madeEvent('a', { receivedAtMs: atMs, tags: ['x'], value: 1.5, ttl: 60 });
    const other = { host: '', service: '', status: null, description: '', raw: '{"Hello": "World"}' } as const;
    await events.saveEvents([
      first,
      madeEvent('b', { receivedAtMs: atMs + 1000, ...other }),
      madeEvent('c', { receivedAtMs: atMs + 2000, status: 'CRIT' }),
    ]);
    const [one, two, ...others] = await events.unprocessedEvents(2);
    assert.deepEqual(
      { eventId: one?.eventId, raw: two?.raw, status: two?.status, others: others.length },
      { eventId: 'a', raw: other.raw, status: null, others: 0 },
    );
    assert.deepEqual(one, { ...first, rowId: one?.rowId });
    await events.markProcessed(one.rowId);
    const left = await events.unprocessedEvents(10);
    assert.deepEqual(
      left.map(({ eventId }) => eventId),
      ['b', 'c'],
    );
    const statusesAt = async (ms: number) => (await events.newestEventsAt(ms)).map(({ status }) => status);
    assert.deepEqual(await statusesAt(atMs - 1), []);
    assert.deepEqual(await statusesAt(atMs), ['OK']);
    assert.deepEqual(await statusesAt(atMs + 2000), ['CRIT']);
    const after = async (sinceMs: number, rowId: number) =>
      (await events.eventsAfter(sinceMs, rowId, 10)).map(({ status }) => status);
    assert.deepEqual(await after(atMs - 1, 0), ['OK', 'CRIT']);
    assert.deepEqual(await after(atMs, 0), ['CRIT']);
    assert.deepEqual(await after(atMs - 1, one.rowId), ['CRIT']);
  });
});
