/** The rule state of a client: what one pass leaves to the next, and what of it a wrong clock makes void. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clearSample, faultSample, type Sample, type SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { ClientTransition } from '../../../src/alerter/transition/client-transition.ts';
import { subjectKey } from '../../../src/alerter/transition/subjects.ts';
import type { Rule } from '../../../src/config/config.ts';
import type { Alert, RuleState } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { times } from '../../support/times.ts';
import { clientWith } from '../support/config-of.ts';
import { at, diskRow } from '../support/rows.ts';
import { everyMs } from '../support/time-line.ts';

const { rules } = clientWith('<alert name="own" type="disk" limit="90%"/>');
const ruleOf = (name: string): Rule => {
  const rule = rules.find((one) => one.name === name);
  assert.ok(rule, name);
  return rule;
};
const own = ruleOf('own');
const minuteMs = 60_000;
const empty: RuleState = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 0, changes: {} };

/** Returns a report of 08:00 without samples. */
const row = (over: Partial<SampledRow> = {}): SampledRow => ({
  ...{ samples: [], ifWritable: [], complete: [], client: 'web-1', atMs: at('08:00'), kind: 'report' },
  ...{ runId: 'run-1', evidence: 'report-1', visitEnd: null, disks: null, bootId: null },
  ...{ uptimeSeconds: null, oomKills: null, oomKilled: [] },
  ...over,
});
const visit = (over: Partial<SampledRow> = {}): SampledRow => row({ kind: 'visit', ...over });

interface Given {
  readonly memory?: Partial<RuleState>;
  readonly alerts?: readonly Alert[];
  readonly latestMs?: number;
}

function walk(rows: readonly SampledRow[], { memory = {}, alerts = [], latestMs = Infinity }: Given = {}) {
  const options = { rules, alerts, everyMs, latestMs, memory: { ...empty, ...memory } };
  const transition = new ClientTransition(options);
  for (const one of rows) transition.step(one);
  return transition.result();
}

const kill = { oomKills: 1, oomKilled: ['java'] };
const rw = { disks: [diskRow({ mount: '/data', mode: 'rw' })] };
/** Rows and the part of the rule state that they leave. `unknown` is left out: it has a test of its own. */
const cases: readonly (readonly [
  what: string,
  before: Partial<RuleState>,
  rows: readonly SampledRow[],
  after: { readonly [Name in keyof RuleState]?: RuleState[Name] | undefined },
])[] = [
  ['no row', {}, [], { rows: 0, newestReportMs: null, newestVisitMs: null, bootId: null }],
  ['rows of an earlier pass', { rows: 7 }, [row(), visit()], { rows: 9 }],
  ['a report', {}, [row()], { newestReportMs: at('08:00'), newestVisitMs: null }],
  ['a visit', {}, [visit()], { newestReportMs: null, newestVisitMs: at('08:00') }],
  ['a late report', { newestReportMs: at('09:00') }, [row()], { newestReportMs: at('09:00'), rows: 1 }],
  ['a visit before the newest report', { newestReportMs: at('09:00') }, [visit()], { newestVisitMs: at('08:00') }],
  ['a boot', {}, [row({ bootId: 'two' })], { bootId: 'two', boots: undefined }],
  ['a report of the same time', { newestReportMs: at('08:00') }, [row({ bootId: 'two' })], { bootId: 'two' }],
  ['a report without its boot', { bootId: 'one' }, [row()], { bootId: 'one' }],
  ['another boot', { bootId: 'one' }, [row({ bootId: 'two' })], { bootId: 'two', boots: [at('08:00')] }],
  ['boots of the hour', { boots: [at('07:30')] }, [row()], { boots: [at('07:30')] }],
  ['killed processes', {}, [row(kill)], { killedAtMs: at('08:00') }],
  ['kills of an earlier pass', { killedAtMs: at('07:59') }, [row()], { killedAtMs: at('07:59') }],
  ['older kills', { killedAtMs: at('08:30') }, [row(kill)], { killedAtMs: at('08:30') }],
  ['no killed process', {}, [row({ oomKills: 0 })], { killedAtMs: undefined }],
  ['a writable mount', {}, [row(rw)], { writable: ['/data'] }],
  ['a report without mounts', { writable: ['/data'] }, [row()], { writable: ['/data'] }],
  ['visits', { visits: [''] }, [visit({ visitEnd: 'dns' })], { visits: ['', 'dns'] }],
  ['a visit that does not count', { visits: [''] }, [visit()], { visits: [''] }],
  ['nothing of visits', {}, [row()], { visits: undefined }],
];
for (const [what, before, rows, after] of cases) {
  test(`remembered after ${what}`, () => {
    const found: Partial<RuleState> = walk(rows, { memory: before }).memory;
    const named = Object.keys(after).map((name) => [name, found[name as keyof RuleState]]);
    assert.deepEqual(Object.fromEntries(named), after);
  });
}

