/**
 * Valid lines of plugins, local checks and Prometheus' text whose meaning is known: the readers have to find this
 * meaning. The lines are made from the documents of the formats, and differ from each other in every optional part.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseCheckmkLines } from '../../../src/report/checks/checkmk-lines.ts';
import { parsePluginOutput } from '../../../src/report/checks/nagios-output.ts';
import { type Figure, type FigureUnit, parsePerfdata, type Range } from '../../../src/report/checks/perfdata.ts';
import { parseSample } from '../../../src/report/checks/prom-samples.ts';
import { isLong, isWide } from '../../support/long-tests.ts';

const numRuns = isLong ? 20_000 : isWide ? 5000 : 1000;

/** A text with its meaning. */
interface Written<T> {
  readonly text: string;
  readonly means: T;
}

const number = fc.oneof(
  fc.integer({ min: -1000, max: 100_000 }).map((means) => ({ text: String(means), means })),
  fc
    .tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 999 }))
    .map(([whole, part]) => `${whole}.${String(part).padStart(3, '0')}`)
    .map((text) => ({ text, means: Number(text) })),
  fc.constantFrom('.5', '+7', '1e3', '2.5E-2', '-0.25', '1.').map((text) => ({ text, means: Number(text) })),
);

/** The divisor or the factor of each unit, from the guidelines of the Monitoring Plugins. */
const units: readonly (readonly [text: string, unit: FigureUnit, times: number, divided: number])[] = [
  ...([
    ['', 'count', 1, 1],
    ['c', 'count', 1, 1],
    ['%', 'ratio', 1, 100],
  ] as const),
  ...([
    ['s', 'seconds', 1, 1],
    ['ms', 'seconds', 1, 1000],
    ['us', 'seconds', 1, 1_000_000],
  ] as const),
  ...([
    ['B', 'bytes', 1, 1],
    ['KB', 'bytes', 1024, 1],
    ['MB', 'bytes', 1024 ** 2, 1],
  ] as const),
  ...([
    ['GB', 'bytes', 1024 ** 3, 1],
    ['TB', 'bytes', 1024 ** 4, 1],
    ['KiB', 'bytes', 1024, 1],
  ] as const),
];

type Scale = (value: number) => number;

/** A range by the table of the guidelines: `10`, `10:`, `~:10`, `10:20`, `@10:20`. */
const range = fc
  .tuple(fc.constantFrom('', '@'), fc.constantFrom('high', 'low', 'any', 'both'), number, number)
  .map(([at, kind, one, other]): ((scale: Scale) => Written<Range>) => {
    const inside = at === '@';
    return (scale) => {
      const [low, high] = [scale(one.means), scale(other.means)];
      const isLowWritten = low === 0 ? ({ isLowWritten: true } as const) : {};
      if (kind === 'high') return { text: `${at}${other.text}`, means: { low: 0, high, inside } };
      if (kind === 'any') return { text: `${at}~:${other.text}`, means: { low: null, high, inside } };
      if (kind === 'low') return { text: `${at}${one.text}:`, means: { low, high: null, inside, ...isLowWritten } };
      return { text: `${at}${one.text}:${other.text}`, means: { low, high, inside, ...isLowWritten } };
    };
  });

const bareLabel = fc.stringMatching(/^[A-Za-z_/][\w./:-]{0,12}$/);
const quotedLabel = fc
  .array(fc.constantFrom('a', 'B', '/', ' ', "'", '=', '%', '.', 'é', '7'), { minLength: 1, maxLength: 10 })
  .map((chars) => `x${chars.join('')}y`);
const label = fc.oneof(
  bareLabel.map((means) => ({ text: means, means })),
  quotedLabel.map((means) => ({ text: `'${means.replaceAll("'", "''")}'`, means })),
);

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 2 });

const figure: fc.Arbitrary<Written<Figure>> = fc
  .record({
    name: label,
    value: fc.oneof({ weight: 9, arbitrary: number }, { weight: 1, arbitrary: fc.constant(null) }),
    unit: fc.constantFrom(...units),
    levels: fc.tuple(optional(range), optional(range), optional(number), optional(number)),
    isCut: fc.boolean(),
  })
  .map(({ name, value, unit: [suffix, unit, times, divided], levels, isCut }) => {
    const scale: Scale = (one) => (divided === 1 ? one * times : one / divided);
    const [warning, critical] = [levels[0]?.(scale) ?? null, levels[1]?.(scale) ?? null];
    const [minimum, maximum] = [levels[2], levels[3]];
    const parts = [warning, critical, minimum, maximum].map((part) => part?.text ?? '');
    // Trailing semicolons may be left out.
    const written = isCut ? [...parts].join(';').replace(/;+$/, '') : parts.join(';');
    const tail = written === '' && isCut ? '' : `;${written}`;
    return {
      text: `${name.text}=${value?.text ?? 'U'}${value === null ? '' : suffix}${tail}`,
      means: {
        label: name.means,
        value: value === null ? null : scale(value.means),
        unit: value === null ? 'count' : unit,
        counter: value !== null && suffix === 'c',
        // Levels have the unit of the value; an unknown value has none.
        warning: value === null ? (levels[0]?.((one) => one).means ?? null) : (warning?.means ?? null),
        critical: value === null ? (levels[1]?.((one) => one).means ?? null) : (critical?.means ?? null),
        minimum: minimum === null ? null : value === null ? minimum.means : scale(minimum.means),
        maximum: maximum === null ? null : value === null ? maximum.means : scale(maximum.means),
      },
    };
  });

const figures = fc.uniqueArray(figure, { minLength: 1, maxLength: 6, selector: ({ means }) => means.label });

