/** The present of one client: which subjects have alerts, which are remembered, and which rows move them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describeLimit } from '../../../src/alerter/evaluate/describe-value.ts';
import { clearSample, faultSample, type Sample, type SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { stepWithoutRow, Subjects, subjectKey } from '../../../src/alerter/transition/subjects.ts';
import type { Rule } from '../../../src/config/config.ts';
import type { Alert, RuleState } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { times } from '../../support/times.ts';
import { clientWith } from '../support/config-of.ts';
import { at } from '../support/rows.ts';
import { everyMs } from '../support/time-line.ts';

const { rules } = clientWith(
  '<alert name="own" type="disk" limit="90%"/><alert name="late" type="disk" limit="9%" for="2x"/>',
);
const ruleOf = (name: string): Rule => {
  const rule = rules.find((one) => one.name === name);
  assert.ok(rule);
  return rule;
};
const own = ruleOf('own');
const limitText = (rule: Rule): string => describeLimit(rule, 'critical');
const bad = (subject: string, rule = own): Sample => ({
  ...faultSample(rule, subject, 'full'),
  limitText: limitText(rule),
});
const good = (subject: string, rule = own): Sample => clearSample(rule, subject, 'well');

/** Returns a row so many intervals after 08:00. */
const row = (index: number, samples: readonly Sample[], over: Partial<SampledRow> = {}): SampledRow => ({
  ...{ samples, ifWritable: [], complete: [], client: 'web-1', atMs: at('08:00') + index * everyMs, kind: 'report' },
  ...{ runId: `run-${index}`, evidence: `report-${index}`, visitEnd: null, disks: null, bootId: null },
  ...{ uptimeSeconds: null, oomKills: null, oomKilled: [] },
  ...over,
});

interface Given {
  readonly alerts?: readonly Alert[];
  readonly changes?: RuleState['changes'];
  readonly bad?: RuleState['changes'];
  readonly latestMs?: number;
}

function subjectsOf({ alerts = [], latestMs = Infinity, ...remembered }: Given): Subjects {
  const memory = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 0, changes: {}, ...remembered };
  return new Subjects({ rules, memory, alerts, everyMs, latestMs });
}

const firing = (over: Partial<Alert> = {}): Alert => {
  const progress = { ...alert().progress, lastAtMs: at('08:00') };
  const rule = rules.find(({ name }) => name === over.rule) ?? own;
  return alert({ id: 1, rule: 'own', subject: '/', limitText: limitText(rule), progress, ...over });
};
const key = (subject: string): string => subjectKey('own', subject);
const rememberedFor = (subjects: readonly string[], changes: readonly number[]): RuleState['changes'] =>
  Object.fromEntries(subjects.map((subject) => [key(subject), changes]));
const mounts = (count: number): readonly string[] => times(count, (index) => `/${index}`);

test('a hundred subjects of a rule are remembered, and what is forgotten makes room for another', () => {
  const cases: readonly (readonly [count: number, changes: readonly number[], isRemembered: boolean])[] = [
    [99, [-1], true],
    [100, [-1], false],
    [100, [-12], true],
  ];
  for (const [count, changes, isRemembered] of cases) {
    const known = mounts(count);
    const subjects = subjectsOf({ changes: rememberedFor(known, changes) });
    const others = known.map((subject) => good(subject));
    const values = [bad('/new'), good('/new'), good('/new')];
    values.forEach((value, index) => subjects.step(row(index, [...others, value]), null));
    assert.equal(key('/new') in subjects.changes(), isRemembered, `${count} of ${changes.join()}`);
  }
});

test('a value that fires has no bad rows before it, and one that ends without firing keeps its bad rows', () => {
  const late = ruleOf('late');
  const subjects = subjectsOf({});
  const walk = (first: number, values: readonly Sample[]): RuleState['changes'] => {
    values.forEach((value, index) => subjects.step(row(first + index, [value]), null));
    return subjects.bad();
  };
  const name = subjectKey('late', '/');
  assert.deepEqual(walk(0, [bad('/', late)]), { [name]: [1] });
  assert.deepEqual(walk(1, [good('/', late)]), { [name]: [2] });
  assert.deepEqual(subjects.changed(), [], 'what never fired and was never stored leaves no alert');
  assert.deepEqual(walk(2, [bad('/', late), bad('/', late)]), {});
  assert.equal(subjects.openAlert('late', '/')?.state, 'firing');
});

test('a stored alert that ends unconfirmed is changed, and one that no row has moved is not', () => {
  const pending = firing({ rule: 'late', state: 'pending', firingSinceMs: null });
  const still = firing({ id: 2, subject: '/still' });
  const subjects = subjectsOf({ alerts: [pending, still] });
  subjects.step(row(1, [good('/', ruleOf('late'))]), null);
  assert.deepEqual(
    subjects.changed().map(({ id, closedReason }) => [id, closedReason]),
    [[1, 'unconfirmed']],
  );
});

