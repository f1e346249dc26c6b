/** Steps of an alert by one sample: what an acknowledgement, a missing subject and a flapping alert become. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { numberRule, numberSample, type Sample, stateSample } from '../../../src/alerter/evaluate/sample.ts';
import { stepMissing, stepSubject, type StepRow } from '../../../src/alerter/transition/step-alert.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { clientWith } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const everyMs = 300_000;
const own = (more: string): Parameters<typeof numberRule>[0] => {
  const rule = clientWith(`<alert name="own" type="disk" ${more}/>`).rules.find(({ name }) => name === 'own');
  assert.ok(rule);
  return rule;
};
const rule = own('warning="80%" critical="90%"');
const row = (index: number, over: Partial<StepRow> = {}): StepRow => ({
  ...{
    about: 'client',
    client: 'web-1',
    atMs: at('08:00') + index * everyMs,
    runId: `run-${index}`,
    evidence: `report-${index}`,
    everyMs,
  },
  ...over,
});
const sample = (value: number | null, of = rule): Sample => numberSample(numberRule(of), '/', value);
const zero = { holding: 0, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('08:00') };
const firing = (over: Partial<Alert> = {}): Alert =>
  alert({ rule: 'own', limitText: 'at least 90 %', progress: zero, ...over });
const acknowledged = {
  ...{ acknowledgedBy: 'kim', acknowledgedUntilMs: at('12:00'), acknowledgedComment: 'on it', acknowledgedAtMs: 5 },
} as const;

/** Returns the alert after rows with these values. */
function after(
  begun: Alert,
  values: readonly (number | null)[],
  of = rule,
  changes: readonly number[] = [],
): Alert | null {
  return values.reduce<ReturnType<typeof stepSubject>>(
    (state, value, index) => stepSubject(state, sample(value, of), row(index + 1)),
    { alert: begun, changes },
  ).alert;
}

test('an acknowledgement of a warning ends with all that belongs to it when the alert gets critical', () => {
  const warning = { severity: 'warning', limitText: 'at least 80 %' } as const;
  const worse = after(firing({ ...warning, ...acknowledged, acknowledgedSeverity: 'warning' }), [95]);
  const { severity, acknowledgedBy, acknowledgedUntilMs, acknowledgedSeverity } = worse ?? firing();
  assert.deepEqual(
    [severity, acknowledgedBy, acknowledgedUntilMs, acknowledgedSeverity],
    ['critical', null, null, null],
  );
  assert.deepEqual([worse?.acknowledgedComment, worse?.acknowledgedAtMs], [null, null]);
  assert.equal(worse?.progress.severitySinceMs, row(1).atMs);
  // Whoever acknowledged it as critical knows as much.
  const known = after(firing({ ...warning, ...acknowledged, acknowledgedSeverity: 'critical' }), [95]);
  assert.deepEqual([known?.severity, known?.acknowledgedBy], ['critical', 'kim']);
});

test('an acknowledgement stays when the alert eases', () => {
  const eased = after(firing({ ...acknowledged, acknowledgedSeverity: 'critical' }), [81, 81]);
  assert.deepEqual([eased?.severity, eased?.acknowledgedBy, eased?.sequence], ['warning', 'kim', 2]);
});

test('a critical alert eases to a warning where the rule has one, and not where it has none', () => {
  assert.equal(after(firing(), [81])?.severity, 'critical');
  assert.equal(after(firing(), [81, 81])?.severity, 'warning');
  const alone = own('limit="90%" severity="critical"');
  const one = after(firing({ limitText: 'at least 90 %' }), [89.5, 89.5], alone);
  assert.deepEqual([one?.state, one?.severity], ['firing', 'critical']);
});

test('a critical alert eases by values below its warning too, and by a state that is a warning', () => {
  const clears = own('warning="80%" critical="90%" clear="70%"');
  assert.equal(after(firing(), [75, 75], clears)?.severity, 'warning');
  const alone = own('limit="90%" severity="critical"');
  const state = stateSample(alone, '/', 'warning', 'WARNING');
  const eased = [1, 2].reduce<ReturnType<typeof stepSubject>>(
    (before, index) => stepSubject(before, state, row(index)),
    { alert: firing(), changes: [] },
  );
  assert.equal(eased.alert?.severity, 'warning');
});

