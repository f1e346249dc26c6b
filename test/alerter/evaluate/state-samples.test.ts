/** Samples without a limit of their own: forecasts, outliers, checks and units, with their words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkConditionSamplers, checkSamplers } from '../../../src/alerter/evaluate/check-samplers.ts';
import { describeFigure, hasFiguresOfRise } from '../../../src/alerter/evaluate/check-value-sampler.ts';
import { describeForecast } from '../../../src/alerter/evaluate/forecast-samples.ts';
import { sampleOutliers, type Compared } from '../../../src/alerter/evaluate/outlier-samples.ts';
import type { RowSamples } from '../../../src/alerter/evaluate/sample.ts';
import type { ReportRow, SamplerKind } from '../../../src/alerter/evaluate/sampler.ts';
import type { Rule } from '../../../src/config/config.ts';
import type { NewForecast } from '../../../src/storage/store/level-store.ts';
import type { CheckStat } from '../../../src/report/checks/checks.ts';
import { clientWith } from '../support/config-of.ts';
import { at, checkRow } from '../support/rows.ts';

const reader = { zone: 'UTC', nowMs: at('10:00') };
const forecast = {
  ...{ client: 'db-1', mount: '/data', kind: 'space', daysLeft: 6, daysLow: 5, daysHigh: null, shortDays: null },
  ...{ growthPerDay: 11 * 2 ** 30, sinceMs: at('10:00') - 6 * 86_400_000 },
} satisfies NewForecast;

/** Forecasts in words, by the days that are left. */
const forecasts: readonly (readonly [daysLeft: number, words: string])[] = [
  [0, 'full'],
  [0.001, 'full in about 1 hour (Fri 20 Nov)'],
  [1, 'full in about 24 hours (Sat 21 Nov)'],
  [1.45, 'full in about 35 hours (Sat 21 Nov)'],
  [1.5, 'full in about 2 days (Sat 21 Nov)'],
  [6, 'full in about 6 days (Thu 26 Nov)'],
];
for (const [daysLeft, words] of forecasts) {
  test(`forecast: ${words}`, () => {
    assert.equal(describeForecast({ ...forecast, daysLeft }, reader), `${words}; grows 11 GiB a day since 14 Nov`);
  });
}

test('a forecast of inodes grows by a share of them', () => {
  const inodes = { ...forecast, kind: 'inodes', growthPerDay: 1.234 } as const;
  assert.match(describeForecast(inodes, reader), /; grows 1\.23 % a day since 14 Nov$/);
});

const rulesOf = (name: string, alerts = ''): readonly Rule[] => {
  const rules = clientWith(alerts).rules.filter((rule) => rule.name === name);
  assert.equal(rules.length, 1, name);
  return rules;
};

/** Returns the samples of checks by a rule, as `mailq critical: text`, and whether all subjects are known. */
function samplesOf(kind: SamplerKind, rules: readonly Rule[], checks: readonly Partial<CheckStat>[] | null) {
  const into: RowSamples = { samples: [], ifWritable: [], complete: [] };
  kind.create(rules, rules)({ checks: checks?.map(checkRow) ?? null } as unknown as ReportRow, into);
  return [
    ...into.samples.map(({ subject, level, valueText }) => `${subject} ${level}: ${valueText}`),
    ...into.complete,
  ];
}

/** The samples of a check by its state, for the default rule. */
const checks: readonly (readonly [check: Partial<CheckStat>, sample: string])[] = [
  [{ state: 0, text: 'OK - fine' }, 'mailq none: OK - fine'],
  [{ state: 0, text: 'fine' }, 'mailq none: OK: fine'],
  [{ state: 1, text: '210 unsent\nmore' }, 'mailq warning: WARNING: 210 unsent'],
  [{ state: 2, text: '' }, 'mailq critical: CRITICAL'],
  [{ state: 3, text: 'no answer' }, 'mailq unknown: unknown'],
  [{ state: 2, text: 'x'.repeat(201) }, `mailq critical: CRITICAL: ${'x'.repeat(201)}`],
  [{ state: 2, text: 'x'.repeat(202) }, `mailq critical: CRITICAL: ${'x'.repeat(200)}…`],
];
for (const [check, sample] of checks) {
  test(`check ${check.state ?? ''} ${check.text?.slice(0, 20) ?? ''} of ${check.text?.length ?? 0}`, () =>
    assert.deepEqual(samplesOf(checkSamplers, rulesOf('check'), [check]), [sample, 'check']));
}

test('a rule of warnings knows no critical check, and refused files are no checks', () => {
  const mild = rulesOf('mild', '<alert name="mild" type="check" severity="warning"/>');
  assert.deepEqual(samplesOf(checkSamplers, mild, [{ state: 2, text: 'CRITICAL' }]), [
    'mailq warning: CRITICAL',
    'mild',
  ]);
  assert.deepEqual(samplesOf(checkSamplers, rulesOf('check'), [{ state: 3, refused: 1 }]), ['check']);
  assert.deepEqual(samplesOf(checkSamplers, rulesOf('check'), null), []);
});

const members = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'];
type Outlier = Compared['outliers'][number];
const busy: Outlier = {
  ...{ group: 'web', client: 'web-1', metric: 'cpu', subject: '' },
  ...{ value: 94, median: 11.5, score: 20, rows: 12, of: 12 },
};
const fullMount: Outlier = { ...busy, metric: 'mount', subject: '/data', score: -9 };