test('of the new alerts of a rule that end in one pass fifty are kept, and all that were stored', () => {
  const ended = (id: number | null, rule = 'own'): Alert => firing({ id, rule, state: 'resolved' });
  const subjects = subjectsOf({});
  for (const one of times(60, () => ended(null))) subjects.add(one);
  for (const one of [...times(60, (index) => ended(index)), ended(null, 'late')]) subjects.add(one);
  const kept = subjects.changed().map(({ id, rule }) => (id === null ? rule : 'stored'));
  const counts = ['own', 'late', 'stored'].map((what) => kept.filter((one) => one === what).length);
  assert.deepEqual(counts, [50, 1, 60]);
});

test('fifty subjects have alerts, beside the one alert that counts the others', () => {
  const subjects = subjectsOf({ changes: rememberedFor(['/known'], [-1]) });
  const openAfter = (index: number, count: number): readonly string[] => {
    subjects.step(
      row(
        index,
        mounts(count).map((subject) => bad(subject)),
      ),
      null,
    );
    return subjects.changed().map(({ subject }) => subject);
  };
  assert.deepEqual(openAfter(0, 50), mounts(50));
  assert.deepEqual(openAfter(1, 51), [...mounts(50), '(more)']);
  // The place of an alert that ends is free, whatever else is open.
  const rest = mounts(52).slice(1);
  for (const index of [2, 3, 4]) subjects.step(row(index, [good('/0'), ...rest.map((subject) => bad(subject))]), null);
  const open = subjects.changed().filter(({ state }) => state === 'firing');
  assert.deepEqual(open.map(({ subject }) => subject).toSorted(), [...mounts(51).slice(1), '(more)'].toSorted());
});

/** Rows of a client whose subjects beyond fifty are counted, after a row with 51, and whether they move the count. */
const counted: readonly (readonly [what: string, over: Partial<SampledRow>, clearing: number])[] = [
  ['one with nothing of the rule', {}, 0],
  ['one that lists all of its subjects', { complete: ['own'] }, 1],
  ['one with a value of the rule', { samples: [good('/0')] }, 1],
  ['one with an unknown value', { samples: [{ ...good('/0'), level: 'unknown' }] }, 0],
  ['one with a value of another rule', { samples: [good('/0', ruleOf('late'))] }, 0],
];
for (const [what, over, clearing] of counted) {
  test(`subjects beyond fifty are fewer by a row: ${what}`, () => {
    const subjects = subjectsOf({});
    const full = mounts(51).map((subject) => bad(subject));
    subjects.step(row(0, full), null);
    subjects.step(row(1, [], over), null);
    assert.equal(subjects.openAlert('own', '(more)')?.progress.clearing, clearing);
  });
}

test('an alert of a rule that left config.xml is not moved, and its changes are forgotten', () => {
  const gone = { ...own, name: 'gone' };
  const changes = { [subjectKey('gone', '/')]: [-1], [key('/')]: [-2] };
  const subjects = subjectsOf({ alerts: [firing({ rule: 'gone' })], changes, bad: changes });
  subjects.step(row(1, [good('/', gone)]), null);
  assert.deepEqual(
    [subjects.changed(), subjects.changes(), subjects.bad()],
    [[], { [key('/')]: [-2] }, { [key('/')]: [-2] }],
  );
  assert.equal(subjects.openAlert('gone', '/'), null);
});

const unreachable = ruleOf('unreachable');
test('a failed visit that a later report refutes begins no alert, and any other visit counts', () => {
  const openAfter = (minutes: number, sample: Sample, over: Partial<SampledRow> = {}): number => {
    const subjects = subjectsOf({ alerts: [firing()] });
    const atMs = at('08:00') + minutes * 60_000;
    subjects.step(row(0, [sample], { kind: 'visit', atMs, ...over }), at('08:00'));
    return subjects.changed().length;
  };
  const away = bad('', unreachable);
  assert.deepEqual([openAfter(-1, away), openAfter(0, away)], [0, 1]);
  assert.equal(openAfter(-1, bad('', ruleOf('not-trusted'))), 1);
  assert.equal(openAfter(-1, away, { kind: 'report' }), 1);
});

test('a good visit before a report recovers what the visits before it found', () => {
  const subjects = subjectsOf({ alerts: [firing({ rule: 'unreachable', subject: '' })] });
  subjects.step(row(1, [good('', unreachable)], { kind: 'visit' }), at('09:00'));
  assert.equal(subjects.openAlert('unreachable', '')?.progress.clearing, 1);
});

test('only visits age the changes of a client that is unreachable, and a report begins nothing', () => {
  const name = subjectKey('unreachable', '');
  const subjects = subjectsOf({ changes: { [name]: [-3] }, bad: { [name]: [2] } });
  const changesAfter = (index: number, sample: Sample, kind: SampledRow['kind']): readonly unknown[] => {
    subjects.step(row(index, [sample], { kind }), null);
    return [subjects.changes()[name], subjects.openAlert('unreachable', '')?.state];
  };
  assert.deepEqual(changesAfter(1, good('', unreachable), 'report'), [[-3], undefined]);
  assert.deepEqual(changesAfter(2, bad('', unreachable), 'report'), [[-3], undefined]);
  assert.deepEqual(changesAfter(3, good('', unreachable), 'visit'), [[-4], undefined]);
  const away = firing({ rule: 'unreachable', subject: '' });
  for (const [kind, aged] of [
    ['report', -3],
    ['visit', -4],
  ] as const) {
    const open = subjectsOf({ alerts: [away], changes: { [name]: [-3] } });
    open.step(row(1, [good('', unreachable)], { kind }), null);
    assert.deepEqual(open.changes()[name], [aged], kind);
  }
});

