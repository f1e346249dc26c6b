import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseEvents } from '../../../src/collector/events/parse-event.ts';
import { pluck } from '../../support/pluck.ts';

const parse = (value: unknown) => parseEvents(JSON.stringify(value), 7) ?? [];

test('an event has its fields, and none that nobody gave', () => {
  const said = { host: 'nas', service: 'backup', instance: 'home', status: 'warn', description: ' slow\n', id: 'a-1' };
  assert.deepEqual(parse({ ...said, tags: ['night', ''], value: 3.5, ttl: 90 }), [
    {
      eventId: 'nas:a-1',
      receivedAtMs: 7,
      host: 'nas',
      service: 'backup',
      instance: 'home',
      status: 'WARN',
      description: 'slow',
      tags: ['night'],
      value: 3.5,
      ttl: 90,
      raw: null,
    },
  ]);
  const [bare] = parse({ service: 'x', status: 0 });
  assert.deepEqual({ ...bare, eventId: '' }, { ...bare, eventId: '', host: '', instance: '', tags: [], value: null });
  assert.match(bare?.eventId ?? '', /^[0-9a-f-]{36}$/);
});

test('every word and number of a status is known, and no other', () => {
  const words = ['OK', 'Warning', 'CRIT', 'critical', 'UNKNOWN', 0, 1, 2, 3, '2'];
  assert.deepEqual(
    words.map((status) => parse({ service: 'x', status })[0]?.status),
    ['OK', 'WARN', 'CRIT', 'CRIT', 'UNKNOWN', 'OK', 'WARN', 'CRIT', 'UNKNOWN', 'CRIT'],
  );
  for (const status of [4, 'constructor', '__proto__', null, true, ['OK'], '']) {
    assert.equal(parse({ service: 'x', status })[0]?.status, null);
  }
});

test('several events are one each, and what is none of them is kept as it is', () => {
  const events = [{ service: 'a', status: 'OK' }, { service: '', status: 'OK' }, 5, { service: 'b', status: 'CRIT' }];
  const parsed = parse({ source: 's', events });
  assert.deepEqual(pluck(parsed, 'service'), ['a', '', '', 'b']);
  assert.deepEqual(pluck(parsed, 'raw'), [null, '{"service":"","status":"OK"}', '5', null]);
  assert.equal(new Set(pluck(parsed, 'eventId')).size, 4);
});

test('JSON of any form is kept to the letter', () => {
  for (const text of ['{"Hello": "World"}', '5', '"x"', 'null', '[]', ' {"events": []}', '1E5', '[[[[]]]]']) {
    assert.deepEqual(pluck(parseEvents(text, 0) ?? [], 'raw'), [text]);
  }
});

test('no JSON, and more events than a body may have, are refused', () => {
  for (const text of ['', '{', 'Hello', '{"a":1}x', "{'a':1}"]) assert.equal(parseEvents(text, 0), null);
  assert.equal(parseEvents(JSON.stringify({ events: new Array(1_001).fill({}) }), 0), null);
  assert.equal(parseEvents(JSON.stringify({ events: new Array(1_000).fill({}) }), 0)?.length, 1_000);
});

test('JSON deeper than 64 levels is refused, alone and beside a good event', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.equal(parseEvents(nested(64), 0)?.length, 1);
  const good = '{"service":"a","status":"OK"}';
  const texts = [nested(65), nested(6000), '{"a":'.repeat(65) + '1' + '}'.repeat(65), '['.repeat(6000)];
  const beside = [`{"events":[${nested(63)},${good}]}`, `{"events":[${nested(6000)},${good}]}`];
  const inside = [
    `{"service":"a","status":"OK","tags":${nested(64)}}`,
    `{"service":"a","status":"OK","x":${nested(6000)}}`,
  ];
  for (const text of [...texts, ...beside, ...inside]) assert.equal(parseEvents(text, 0), null, text.slice(0, 80));
  // Brackets within a text are no levels.
  assert.equal(parseEvents(JSON.stringify(nested(6000)), 0)?.length, 1);
});