test('what flaps and is down stays down and flapping until a row holds again', () => {
  const down = firing({ flapping: true, progress: { ...zero, clearing: 2 } });
  const quiet = after(down, [50, 50, 50], rule, [-1]);
  assert.deepEqual([quiet?.state, quiet?.flapping, quiet?.progress.clearing], ['firing', true, 2]);
  const up = after(down, [95], rule, [-1]);
  assert.deepEqual([up?.flapping, up?.progress.clearing, up?.severity], [true, 0, 'critical']);
  const milder = after(down, [85], rule, [-1]);
  assert.deepEqual([milder?.flapping, milder?.progress.clearing, milder?.severity], [true, 0, 'warning']);
  const over = after(down, [50], rule, []);
  assert.deepEqual([over?.state, over?.closedReason], ['resolved', 'recovered']);
});

test('what flaps is down after two clear rows, which is a change for the better', () => {
  const step = (clearing: number) =>
    stepSubject(
      { alert: firing({ flapping: true, progress: { ...zero, clearing } }), changes: [5] },
      sample(50),
      row(1),
    );
  assert.deepEqual(step(0).changes, [5]);
  assert.deepEqual(step(1).changes, [5, -1]);
});

test('an unknown value moves nothing', () => {
  const begun = firing();
  assert.equal(after(begun, [null]), begun);
});

test('a subject is gone after two rows without it, and a row with it between them counts anew', () => {
  const missing = (before: Alert | null, index: number) =>
    stepMissing({ alert: before, changes: [3] }, row(index), 'gone');
  const once = missing(firing(), 1);
  assert.deepEqual([once.alert?.state, once.alert?.progress.missing, once.changes], ['firing', 1, [3]]);
  const twice = missing(once.alert, 2);
  assert.deepEqual([twice.alert?.state, twice.alert?.closedReason, twice.changes], ['resolved', 'gone', []]);
  const seen = after(once.alert ?? firing(), [95]);
  assert.equal(seen?.progress.missing, 0);
  assert.deepEqual(missing(null, 1), { alert: null, changes: [3] });
});

test('values that come back while they recover are counted', () => {
  assert.equal(after(firing(), [50, 95])?.progress.returns, 1);
  assert.equal(after(firing(), [81, 95, 50, 95])?.progress.returns, 2);
  assert.equal(after(firing(), [95, 95])?.progress.returns, undefined);
});

test('`for` begins anew after a gap, and the alert keeps its number', () => {
  const late = own('limit="90%" for="10m"');
  const begun = stepSubject({ alert: null, changes: [] }, sample(95, late), row(0)).alert;
  assert.deepEqual([begun?.state, begun?.firstEvidence], ['pending', 'report-0']);
  const stored = { ...(begun ?? firing()), id: 7, sequence: 4 };
  const again = stepSubject({ alert: stored, changes: [] }, sample(95, late), row(9)).alert;
  const { id, sequence, pendingSinceMs, firstEvidence, state } = again ?? firing();
  assert.deepEqual([id, sequence, pendingSinceMs, firstEvidence, state], [7, 4, row(9).atMs, 'report-9', 'pending']);
  // Half of the time between two rows less fulfills it.
  const due = (atMs: number) => stepSubject({ alert: stored, changes: [] }, sample(95, late), row(0, { atMs })).alert;
  assert.equal(due(at('08:07') + 29_999)?.state, 'pending');
  const fired = due(at('08:07') + 30_000);
  assert.deepEqual([fired?.state, fired?.sequence, fired?.firingSinceMs], ['firing', 5, at('08:07') + 30_000]);
});

test('a pending alert fires at the level that all of its rows reached, and without `for` if it is often bad', () => {
  const late = own('warning="80%" critical="90%" for="10m"');
  const step = (before: Alert | null, value: number, index: number, isOftenBad = false) =>
    stepSubject({ alert: before, changes: [] }, sample(value, late), row(index, { isOftenBad })).alert;
  const mixed = [95, 85, 95].reduce<Alert | null>((before, value, index) => step(before, value, index), null);
  assert.deepEqual([mixed?.state, mixed?.severity, mixed?.limitText], ['firing', 'warning', 'at least 80 %']);
  const critical = [95, 95, 95].reduce<Alert | null>((before, value, index) => step(before, value, index), null);
  assert.deepEqual([critical?.state, critical?.severity], ['firing', 'critical']);
  assert.equal(step(null, 95, 0, true)?.state, 'firing');
  const healed = step(step(null, 95, 0), 50, 1);
  assert.deepEqual([healed?.state, healed?.closedReason], ['resolved', 'unconfirmed']);
});

