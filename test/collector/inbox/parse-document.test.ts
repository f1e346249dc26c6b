/** Documents from outside: what of them counts, and what is only counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseDocument } from '../../../src/collector/inbox/parse-document.ts';
import { parseStoredEvent } from '../../../src/collector/inbox/parse-stored-event.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { madeEvent } from '../events/support/event-samples.ts';

const start = runStart();
const end = runEnd(start);
const parse = (value: unknown) => parseDocument(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

for (const [what, value, counts] of [
  ['no JSON', '{', { run: 0, visits: 0, events: 0, strange: 1 }],
  ['JSON of another form', '7', { run: 0, visits: 0, events: 0, strange: 1 }],
  ['an object without records', { other: [] }, { run: 0, visits: 0, events: 0, strange: 1 }],
  ['no run, as it is written for a push', { visits: [visit()] }, { run: 0, visits: 1, events: 0, strange: 0 }],
  ['a run that is null', { run: null, visits: [visit()] }, { run: 0, visits: 1, events: 0, strange: 0 }],
  ['a run', { run: { start, end } }, { run: 1, visits: 0, events: 0, strange: 0 }],
  ['a run of another form', { run: { start: {} }, visits: [visit()] }, { run: 0, visits: 1, events: 0, strange: 1 }],
  ['events', { events: [madeEvent('a'), madeEvent('b')] }, { run: 0, visits: 0, events: 2, strange: 0 }],
  ['records of another form', { visits: [7, visit()], events: [{}] }, { run: 0, visits: 1, events: 0, strange: 2 }],
  ['visits that are no list', { visits: {} }, { run: 0, visits: 0, events: 0, strange: 1 }],
  ['events that are null', { visits: [], events: null }, { run: 0, visits: 0, events: 0, strange: 1 }],
] as const) {
  test(`a document with ${what}`, () => {
    const { run, visits, events, strange, dropped } = parse(value);
    const found = { run: run === null ? 0 : 1, visits: visits.length, events: events.length, strange };
    assert.deepEqual([found, dropped], [counts, 0]);
  });
}

test('the end of a run has the id of its start, and a run without an end is not over', () => {
  assert.equal(parse({ run: { start, end: { ...end, id: 'other' } } }).run?.end?.id, start.id);
  assert.equal(parse({ run: { start } }).run?.end, null);
  assert.equal(parse({ run: { start, end: { ...end, outcome: 'x' } } }).run?.end, null);
});

test('records that were not chosen are dropped, and are not looked at', () => {
  const bytes = Buffer.from(JSON.stringify({ visits: [visit(), 7, visit()], events: [madeEvent('a'), 8] }));
  const { visits, events, strange, dropped } = parseDocument(bytes, {
    choose: (kind, records) => (kind === 'visits' ? records.slice(0, 1) : []),
  });
  assert.deepEqual([visits.length, events.length, strange, dropped], [1, 0, 0, 4]);
});

const event = madeEvent('a', { tags: ['x'], value: 1.5, ttl: 60, raw: '{}' });

test('an event is read as it was written', () => {
  assert.deepEqual(parseStoredEvent(event), event);
  for (const status of ['OK', 'WARN', 'CRIT', 'UNKNOWN', null] as const) {
    assert.equal(parseStoredEvent({ ...event, status })?.status, status);
  }
});

for (const [field, ...values] of [
  ['eventId', '', 7, undefined, 'a\0'],
  ['receivedAtMs', 'x', null, undefined],
  ['host', null, 7, undefined, '\ud800'],
  ['service', null, undefined],
  ['instance', null, undefined],
  ['status', 'ok', 'FINE', undefined],
  ['description', null, undefined],
  ['tags', 'x', [7], undefined],
  ['value', 'x', undefined],
  ['ttl', 'x', undefined],
  ['raw', 7, undefined],
] as const) {
  test(`an event is none with another ${field}`, () => {
    for (const value of values) assert.equal(parseStoredEvent({ ...event, [field]: value }), null, String(value));
  });
}
