/** The events of a fleet, its people and its alerter, in random order. */
import fc from 'fast-check';

import { isWide } from '../../support/long-tests.ts';
import { weightedStep } from '../support/weighted-step.ts';
import type { OutageTopic } from './model.ts';

export const everyMinutes = 15;

/** The content of a client's row: the use of its disk in percent, or the outcome of the visit. */
export type Word = number | 'fails' | 'mute' | '?' | { readonly late: number; readonly hours: number };

export type Answer = 'takes' | 'later' | 'refuses' | 'refuses content' | 'loses the answer';

/** The part of config.xml that edits change. */
export interface Fleet {
  readonly oncall: boolean;
  readonly dba: boolean;
  readonly limits: keyof typeof limits;
  readonly window: boolean;
  readonly second: 'active' | 'paused' | 'retired';
  readonly isRenamed: boolean;
  /** True if two of the three clients are needed. */
  readonly need: boolean;
}

/** Limits of disks. The second rule of `two` has no name of its own either. */
export const limits = {
  usual: { warning: 85, critical: 95, xml: '<alert type="disk" warning="85%" critical="95%"/>' },
  low: { warning: 60, critical: 75, xml: '<alert type="disk" warning="60%" critical="75%"/>' },
  two: {
    warning: 85,
    critical: 95,
    xml: '<alert type="disk" limit="85%" severity="warning"/><alert type="disk" limit="95%"/>',
  },
} as const;

export type Edit = { [Field in keyof Fleet]: { readonly field: Field; readonly value: Fleet[Field] } }[keyof Fleet];

const edit = fc.constantFrom<Edit>(
  { field: 'oncall', value: false },
  { field: 'oncall', value: true },
  { field: 'dba', value: false },
  { field: 'dba', value: true },
  { field: 'limits', value: 'usual' },
  { field: 'limits', value: 'low' },
  { field: 'limits', value: 'two' },
  { field: 'limits', value: 'two' },
  { field: 'window', value: true },
  { field: 'window', value: false },
  { field: 'second', value: 'active' },
  { field: 'second', value: 'paused' },
  { field: 'second', value: 'retired' },
  { field: 'isRenamed', value: true },
  { field: 'need', value: true },
  { field: 'need', value: true },
  { field: 'need', value: false },
);

const late = fc.record({ late: fc.constantFrom(50, 88, 96), hours: fc.constantFrom(1, 5) });
const word: fc.Arbitrary<Word> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Word>(50) },
  { weight: 6, arbitrary: fc.constantFrom<Word>(70, 88, 96, 96) },
  { weight: 5, arbitrary: fc.constantFrom<Word>('fails', 'fails', 'fails', 'fails', 'mute', '?') },
  { weight: 1, arbitrary: late },
);

const words = fc.tuple(word, word, word);

const step = fc.oneof(
  weightedStep(24, 'ticks', {
    words,
    times: fc.constantFrom<number>(1, 1, 2, 2, 3, 4, 9, 14),
    // Often no pass at all: a value gets bad and its client unreachable before the alerter sees either.
    passEvery: fc.constantFrom<number>(1, 1, 1, 1, 2, 3, 20, 20),
  }),
  weightedStep(1, 'wait', { minutes: fc.constantFrom(40, 600, 3000) }),
  weightedStep(1, 'leap', { minutes: fc.constantFrom(180, -20, -180, 3000) }),
  weightedStep(2, 'killed', { moment: fc.integer({ min: 1, max: 110 }) }),
  weightedStep(1, 'two', {}),
  weightedStep(4, 'server', {
    to: fc.constantFrom('', 'ops', 'oncall', 'dba', 'boss'),
    answer: fc.constantFrom<Answer>(
      'takes',
      'takes',
      'takes',
      'later',
      'refuses',
      'refuses',
      'refuses content',
      'loses the answer',
    ),
  }),
  weightedStep(4, 'edit', { edit }),
  weightedStep(2, 'silence', {
    client: fc.constantFrom('*', 'c1', 'c2'),
    rule: fc.constantFrom('', '', 'unreachable', 'disk'),
    minutes: fc.constantFrom(20, 50, 200),
  }),
  weightedStep(1, 'acknowledge', {}),
  weightedStep(2, 'outage', { topic: fc.constantFrom<OutageTopic>('config-broken', 'database-away') }),
  weightedStep(1, 'backup', {}),
  weightedStep(1, 'restore', {}),
);

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Values that change too often within twelve rows, and stay at last. Steps that are drawn alone hardly ever do. */
const flapping = fc.tuple(words, words, words).map(([one, other, last]): readonly Step[] => {
  const ticks = (some: typeof one, times: number): Step => ({ kind: 'ticks', words: some, times, passEvery: 1 });
  return [ticks(one, 1), ticks(other, 2), ticks(one, 1), ticks(other, 2), ticks(last, 9)];
});

const steps = fc.oneof(
  { weight: 30, arbitrary: step.map((one): readonly Step[] => [one]) },
  { weight: 1, arbitrary: flapping },
);

export const story: fc.Arbitrary<readonly Step[]> = fc
  .array(steps, isWide ? { minLength: 10, maxLength: 40, size: 'max' } : { minLength: 8, maxLength: 14 })
  .map((all) => all.flat());