test('a new limit ends what it does not hold for, eases what it holds less for, and counts the rest anew', () => {
  const before = firing({ limitText: 'at least 70 %', progress: { ...zero, clearing: 1 } });
  const ended = after(before, [75]);
  assert.deepEqual([ended?.state, ended?.closedReason], ['resolved', 'recovered']);
  const eased = after(before, [85]);
  assert.deepEqual([eased?.state, eased?.severity, eased?.limitText], ['firing', 'warning', 'at least 80 %']);
  const same = after(before, [95]);
  assert.deepEqual([same?.severity, same?.limitText, same?.sequence], ['critical', 'at least 90 %', 1]);
});

const byTime = own('warning="80%" critical="90%" for="10m"');
const byRows = own('warning="80%" critical="90%" for="2x"');
/** A rule whose `for` one row fulfills. */
const shortly = own('warning="80%" critical="90%" for="2m"');

/** Returns the state and severity after each value, whose rows have these numbers. */
function course(begun: Alert | null, of: typeof rule, values: readonly (readonly [row: number, value: number])[]) {
  let alert = begun;
  return values.map(([index, value]) => {
    ({ alert } = stepSubject({ alert, changes: [] }, sample(value, of), row(index)));
    return `${alert?.state ?? ''} ${alert?.severity ?? ''}`;
  });
}

test('critical has a `for` of its own, which begins with the first critical row and anew after a gap', () => {
  const warning = firing({ severity: 'warning', limitText: 'at least 80 %' });
  const rows = (...numbers: readonly number[]) => numbers.map((number) => [number, 95] as const);
  const [mild, worse] = ['firing warning', 'firing critical'];
  assert.deepEqual(course(warning, byTime, rows(1, 2, 3)), [mild, mild, worse]);
  assert.deepEqual(course(warning, byTime, rows(1, 2, 9, 10, 11)), [mild, mild, mild, mild, worse]);
  assert.deepEqual(course(warning, byRows, rows(1, 2)), [mild, worse]);
  // The row that fires as a warning is the first critical one.
  const first = [0, 1, 2, 3, 4].map((number) => [number, number < 2 ? 85 : 95] as const);
  const pending = 'pending warning';
  assert.deepEqual(course(null, byTime, first), [pending, pending, mild, mild, worse]);
});

