import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { maxFigures, parsePerfdata, rangeOf } from '../../src/checks/perfdata.ts';
import { formatPerfdata } from '../../src/checks/written-perfdata.ts';
import { brokenPerfdata } from './support/broken-perfdata.ts';
import { codePoint } from '../support/code-points.ts';

for (const [seen, line, figures] of brokenPerfdata) {
  test(`reads the line of ${seen}: ${line.slice(0, 40)}`, () => {
    assert.equal(formatPerfdata(parsePerfdata(line)), figures);
  });
}

test('there are enough lines that were seen somewhere', () => {
  assert.ok(brokenPerfdata.length >= 40);
  for (const [seen] of brokenPerfdata) assert.match(seen, /^[\w.-]+\/[\w.-]+#\d+$/);
});

const noNumbers = ['x=0x1F', 'x=123_456', 'ip=192.0.2.1', 'ip=2001:db8::1', 'version=1.2.3', 'day=2026-11-20'];

for (const text of noNumbers) {
  test(`${text} is no figure, and the figure behind it is read`, () => {
    assert.equal(formatPerfdata(parsePerfdata(`${text} y=5s`)), 'y=5s');
  });
}

test('units become seconds, bytes, ratios and counts, and levels with them', () => {
  const one = (text: string) => parsePerfdata(text)[0];
  assert.deepEqual(one("'/ used'=57%;80;@90:95;0;100"), {
    label: '/ used',
    value: 0.57,
    unit: 'ratio',
    counter: false,
    warning: { low: 0, high: 0.8, inside: false },
    critical: { low: 0.9, high: 0.95, inside: true },
    minimum: 0,
    maximum: 1,
  });
  const units = {
    '1500ms': [1.5, 'seconds'],
    '20us': [2e-5, 'seconds'],
    '2KB': [2048, 'bytes'],
    '3GiB': [3 * 2 ** 30, 'bytes'],
  };
  for (const [text, [value, unit]] of Object.entries({
    ...units,
    '7c': [7, 'count'],
    '8rpm': [8, 'count'],
    '5b': [5, 'count'],
  })) {
    assert.deepEqual([one(`a=${text}`)?.value, one(`a=${text}`)?.unit], [value, unit], text);
  }
  assert.equal(one('a=7c')?.counter, true);
  assert.equal(one('a=7')?.counter, false);
});

test('a decimal comma is a point, and commas between thousands are none', () => {
  const values = (text: string) => parsePerfdata(text).map(({ value }) => value);
  assert.deepEqual(values('a=0,5s b=1,234.5 c=1,234,567 d=-,5 e=1.5e3'), [0.5, 1234.5, 1234567, -0.5, 1500]);
});

test('labels with quotes, blanks and equals signs', () => {
  const labels = (text: string) => parsePerfdata(text).map(({ label }) => label);
  assert.deepEqual(labels(`'it''s'=1 'a b'=2 'x=y'=3 'z'''=4 c=5`), ["it's", 'a b', 'x=y', "z'", 'c']);
  assert.deepEqual(labels('pool=5;active=3;idle=2'), ['pool', 'active', 'idle']);
  assert.deepEqual(labels('pool=5,active=3,idle=2'), ['pool', 'active', 'idle']);
  assert.deepEqual(labels("'open=1"), ['open']);
  assert.deepEqual(labels('rta=12 ms;5;10 pl=0 %'), ['rta', 'pl']);
});

test('ranges', () => {
  assert.deepEqual(rangeOf('10'), { low: 0, high: 10, inside: false });
  assert.deepEqual(rangeOf('10:'), { low: 10, high: null, inside: false });
  assert.deepEqual(rangeOf('~:10'), { low: null, high: 10, inside: false });
  assert.deepEqual(rangeOf('@10:20'), { low: 10, high: 20, inside: true });
  for (const text of [undefined, '', 'never', '1:2:3', 'a:b', '@']) assert.equal(rangeOf(text), null, text);
});

test('figures are bounded, and what is too large for a number is unknown', () => {
  const many = Array.from({ length: 1000 }, (_, index) => `a${index}=1`).join(' ');
  assert.equal(parsePerfdata(many).length, maxFigures);
  assert.equal(parsePerfdata(`a=${'9'.repeat(400)}`)[0]?.value, null);
  assert.equal(parsePerfdata(`${'l'.repeat(5000)}=1`)[0]?.label.length, 128);
  assert.equal(parsePerfdata('a=1 a=2')[0]?.value, 1);
});

const piece = fc.constantFrom(
  "'",
  '"',
  '=',
  ';',
  '|',
  ' ',
  ',',
  '.',
  '-',
  '@',
  ':',
  '~',
  '1',
  '20',
  'U',
  'ms',
  '%',
  'c',
  'a',
  '\n',
  '\u202e',
  '\ud800',
);
const written = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ unit: codePoint }),
);

test('whatever a plugin writes, what is kept of it is read as the same again', () => {
  fc.assert(
    fc.property(written, (text) => {
      const figures = parsePerfdata(text);
      const kept = formatPerfdata(figures);
      assert.equal(formatPerfdata(parsePerfdata(kept)), kept);
      for (const { label, value } of figures) {
        assert.ok(value === null || Number.isFinite(value));
        assert.match(label, /^[^\p{Cc}\p{Cs}\u202e]+$/u);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a long line takes as long as it is', () => {
  for (const part of ["'", "''", 'a=', '=', ';a=', ',', '"x" ', ' ', '1,234,']) parsePerfdata(part.repeat(100_000));
});