test('the rules without a value in a report are remembered since when they have none, and no others', () => {
  const before = { sinceMs: at('07:00'), matches: true };
  const samples = [clearSample(own, '/', 'well')];
  assert.equal(walk([row()]).memory.unknown?.['memory']?.sinceMs, at('08:00'));
  const { unknown = {} } = walk([row({ samples })], { memory: { unknown: { memory: before } } }).memory;
  assert.deepEqual([unknown['memory'], unknown['own'], unknown['unreachable']], [before, undefined, undefined]);
  assert.deepEqual(walk([], { memory: { unknown: { memory: before } } }).memory.unknown, { memory: before });
});

test('a time that lies in the future is forgotten, and one that is possible is not', () => {
  const times = { newestReportMs: 9, newestVisitMs: 9, killedAtMs: 9 };
  const after = (latestMs: number): readonly unknown[] => {
    const { newestReportMs, newestVisitMs, killedAtMs } = walk([], { memory: times, latestMs }).memory;
    return [newestReportMs, newestVisitMs, killedAtMs];
  };
  assert.deepEqual(
    [after(9), after(8)],
    [
      [9, 9, 9],
      [null, null, undefined],
    ],
  );
});

test('a late report of killed processes is an event, and a read-only mount counts only if it was writable', () => {
  const newest = { newestReportMs: at('09:00') };
  assert.deepEqual(
    walk([row(kill)], { memory: newest }).alerts.map(({ rule }) => rule),
    ['oom-kill'],
  );
  const ifWritable = [faultSample(ruleOf('read-only'), '/data', 'read-only')];
  const known = (memory: Partial<RuleState>): number => walk([row({ ifWritable })], { memory }).alerts.length;
  assert.deepEqual([known({}), known({ writable: ['/data'] })], [0, 1]);
});

test('visits that fail count towards `unreliable` unless the client is unreachable', () => {
  const visits = times(11, () => 'dns');
  const away = (state: Alert['state']) =>
    alert({ id: 1, rule: 'unreachable', subject: '', state, progress: { ...alert().progress, lastAtMs: 0 } });
  const result = (alerts: readonly Alert[]) => walk([visit({ visitEnd: 'dns' })], { memory: { visits }, alerts });
  for (const [alerts, rules, left] of [
    [[], ['unreliable'], 12],
    [[away('pending')], ['unreliable'], 12],
    [[away('firing')], [], undefined],
  ] as const) {
    const { alerts: changed, memory } = result(alerts);
    assert.deepEqual([changed.map(({ rule }) => rule), memory.visits?.length], [rules, left]);
  }
});

const late: RuleState = { ...empty, newestReportMs: at('09:00') };
const lateAlert = (over: Partial<Alert> = {}): Alert =>
  alert({
    rule: 'own',
    subject: '/',
    limitText: '',
    progress: { ...alert().progress, lastAtMs: at('08:00') },
    ...over,
  });