const down = { flapping: true, progress: { ...zero, clearing: 2 } } as const;
const mild = { severity: 'warning', limitText: 'at least 80 %' } as const;
interface Stepped extends Partial<Omit<Alert, 'progress'>> {
  readonly progress?: { readonly [Name in keyof Alert['progress']]?: Alert['progress'][Name] | undefined };
}
/** Steps of firing alerts by the row `run-1`: the changes before, the value, and what becomes of alert and changes. */
const steps: readonly (readonly [
  what: string,
  begun: Partial<Alert>,
  changes: readonly number[],
  value: number,
  of: typeof rule,
  after: Stepped,
  changesAfter: readonly number[],
])[] = [
  [
    'the fourth change begins to flap, and is none for the worse',
    { progress: { ...zero, clearing: 1 } },
    ...([[9, -6, 3], 50, rule] as const),
    { state: 'firing', flapping: true, changedByRun: 'run-1', sequence: 2 },
    [9, -6, 3, -1],
  ],
  [
    'a recovery is a change for the better',
    { progress: { ...zero, clearing: 1 } },
    ...([[3], 50, rule] as const),
    { state: 'resolved', closedReason: 'recovered', changedByRun: 'run-1', progress: { clearing: 2 } },
    [3, -1],
  ],
  [
    'a worsening is a change, of which the counts begin anew',
    mild,
    ...([[], 95, rule] as const),
    { severity: 'critical', changedByRun: 'run-1', sequence: 2, progress: { holding: 0, lastAtMs: row(1).atMs } },
    [1],
  ],
  [
    'an easing is a change, of which the counts begin anew',
    { progress: { ...zero, easing: 1, missing: 1, severitySinceMs: 7 } },
    ...([[5], 81, rule] as const),
    { severity: 'warning', progress: { easing: 0, missing: 0, severitySinceMs: row(1).atMs } },
    [5, -1],
  ],
  [
    'a row that goes on keeps since when the alert is critical',
    { progress: { ...zero, missing: 1, severitySinceMs: 7 } },
    ...([[5], 95, rule] as const),
    { severity: 'critical', sequence: 1, progress: { missing: 0, severitySinceMs: 7 } },
    [5],
  ],
  ['what flaps and goes on is no change', { flapping: true }, [-1], 95, shortly, { flapping: true, sequence: 1 }, [-1]],
  [
    'what flaps and gets worse is a change',
    { ...mild, flapping: true },
    ...([[-1], 95, rule] as const),
    { flapping: true, severity: 'critical', sequence: 2 },
    [-1, 1],
  ],
  [
    'what flaps and has not changed for three rows is steady by this run',
    { flapping: true },
    ...([[9, 3], 95, rule] as const),
    { flapping: false, changedByRun: 'run-1', sequence: 2 },
    [9, 3],
  ],
  [
    'what flaps and is down is not up before `for`, and does not settle',
    down,
    ...([[9, -3], 95, byRows] as const),
    { state: 'firing', flapping: true, progress: { holding: 1, clearing: 2, returns: undefined } },
    [9, -3],
  ],
  ['what flaps and is down does not ease', down, [-1], 81, byRows, { progress: { easing: 0, clearing: 2 } }, [-1]],
  [
    'what flaps and is down is up with `for`, which is a change for the worse',
    { ...down, progress: { ...down.progress, holding: 1, holdingSinceMs: 5 } },
    ...([[-1], 95, byRows] as const),
    { flapping: true, progress: { holding: 0, clearing: 0 } },
    [-1, 1],
  ],
];
for (const [what, begun, changes, value, of, wanted, changesAfter] of steps) {
  test(what, () => {
    const found = stepSubject(
      { alert: firing({ changedByRun: 'run-0', ...begun }), changes },
      sample(value, of),
      row(1),
    );
    const { progress: counts = {}, ...fields } = wanted;
    const pick = (from: object | undefined, like: object) =>
      Object.fromEntries(Object.keys(like).map((name) => [name, from?.[name as keyof typeof from]]));
    assert.deepEqual(pick(found.alert ?? undefined, fields), fields);
    assert.deepEqual(pick(found.alert?.progress, counts), counts);
    assert.deepEqual(found.changes, changesAfter);
  });
}

test('values that go on clearing or easing have not come back', () => {
  assert.equal(
    after(firing({ severity: 'warning', limitText: 'at least 80 %' }), [50, 50])?.progress.returns,
    undefined,
  );
  assert.equal(after(firing(), [81, 81])?.progress.returns, undefined);
});

test('pending and firing, an alert has its newest value, its worst row and the cause of its newest visit', () => {
  const failed = (value: number, code: string): Sample => ({
    ...stateSample(byTime, '/', value > 90 ? 'critical' : 'warning', `${value} %`),
    ...{ value, isNetwork: true, code, limitText: `of ${value}` },
  });
  const codes = ['dns', 'connect-refused', 'auth-failed', 'dns'];
  let alert: Alert | null = null;
  const seen = [95, 97, 96, 99].map((value, index) => {
    ({ alert } = stepSubject({ alert, changes: [] }, failed(value, codes[index] ?? ''), row(index)));
    const { value: now, valueText, progress } = alert ?? firing();
    return [now, valueText, progress.worst?.value, progress.code, progress.begunBy, progress.lastRun, alert?.state];
  });
  assert.deepEqual(seen, [
    [95, '95 %', 95, 'dns', 'dns', 'run-0', 'pending'],
    [97, '97 %', 97, 'connect-refused', 'dns', 'run-1', 'pending'],
    [96, '96 %', 97, 'auth-failed', 'dns', 'run-2', 'firing'],
    [99, '99 %', 99, 'dns', 'dns', 'run-3', 'firing'],
  ]);
});

test('a pending alert that is listed again is not missing, and one that ends leaves the changes before it', () => {
  const begun = stepSubject({ alert: null, changes: [] }, sample(95, byTime), row(0)).alert ?? firing();
  const missed = { ...begun, progress: { ...begun.progress, missing: 1 } };
  const step = (value: number) => stepSubject({ alert: missed, changes: [3] }, sample(value, byTime), row(1));
  assert.equal(step(95).alert?.progress.missing, 0);
  assert.deepEqual([step(50).alert?.closedReason, step(50).changes], ['unconfirmed', [3]]);
});
