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