const failing = (rule: Rule, subject = '/'): Sample => faultSample(rule, subject, 'full');
const lateOf = (...alerts: readonly Alert[]): NonNullable<RuleState['late']> =>
  Object.fromEntries(alerts.map((one) => [subjectKey(one.rule, one.subject), one]));
/** Returns the alerts that late rows have open after these rows, and those that are told as past. */
const lateAfter = (rows: readonly SampledRow[], memory: Partial<RuleState>, alerts: readonly Alert[] = []) => {
  const found = walk(rows, { memory: { ...late, ...memory }, alerts });
  const past = found.alerts.map(({ subject, past: isPast, closedReason, sequence, resolvedAtMs }) => [
    ...[subject, isPast, closedReason, sequence, resolvedAtMs],
  ]);
  return { open: Object.keys(found.memory.late ?? {}), past };
};

test('late alerts of a rule that left config.xml are forgotten, and fifty of a rule are kept', () => {
  const gone = lateOf(lateAlert({ rule: 'gone' }), lateAlert());
  assert.deepEqual(lateAfter([], { late: gone }).open, [subjectKey('own', '/')]);
  const others = times(49, (index) => lateAlert({ subject: `/${index}` }));
  const beside = lateAlert({ rule: 'unreachable', subject: '' });
  const samples = [failing(own, '/a'), failing(own, '/b')];
  assert.equal(lateAfter([row({ samples })], { late: lateOf(...others, beside) }).open.length, 51);
});

test('a late row that is not before an open alert begins nothing', () => {
  const open = lateAlert({ id: 1, pendingSinceMs: at('08:00') });
  const begun = (minutes: number): number =>
    lateAfter([row({ atMs: at('08:00') + minutes * minuteMs, samples: [failing(own)] })], {}, [open]).open.length;
  assert.deepEqual([begun(-1), begun(0), begun(1)], [1, 0, 0]);
});

test('late rows follow on from one another for two and a half intervals, or for the pause of their rule', () => {
  const ended = (minutes: number, pauseMs = 0): number => {
    const samples = [{ ...failing(own), pauseMs }];
    const atMs = at('08:00') + minutes * minuteMs;
    return lateAfter([row({ atMs, samples })], { late: lateOf(lateAlert()) }).past.length;
  };
  assert.deepEqual([ended(0), ended(12.5), ended(12.6), ended(-1)], [0, 0, 1, 1]);
  assert.deepEqual([ended(20, 20 * minuteMs), ended(21, 20 * minuteMs)], [0, 1]);
});

test('a fault that a late row does not list any more is over with the second, if the row lists all faults', () => {
  const service = lateAlert({ rule: 'service', subject: 'a.service', severity: 'warning' });
  const second = { ...service, progress: { ...service.progress, clearing: 1 } };
  const past = (complete: readonly string[], samples: readonly Sample[] = [], one = second): number =>
    lateAfter([row({ atMs: at('08:05'), complete, samples })], { late: lateOf(one) }).past.length;
  assert.deepEqual([past(['service']), past([]), past(['own'])], [1, 0, 0]);
  assert.equal(past(['service'], [failing(ruleOf('service'), 'a.service')]), 0);
  assert.equal(past(['own'], [], lateAlert({ progress: { ...second.progress } })), 0);
});

test('what late rows left open ends with their last, unless an open alert follows soon', () => {
  const past = (sinceMs: number, over: Partial<Alert> = {}) =>
    lateAfter([row({ atMs: at('09:05') })], { late: lateOf(lateAlert(over)) }, [
      lateAlert({ id: 1, pendingSinceMs: at('08:00') + sinceMs }),
    ]).past;
  const told = [['/', true, 'recovered', 2, at('08:00')]];
  assert.deepEqual([past(12.5 * minuteMs), past(12.6 * minuteMs)], [[], told]);
  assert.deepEqual(past(12.6 * minuteMs, { state: 'pending' }), []);
});