test('a row that is older than the last one of an alert moves nothing, unless that one lies in the future', () => {
  const clearingAfter = (over: Partial<SampledRow>, latestMs: number): readonly unknown[] => {
    const subjects = subjectsOf({ alerts: [firing()], latestMs });
    subjects.step(row(-1, [good('/')], over), null);
    const { clearing, missing } = subjects.openAlert('own', '/')?.progress ?? {};
    return [clearing, missing];
  };
  const unlisted = { samples: [], complete: ['own'] };
  assert.deepEqual(clearingAfter({}, at('08:00')), [0, 0]);
  assert.deepEqual(clearingAfter(unlisted, at('08:00')), [0, 0]);
  assert.deepEqual(clearingAfter({}, at('08:00') - 1), [1, 0]);
  assert.deepEqual(clearingAfter(unlisted, at('08:00') - 1), [0, 1]);
  assert.deepEqual(clearingAfter({ atMs: at('08:00'), samples: [{ ...good('/'), level: 'unknown' }] }, 1e15), [0, 0]);
});

/** Rows that list all subjects of `own`, and `/` not with it: the alert, the changes and the bad rows after two. */
const other = { ...own, name: 'other' };
const unlistedBy: readonly (readonly [what: string, samples: readonly Sample[], reason: string | null])[] = [
  ['no rule', [], 'gone'],
  ['another rule of the type', [good('/', other)], 'unwatched'],
  ['another rule, for another subject', [good('/srv', other)], 'gone'],
  ['a rule of another type', [good('/', unreachable)], 'gone'],
];
for (const [what, samples, reason] of unlistedBy) {
  test(`a subject that ${what} has any more is ${reason ?? 'open'}`, () => {
    const subjects = subjectsOf({ alerts: [firing()], changes: { [key('/')]: [-3] } });
    for (const index of [1, 2]) subjects.step(row(index, samples, { complete: ['own'] }), null);
    assert.deepEqual([subjects.changed()[0]?.closedReason, subjects.changes()], [reason, {}]);
  });
}

test('a subject that a row lists is not missing, nor is one of a rule that the row does not list as a whole', () => {
  const missingAfter = (samples: readonly Sample[], complete: readonly string[]): number | undefined => {
    const subjects = subjectsOf({ alerts: [firing()] });
    subjects.step(row(1, samples, { complete }), null);
    return subjects.openAlert('own', '/')?.progress.missing;
  };
  assert.equal(missingAfter([], ['own']), 1);
  assert.equal(missingAfter([good('/')], ['own']), 0);
  assert.equal(missingAfter([], ['late']), 0);
});

test('an unknown value ages nothing, and what begins and ends in one pass is an alert', () => {
  const subjects = subjectsOf({ changes: { [key('/')]: [-3] } });
  subjects.step(row(0, [{ ...good('/'), level: 'unknown' }]), null);
  assert.deepEqual(subjects.changes(), { [key('/')]: [-3] });
  [bad('/b'), good('/b'), good('/b')].forEach((sample, index) => subjects.step(row(index, [sample]), null));
  const ended = subjects.changed().map(({ id, subject, closedReason }) => [id, subject, closedReason]);
  assert.deepEqual(ended, [[null, '/b', 'recovered']]);
});

test('what is remembered of a subject ages by each row that lists the others of its rule', () => {
  const remembered = { [key('/')]: [-3] };
  const subjects = subjectsOf({ changes: remembered, bad: remembered });
  const after = (index: number, complete: readonly string[]): readonly unknown[] => {
    subjects.step(row(index, [good('/srv')], { complete }), null);
    return [subjects.changes(), subjects.bad()];
  };
  assert.deepEqual(after(1, []), [remembered, remembered]);
  const older = { [key('/')]: [-4] };
  assert.deepEqual(after(2, ['own']), [older, older]);
});

test('samples of no row begin alerts that no run has changed, with their source as evidence', () => {
  const given = { rules, everyMs, client: 'web-1', complete: [], source: 'forecast', nowMs: at('09:00') } as const;
  const [begun] = stepWithoutRow({ ...given, alerts: [], samples: [bad('/')] });
  const { firstEvidence, changedByRun, client, pendingSinceMs, id } = begun ?? firing();
  assert.deepEqual([firstEvidence, changedByRun], ['forecast 2026-11-20T09:00:00.000Z', null]);
  assert.deepEqual([client, pendingSinceMs, id], ['web-1', at('09:00'), null]);
  const [moved] = stepWithoutRow({ ...given, alerts: [firing()], samples: [good('/')] });
  assert.deepEqual([moved?.id, moved?.changedByRun, moved?.progress.clearing], [1, null, 1]);
});
