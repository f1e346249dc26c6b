/** The rules on which the newest report of a client says nothing, and the client's reasons for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clearSample, unknownSample, type SampledRow, type Sample } from '../../../src/alerter/evaluate/sample.ts';
import { isOfReports, reasonInReport, unknownAfter } from '../../../src/alerter/transition/unknown-rules.ts';
import type { Rule } from '../../../src/config/config.ts';
import { reportWith, worker } from '../../report/support/sample-report.ts';
import { clientWith } from '../support/config-of.ts';

const { rules } = clientWith(`<alert name="all" type="disk" limit="90%"/>
  <alert name="data" type="disk" mount="/data" limit="90%"/><alert name="unit" type="service" unit="nginx*"/>`);
const ruleOf = (name: string): Rule => {
  const rule = rules.find((one) => one.name === name);
  assert.ok(rule, name);
  return rule;
};
const [data, all] = [ruleOf('data'), ruleOf('all')];

type Unknown = ReturnType<typeof unknownAfter>;
const after = (rule: Rule, samples: readonly Sample[], complete: readonly string[], before: Unknown = {}): Unknown =>
  unknownAfter([rule], before, { atMs: 9, samples, complete } as unknown as SampledRow);
const well = (rule: Rule): Sample => clearSample(rule, '/', 'well');
const unseen = (rule: Rule): Sample => unknownSample(rule, '/');

const cases: readonly (readonly [
  what: string,
  rule: Rule,
  samples: readonly Sample[],
  complete: readonly string[],
  matches: boolean | null,
])[] = [
  ['a rule with a value', data, [well(data)], ['data'], null],
  ['a rule with one value of two', data, [unseen(data), well(data)], ['data'], null],
  ['a rule whose only value is unknown', data, [unseen(data)], ['data'], true],
  ['a rule whose probe failed', data, [], [], true],
  ['a rule that selects nothing that is listed', data, [], ['data'], false],
  ['a rule that selects nothing, beside a value of another', data, [well(all)], ['data'], false],
  ['a rule without selectors, and without a subject', all, [], ['all'], null],
  ['a rule whose subjects are listed at fault alone', ruleOf('unit'), [], ['unit'], null],
  ['a default without a subject', { ...data, origin: 'default' }, [], ['data'], null],
];
for (const [what, rule, samples, complete, matches] of cases) {
  test(`unknown: ${what}`, () => {
    const expected = matches === null ? {} : { [rule.name]: { sinceMs: 9, matches } };
    assert.deepEqual(after(rule, samples, complete), expected);
  });
}

test('a rule stays unknown since when it was, unless the reason is another one', () => {
  const was = (matches: boolean): Unknown => ({ data: { sinceMs: 1, matches } });
  assert.deepEqual(after(data, [], ['data'], was(false)), was(false));
  assert.deepEqual(after(data, [], ['data'], was(true)), { data: { sinceMs: 9, matches: false } });
  assert.deepEqual(after(data, [], ['data'], { ...was(false), all: { sinceMs: 2, matches: true } }), was(false));
  assert.deepEqual(after(data, [well(data)], ['data'], was(true)), {});
});

test('reports have values for rules of a type or a metric, and not for conditions and forecasts', () => {
  const isOf = (over: Partial<Rule>): boolean => isOfReports({ ...data, ...over });
  assert.deepEqual(
    [isOf({}), isOf({ type: null, metric: 'cpu_percent' }), isOf({ type: null, metric: null })],
    [true, true, false],
  );
  assert.equal(isOf({ type: 'disk-full' }), false);
});

const disk = (field: string, reason: string) => ({ name: 'disk', data: [], unknown: [{ row: 0, field, reason }] });
const load = clientWith('<alert name="busy" type="load" limit="9"/>').rules.find(({ name }) => name === 'busy') ?? all;
const reasons: readonly (readonly [
  what: string,
  rule: Rule,
  workers: readonly ReturnType<typeof worker>[],
  reason: string | null,
])[] = [
  ['none', data, [worker('disks', [{ name: 'disk', data: [] }])], null],
  ['of its field', data, [worker('disks', [disk('used_percent', 'no answer')])], 'no answer'],
  ['of another field', data, [worker('disks', [disk('size_bytes', 'no answer')])], null],
  ['of its probe', data, [worker('disks', [disk('size_bytes', 'no answer')], 'cut off')], 'cut off'],
  ['of its field before its probe', data, [worker('disks', [disk('used_percent', 'a')], 'b')], 'a'],
  ['of a probe that lists no family', data, [worker('disks', [], 'failed')], 'failed'],
  ['of the second such probe', data, [worker('disk', []), worker('disks', [], 'failed')], 'failed'],
  ['of another probe', data, [worker('cpu', [], 'failed')], null],
  ['of the second of its families', load, [worker('cpu', [{ name: 'cpu', data: [] }], 'late')], 'late'],
  ['of any field of its families', load, [worker('load', [{ ...disk('load5', 'gone'), name: 'load' }])], 'gone'],
];
for (const [what, rule, workers, reason] of reasons) {
  test(`the reason that a client gives for a missing value: ${what}`, () => {
    assert.equal(reasonInReport(rule, reportWith(...workers)), reason);
  });
}