test('performance data of plugins is read with the meaning that it was written with', () => {
  const blanks = fc.constantFrom(' ', '  ', '\t');
  fc.assert(
    fc.property(figures, blanks, (written, blank) => {
      const text = written.map((one) => one.text).join(blank);
      assert.deepEqual(
        parsePerfdata(text),
        written.map(({ means }) => means),
        text,
      );
    }),
    { numRuns },
  );
});

const sentence = fc.stringMatching(/^[A-Z]{2,8} [a-z0-9 ,.:%()-]{0,30}[a-z]$/);

test('the output of a plugin is text, performance data, long text, and more performance data', () => {
  fc.assert(
    fc.property(sentence, figures, fc.array(sentence, { maxLength: 3 }), figures, (first, own, long, more) => {
      const all = [...own, ...more].map(({ text }) => text);
      const begin = `${first} | ${own.map(({ text }) => text).join(' ')}`;
      const end = long.length === 0 ? '' : ` | ${more.map(({ text }) => text).join('\n')}`;
      const { text, perfdata } = parsePluginOutput([begin, ...long].join('\n') + end);
      assert.deepEqual(
        [text, perfdata],
        [[first, ...long].join('\n'), (long.length > 0 ? all : own.map((one) => one.text)).join(' ')],
      );
    }),
    { numRuns: numRuns / 4 },
  );
});

/** A level of a local check: `upper`, or `lower:upper` (docs.checkmk.com, "Local checks"). */
const level = fc
  .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 50, max: 100 }), fc.boolean())
  .map(([lower, upper, hasLower]): Written<(value: number) => boolean> => ({
    text: hasLower ? `${lower}:${upper}` : String(upper),
    means: (value) => value >= upper || (hasLower && value < lower),
  }));
const measured = fc
  .record({
    name: bareLabel,
    value: fc.integer({ min: -20, max: 120 }),
    warning: optional(level),
    critical: optional(level),
  })
  .map(({ name, value, warning, critical }): Written<{ readonly label: string; readonly state: 0 | 1 | 2 }> => ({
    text: `${name}=${value};${warning?.text ?? ''};${critical?.text ?? ''}`.replace(/;+$/, ''),
    means: { label: name, state: critical?.means(value) ? 2 : warning?.means(value) ? 1 : 0 },
  }));
const item = fc.oneof(
  fc.stringMatching(/^[A-Za-z][\w.-]{0,10}$/).map((means) => ({ text: means, means })),
  fc.stringMatching(/^[A-Za-z][\w .-]{0,10}[a-z]$/).map((means) => ({ text: `"${means}"`, means })),
);

test('lines of local checks are read with the state that their levels give', () => {
  const line = fc.record({
    state: fc.constantFrom('0', '1', '2', '3', 'P'),
    name: item,
    of: fc.uniqueArray(measured, { minLength: 1, maxLength: 4, selector: ({ means }) => means.label }),
    hasFigures: fc.boolean(),
    text: sentence,
    isCached: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
      const output = lines.map(({ state, name, of, hasFigures, text, isCached }) => {
        const written = hasFigures ? of.map((one) => one.text).join('|') : '-';
        return `${isCached ? 'cached(1700000000,300) ' : ''}${state} ${name.text} ${written} ${text}`;
      });
      const { checks, wrongLine } = parseCheckmkLines(`<<<local>>>\n${output.join('\n')}\n`);
      assert.equal(wrongLine, null);
      assert.deepEqual(
        checks.map(({ state, name, text, figures: own }) => [state, name, text, own.map((one) => one.label)]),
        lines.map(({ state, name, of, hasFigures, text }) => {
          const worst = hasFigures ? Math.max(...of.map(({ means }) => means.state)) : 3;
          const labels = hasFigures ? of.map(({ means }) => means.label) : [];
          return [state === 'P' ? worst : Number(state), name.means, text, labels];
        }),
        output.join('\n'),
      );
    }),
    { numRuns },
  );
});

const labelValue = fc
  .array(fc.constantFrom('a', ' ', '"', '\\', '\n', '}', ',', '=', 'é', '{'), { minLength: 1, maxLength: 6 })
  .map((chars) => chars.join(''))
  .map((means) => ({
    text: `"${means.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
    means,
  }));
const blank = fc.constantFrom('', ' ', '\t ');

test('samples of Prometheus are read with the meaning that they were written with', () => {
  const sample = fc.record({
    name: fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/),
    isQuoted: fc.boolean(),
    labels: fc.dictionary(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,5}$/), labelValue, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    value: fc.oneof(
      number,
      fc.constantFrom('NaN', '+Inf', '-Inf').map((text) => ({ text, means: NaN })),
    ),
    time: fc.option(fc.integer({ min: -5, max: 2 ** 41 })),
    blanks: fc.tuple(blank, blank, blank, blank),
    hasComma: fc.boolean(),
  });
  fc.assert(
    fc.property(sample, ({ name, isQuoted, labels, value, time, blanks: [a, b, c, d], hasComma }) => {
      const pairs = Object.entries(labels).map(([key, { text }]) => `${isQuoted ? `"${key}"` : key}${a}=${b}${text}`);
      const inside = [...(isQuoted ? [`"${name}"`] : []), ...pairs].join(`${c},${d}`);
      const list = inside === '' ? `{${a}}` : `{${a}${inside}${hasComma ? ',' : ''}${b}}`;
      const line = `${isQuoted ? '' : `${name}${c}`}${list} ${value.text}${time === null ? '' : ` ${time}`}`;
      const known = Object.entries(labels)
        .map(([key, { means }]) => [key, means])
        .sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
      assert.deepEqual(parseSample(line), { metric: name, labels: known, value: value.means }, line);
    }),
    { numRuns },
  );
});
