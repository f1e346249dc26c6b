/** The fields of visits and runs from outside: which are needed, which have a default, and their bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  parseRestored,
  parseRunEnd,
  parseRunStart,
  parseVisit,
  readStoredVisit,
} from '../../../src/collector/inbox/parse-records.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';

const whole = { ...visit(), sealedTo: ['0123456789abcdef'], nextAttemptAtMs: 5, state: { stamp: 'x', runs: 2 } };

const look = {
  ...{ from: 'fra-1', port: 22 },
  seen: [
    ['db-2', 'reached'],
    ['db-3', 'no answer'],
  ],
} as const;

test('a visit is read as it was written; a count of bytes has no fractions', () => {
  assert.deepEqual(parseVisit(whole), whole);
  assert.deepEqual(parseVisit({ ...whole, epoch: 3, stateSame: true }), { ...whole, epoch: 3, stateSame: true });
  const { bytesIn, bytesOut, durationMs } = parseVisit({ ...whole, bytesIn: 1.6, bytesOut: 1.4 }) ?? {};
  assert.deepEqual([bytesIn, bytesOut, durationMs], [2, 1, 750.4]);
});

for (const [field, good, bad] of [
  ['runId', ['', 'r'.repeat(36)], ['r'.repeat(37), null, 7, 'a\0']],
  ['client', ['c'.repeat(128)], ['c'.repeat(129), null, '\ud800']],
  ['address', ['a'.repeat(255)], ['a'.repeat(256), null]],
  ['startedAtMs', [0, 5], ['5', null, undefined]],
  ['durationMs', [0, 2 ** 45], [-1, 2 ** 45 + 1, '1', null, Number.NaN]],
  ['bytesIn', [0, 2 ** 45], [-1, 2 ** 45 + 1, null]],
  ['bytesOut', [0, 2 ** 45], [-1, 2 ** 45 + 1, null]],
  ['ok', [true, false], [1, 'true', null]],
  ['uploaded', [true, false], [1, 'true', null]],
] as const) {
  test(`a visit is none without its ${field}`, () => {
    for (const value of good) assert.notEqual(parseVisit({ ...whole, [field]: value }), null, String(value));
    for (const value of bad) assert.equal(parseVisit({ ...whole, [field]: value }), null, String(value));
  });
}

for (const [field, value, kept] of [
  ['connectMs', -1, null],
  ['connectMs', 0, 0],
  ['connectMs', 'x', null],
  ['message', 7, null],
  ['message', ' a\n\u001b[31m b ', 'a [31m b'],
  ['message', 'x'.repeat(1000), 'x'.repeat(1000)],
  ['message', 'x'.repeat(1001), 'x'.repeat(1000)],
  ['bootId', 'b'.repeat(64), 'b'.repeat(64)],
  ['bootId', 'b'.repeat(65), null],
  ['bootId', 7, null],
  ['sealedTo', 'x', null],
  ['sealedTo', ['0123456789abcdef', 'no key', 7, 'ABCDEF0123456789'], ['0123456789abcdef']],
  ['sealedTo', Array<string>(17).fill('0123456789abcdef'), Array<string>(16).fill('0123456789abcdef')],
  ['nextAttemptAtMs', 'x', null],
  ['address', 'a\nb', 'a b'],
  ['epoch', 1.5, undefined],
  ['epoch', 0, 0],
  ['stateSame', 'true', undefined],
  ['stateSame', false, undefined],
  ['state', null, undefined],
  ['state', { stamp: 'x', runs: -1 }, undefined],
  ['state', { stamp: 'x', runs: 1.5 }, undefined],
  ['state', { stamp: 7, runs: 0 }, { stamp: null, runs: 0 }],
  ['state', { stamp: 's'.repeat(65), runs: 1 }, { stamp: null, runs: 1 }],
  ['state', { stamp: 's'.repeat(64), runs: 1 }, { stamp: 's'.repeat(64), runs: 1 }],
  ['beside', look, look],
  ['beside', { unasked: 'nobody' }, { unasked: 'nobody' }],
  ['beside', { ...look, more: 1 }, look],
  ['beside', { ...look, port: 65_536 }, undefined],
  ['beside', { ...look, from: 'x'.repeat(256) }, undefined],
  ['beside', { ...look, seen: [['db-2', 'toString']] }, undefined],
  ['beside', { ...look, seen: [...look.seen, ...look.seen] }, undefined],
  ['beside', { unasked: 'toString' }, undefined],
  ['beside', null, undefined],
  ['beside', 'reached', undefined],
] as const) {
  const shown = JSON.stringify(value).slice(0, 40);
  test(`a visit with the ${field} ${shown} is kept with ${JSON.stringify(kept ?? null).slice(0, 40)}`, () => {
    const parsed = parseVisit({ ...whole, [field]: value });
    assert.ok(parsed !== null);
    assert.deepEqual(parsed[field], kept);
  });
}

test('a visit that is a row already is known by run, client and time, whatever else it says', () => {
  const { runId, client, startedAtMs } = whole;
  assert.deepEqual(readStoredVisit({ runId, client, startedAtMs, ok: 'x' }), { runId, client, startedAtMs, ok: 'x' });
  for (const more of [{ runId: 'r'.repeat(37) }, { client: 'c'.repeat(129) }, { startedAtMs: 'x' }]) {
    assert.equal(readStoredVisit({ ...whole, ...more }), null, JSON.stringify(more));
  }
  assert.equal(readStoredVisit({ ...whole, startedAtMs: 1.4 })?.startedAtMs, 1);
});

const start = runStart();

for (const [field, value, kept] of [
  ['program', 'ingest', 'ingest'],
  ['program', 'of a newer version', 'collect'],
  ['program', 7, 'collect'],
  ['collectorId', 'c'.repeat(64), 'c'.repeat(64)],
  ['collectorId', 'c'.repeat(65), ''],
  ['collectorId', null, ''],
  ['host', 'a\nb', 'a b'],
  ['scope', 'full', 'full'],
  ['scope', 'filtered', 'filtered'],
  ['scope', 'x', 'filtered'],
  ['configDigest', 'x'.repeat(64), ''],
  ['configDigest', 'a'.repeat(63), ''],
  ['configDigest', 'a'.repeat(64), 'a'.repeat(64)],
  ['startedAtMs', 1.6, 2],
] as const) {
  test(`a run whose ${field} is ${JSON.stringify(value).slice(0, 30)} has ${JSON.stringify(kept).slice(0, 30)}`, () => {
    assert.deepEqual(parseRunStart({ ...start, [field]: value }), { ...start, [field]: kept });
  });
}

test('a run is none without id, host and time', () => {
  assert.deepEqual(parseRunStart(start), start);
  for (const [field, value] of [
    ['id', 'i'.repeat(37)],
    ['id', null],
    ['host', 'h'.repeat(256)],
    ['host', undefined],
    ['startedAtMs', '1'],
  ] as const) {
    assert.equal(parseRunStart({ ...start, [field]: value }), null, field);
  }
  for (const nothing of [null, 7, 'x', []]) assert.equal(parseRunStart(nothing), null);
});

test('the numbers of a run are whole, and below two thousand millions', () => {
  const { id: _, ...end } = runEnd(start);
  for (const field of ['clients', 'succeeded', 'failed', 'skipped'] as const) {
    for (const value of [0, 2 ** 31 - 1]) assert.equal(parseRunEnd({ ...end, [field]: value })?.[field], value);
    for (const value of [-1, 1.5, 2 ** 31]) assert.equal(parseRunEnd({ ...end, [field]: value }), null, field);
  }
  for (const field of ['cpuMs', 'maxRssBytes'] as const) {
    assert.equal(parseRunEnd({ ...end, [field]: 2 ** 45 })?.[field], 2 ** 45);
    assert.equal(parseRunEnd({ ...end, [field]: 2 ** 45 + 1 })?.[field], 0);
  }
});

test('restored rows have times and words only if they are such', () => {
  const none = { reports: 1, records: 2, fromMs: null, toMs: null, note: null };
  assert.deepEqual(parseRestored({ reports: 1, records: 2, fromMs: 'x', toMs: {}, note: 7 }), none);
  const note = 'x'.repeat(1001);
  assert.deepEqual(parseRestored({ ...none, fromMs: 5, toMs: 6, note }), {
    ...none,
    ...{ fromMs: 5, toMs: 6, note: 'x'.repeat(1000) },
  });
  assert.equal(parseRestored(null), null);
});