/** Returns a group of five whose members have two figures. */
function group(
  name: string,
  outliers: readonly Partial<Outlier>[],
  { isNamed = false, clients = members } = {},
): Compared {
  const newest = new Map(['cpu:', 'mount:/data'].map((key) => [key, { clients, values: [] }]));
  const own = outliers.map((one) => ({ ...busy, ...one, group: name }));
  return { group: name, clients, fresh: clients, newest, outliers: own, isNamed };
}

/** Returns the samples of web-1 as `rule subject level: text`; `open` are the subjects of open alerts of the rule. */
function outlying(alerts: string, compared: readonly Compared[], open: readonly string[] = []): readonly string[] {
  const { rules } = clientWith(alerts);
  const alertsOf = open.map((subject) => ({ rule: 'far', subject }));
  return sampleOutliers(rules, 'web-1', compared, alertsOf).map(
    ({ rule, subject, level, valueText }) => `${rule.name} ${subject} ${level}: ${valueText}`,
  );
}

const far = '<alert name="far" type="outlier"/>';
const cpuWords = '94 %, median of web 11.5 %, in 12 of 12 reports';
const usual = (what: string, of = 'web'): string => `far ${what} none: as in the rest of ${of}`;
const few = { clients: members.slice(0, 4) };
const outlierCases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    'a metric by its name, a mount by its path',
    outlying(far, [group('web', [busy, fullMount])] as const),
    [`far cpu critical: ${cpuWords}`, `far /data critical: ${cpuWords}`],
  ],
  ['another client', outlying(far, [group('web', [{ client: 'web-2' }])]), []],
  [
    'of two groups the further one',
    outlying(far, [group('all', [{ score: 6 }]), group('web', [{ score: -7 }])]),
    [`far cpu critical: ${cpuWords}`],
  ],
  [
    'a rule of another metric',
    outlying('<alert name="far" type="outlier" metric="load"/>', [group('web', [busy])]),
    [],
  ],
  [
    'a rule that names the group',
    outlying('<alert name="far" type="outlier" group="w*"/>', [group('web', [busy], { isNamed: true })]),
    [`far cpu critical: ${cpuWords}`],
  ],
  [
    'a rule that names another group',
    outlying('<alert name="far" type="outlier" group="db"/>', [group('web', [busy], { isNamed: true })]),
    [],
  ],
  ['a rule that names no group', outlying(far, [group('web', [busy], { isNamed: true })]), []],
  ['an alert that is over', outlying(far, [group('web', [])], ['cpu', '/data']), [usual('cpu'), usual('/data')]],
  ['an alert that goes on', outlying(far, [group('web', [busy])], ['cpu']), [`far cpu critical: ${cpuWords}`]],
  ['an alert of a figure that the newest report lacks', outlying(far, [group('web', [])], ['/srv', 'load']), []],
  ['an alert of a member that is late', outlying(far, [group('web', [], { clients: members.slice(1) })], ['cpu']), []],
  [
    'an alert of a group with too few fresh members',
    outlying(far, [group('web', [], few)], ['cpu']),
    ['far cpu unknown: unknown'],
  ],
  ['an alert of another rule', outlying('<alert name="other" type="outlier"/>', [group('web', [])], ['cpu']), []],
];
for (const [what, samples, wanted] of outlierCases) {
  test(`outliers: ${what}`, () => assert.deepEqual(samples, wanted));
}

test('a check that returns UNKNOWN, and a file that is refused, are conditions of their own', () => {
  const unknown = (check: Partial<CheckStat>) => samplesOf(checkConditionSamplers, rulesOf('check-unknown'), [check]);
  assert.deepEqual(unknown({ state: 3, text: 'timeout' }), ['mailq warning: UNKNOWN: timeout', 'check-unknown']);
  assert.deepEqual(unknown({ state: 2, text: 'x' }), ['mailq none: CRITICAL', 'check-unknown']);
  assert.deepEqual(unknown({ state: 3, refused: 1 }), ['check-unknown']);
  const refused = (text: string, over: Partial<CheckStat> = {}) =>
    samplesOf(checkConditionSamplers, rulesOf('check-untrusted'), [{ state: 3, refused: 1, text, ...over }]);
  assert.deepEqual(refused('others may write'), ['mailq warning: refused: others may write', 'check-untrusted']);
  assert.deepEqual(refused('takes arguments'), ['check-untrusted']);
  assert.deepEqual(refused('x', { refused: 0 }), ['check-untrusted']);
  assert.deepEqual(samplesOf(checkConditionSamplers, rulesOf('check-untrusted'), null), []);
});

test('figures of checks have the units of their suffixes, and else two decimals', () => {
  const words = (value: number, suffix: string): string => describeFigure(value, { suffix });
  assert.deepEqual(
    [words(57.26, '%'), words(1.5 * 2 ** 30, 'B'), words(90, 's'), words(0.345, ''), words(12, 'c')],
    ['57.3 %', '1.5 GiB', '1m 30s', '0.35', '12'],
  );
});

test('figures that can have grown are those above 0 that a rule of growth selects', () => {
  const { rules } = clientWith('<alert metric="check_rise" check="raid*" label="errors*" limit="1"/>');
  const has = (name: string, perfdata: string): boolean =>
    hasFiguresOfRise(rules, [checkRow({ check_name: name, perfdata })]);
  assert.equal(has('raid', 'errors=1'), true);
  assert.equal(has('raid', 'errors=0'), false);
  assert.equal(has('raid', 'errors=U'), false);
  assert.equal(has('raid', 'other=1'), false);
  assert.equal(has('raid', 'other=1 errors2=3'), true);
  assert.equal(has('disk', 'errors=1'), false);
  assert.equal(hasFiguresOfRise(rules, []), false);
  assert.equal(hasFiguresOfRise([], [checkRow({ perfdata: 'errors=1' })]), false);
});