test('hostile texts become harmless, and ids that databases could take for others a digest', () => {
  const [event] = parse({
    service: `a\u001b]0;x\u0007\u202eb${'x'.repeat(500)}`,
    host: '\ud800',
    status: 'OK',
    description: '😀'.repeat(3_000),
    tags: new Array(100).fill('t'),
    value: '5',
    ttl: -1,
    id: 'a ',
  });
  assert.doesNotMatch(event?.service ?? '', /[\p{Cc}\p{Cf}\p{Cs}]/u);
  assert.equal(event?.service.length, 128);
  assert.equal(event.host, '\ufffd');
  assert.doesNotMatch(event.description, /\p{Cs}/u);
  assert.deepEqual(
    { tags: event.tags.length, value: event.value, ttl: event.ttl },
    { tags: 32, value: null, ttl: null },
  );
  assert.match(event.eventId, /^sha256:[0-9a-f]{64}$/);
});

test('an id is of its host, and hosts that count alike do not lose events', () => {
  const event = { service: 'x', status: 'OK', id: 7 };
  const ids = ['', 'a', 'b', 'a'].map((host) => parse({ ...event, host })[0]?.eventId);
  assert.deepEqual(ids, ['7', 'a:7', 'b:7', 'a:7']);
});

for (const { what, more, read } of [
  { what: 'a ttl of a fraction ends with its second', more: { ttl: 0.2 }, read: { ttl: 1 } },
  { what: 'a ttl has up to ten years', more: { ttl: 315_360_000 }, read: { ttl: 315_360_000 } },
  { what: 'a longer ttl is none', more: { ttl: 315_360_000.5 }, read: { ttl: null } },
  { what: 'a ttl of null is none', more: { ttl: null }, read: { ttl: null, doubt: undefined } },
  { what: 'tags may be words between commas', more: { tags: ' a, b,,c' }, read: { tags: ['a', 'b', 'c'] } },
  { what: 'tags that are no texts are left out', more: { tags: [1, 'a', null] }, read: { tags: ['a'] } },
  { what: 'tags of another form are none', more: { tags: { a: 1 } }, read: { tags: [] } },
  {
    what: 'an id of 100 plain characters is kept',
    more: { id: 'a.:/@-_'.padEnd(100, '9') },
    read: { eventId: 'a.:/@-_'.padEnd(100, '9') },
  },
  {
    what: 'a description has 2,000 characters',
    more: { description: 'x'.repeat(2001) },
    read: { description: `${'x'.repeat(1999)}…` },
  },
  { what: 'a description that is no text is empty', more: { description: 5 }, read: { description: '' } },
  { what: 'names that are no texts are empty', more: { host: 5, instance: ['a'] }, read: { host: '', instance: '' } },
  { what: 'a figure of zero is one', more: { value: 0 }, read: { value: 0 } },
  { what: 'a status in capitals', more: { status: 'WARN' }, read: { status: 'WARN' } },
] as const) {
  test(`a field of an event: ${what}`, () => {
    const [event = assert.fail()] = parse({ service: 'x', status: 'OK', ...more });
    for (const [name, value] of Object.entries(read)) assert.deepEqual(event[name as keyof typeof event], value, name);
  });
}

test('an id that is too long becomes a digest, and no id, or one of another type, a new one', () => {
  const idOf = (id: unknown): string => parse({ service: 'x', status: 'OK', id })[0]?.eventId ?? '';
  assert.match(idOf('a'.repeat(101)), /^sha256:[0-9a-f]{64}$/);
  assert.equal(idOf('a b'), idOf('a b'));
  assert.notEqual(idOf('a b'), idOf('a c'));
  for (const id of ['', null, ['a'], true]) assert.match(idOf(id), /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
});

test('what its sender may have meant as an event, or as its ttl, is doubted', () => {
  const doubts = (value: unknown) => parse(value).map(({ doubt = null }) => doubt?.split(' ')[0] ?? null);
  assert.deepEqual(doubts({ service: 'x', status: 'FAIL' }), ['it']);
  assert.deepEqual(doubts({ service: 'x' }), ['it']);
  assert.deepEqual(
    doubts({
      events: [
        { service: 'x', status: 9 },
        { service: 'x', status: 2 },
      ],
    }),
    ['it', null],
  );
  assert.deepEqual(
    [{ service: 'x' }, { service: 'x', status: 0, ttl: 0 }].map((value) => parse(value)[0]?.doubt),
    [
      'it has a service, and its status is none of OK, WARN, CRIT, UNKNOWN or 0 to 3: no rule evaluates it',
      'ttl is no number of seconds, and does not count',
    ],
  );
  for (const ttl of ['1h', 0, -1, 1e12]) assert.deepEqual(doubts({ service: 'x', status: 0, ttl }), ['ttl']);
  for (const value of [{ Hello: 'World' }, 5, { service: 'x', status: 0, ttl: 60 }])
    assert.deepEqual(doubts(value), [null]);
});
