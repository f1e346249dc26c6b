/** The rules of `edge`: reading, refusals, and the conditions under which a change is reported. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openEvaluator } from '../../src/agent-program/edge/edge-evaluator.ts';
import type { EdgeRule } from '../../src/agent-program/edge/edge-settings.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import type { Report, Row } from '../../src/report/report.ts';
import { machineReport } from '../support/clients/machine-report.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Written = Readonly<Record<string, unknown>>;

const file = path.join(tempFolder(), 'agent.json');

function edgeOf(edge: Written) {
  writeFileSync(file, JSON.stringify({ edge }), { mode: 0o600 });
  const settings = readSettings(file).edge;
  assert.ok(settings !== null);
  return settings;
}

function rulesOf(...rules: readonly Written[]): readonly EdgeRule[] {
  return edgeOf({ rules }).rules;
}

let minute = 0;

/** Returns a report that was taken a minute after the previous one. `memory` and `disks` are used percentages. */
function report(memory: number | null, disks: Readonly<Record<string, number>> = {}): Report {
  const rows = (name: string, data: readonly Row[]) => ({
    name,
    duration_ms: 1,
    error: null,
    function_reports: [{ name, data }],
  });
  const mounts = Object.entries(disks).map(([mount, used_percent]) => {
    return { mount, fstype: 'ext4', source: mount, scope: 'local', mode: 'rw', used_percent, unresponsive: 0 };
  });
  minute += 1;
  return machineReport({
    datetime: new Date(Date.UTC(2026, 10, 22) + minute * 60_000).toISOString(),
    worker_reports: [rows('memory', [{ used_percent: memory }]), rows('disk', mounts)],
  });
}

function evaluatorIn(place: string, rules: readonly EdgeRule[]) {
  const evaluate = openEvaluator({ client: 'web-1', rules, everyMs: 60_000, place });
  return (of: Report): readonly string[] =>
    evaluate(of).changes.map(
      ({ rule, subject, state, severity, value }) => `${rule} ${subject} ${state} ${severity} ${value ?? '-'}`,
    );
}

function evaluatorOf(t: TestContext, ...rules: readonly Written[]) {
  return evaluatorIn(tempFolder(t), rulesOf(...rules));
}

test('an alert fires after `for`, and ends when the value is clear', (t) => {
  const evaluate = evaluatorOf(t, { type: 'memory', limit: '90%', for: '2x', clear: '80%' });
  const notified = [85, 91, 85, 92, 93, 94, 85, 79, 78, 70].map((memory) => evaluate(report(memory)));
  const quiet: readonly string[] = [];
  assert.deepEqual(notified.slice(0, 4), [quiet, quiet, quiet, quiet]);
  assert.deepEqual(notified[4], ['memory  firing critical 93']);
  assert.deepEqual(notified.slice(5).flat(), ['memory  resolved critical 78']);
});

test('a warning that becomes critical is reported, and a value that is unknown changes nothing', (t) => {
  const evaluate = evaluatorOf(t, { type: 'memory', warning: '80%', critical: '95%' });
  assert.deepEqual(evaluate(report(85)), ['memory  firing warning 85']);
  assert.deepEqual(evaluate(report(null)), []);
  assert.deepEqual(evaluate(report(97)), ['memory  firing critical 97']);
});

test('several rules of one type without a name each hold, with limits of their own', (t) => {
  const disk = { type: 'disk', op: 'ge' };
  const evaluate = evaluatorOf(t, { ...disk, mount: '/', limit: '90%' }, { ...disk, mount: '/data', limit: '50%' });
  assert.deepEqual(evaluate(report(1, { '/': 60, '/data': 60, '/srv': 99 })), ['disk-2 /data firing critical 60']);
  assert.deepEqual(evaluate(report(1, { '/': 91, '/data': 60, '/srv': 99 })), ['disk / firing critical 91']);
});

test('the state of a rule outlives the process, and a damaged one begins anew', (t) => {
  const place = tempFolder(t);
  const rules = rulesOf({ type: 'memory', limit: '90%' });
  assert.deepEqual(evaluatorIn(place, rules)(report(95)), ['memory  firing critical 95']);
  assert.deepEqual(evaluatorIn(place, rules)(report(95)), []);
  writeFileSync(path.join(place, 'edge-state.json'), '{"alerts": [');
  assert.deepEqual(evaluatorIn(place, rules)(report(95)), ['memory  firing critical 95']);
  // A rule that was removed keeps no state.
  assert.deepEqual(evaluatorIn(place, rulesOf({ type: 'disk', limit: '99%' }))(report(95)), []);
  assert.deepEqual(evaluatorIn(place, rules)(report(95)), ['memory  firing critical 95']);
});

test('a disk that keeps no state loses no change', (t) => {
  const evaluate = evaluatorIn(path.join(tempFolder(t), 'missing'), rulesOf({ type: 'memory', limit: '90%' }));
  assert.deepEqual(evaluate(report(95)), ['memory  firing critical 95']);
  assert.deepEqual(evaluate(report(95)), []);
});

const wrong: readonly (readonly [edge: Written, says: RegExp])[] = [
  [{}, /"edge\.rules" must hold a rule at least/],
  [{ rules: [{ type: 'dsk', limit: '9%' }] }, /agent\.json: "edge\.rules\[0\]\.type" must be one of cpu, memory/],
  [{ rules: [{ limit: '9%' }] }, /"edge\.rules\[0\]\.type" is missing/],
  [{ rules: [{ type: 'cpu', limit: '9%' }, { type: 'memory' }] }, /"edge\.rules\[1\]\.type".*lacks a limit/],
  [{ rules: [{ type: 'memory', limit: '90GB' }] }, /"limit": "90GB" does not fit/],
  [{ rules: [{ type: 'memory', limit: '90%', clear: '95%' }] }, /clear must not be above/],
  [{ rules: [{ type: 'memory', limit: '90%', mount: '/' }] }, /mount/],
  [{ rules: [{ type: 'memory', limit: '90%', for: 'twice' }] }, /"edge\.rules\[0\]\.for" must be like "2x"/],
  [{ rules: [{ type: 'memory', limit: '90%', op: '>=' }] }, /op" must be one of ge, gt/],
  [{ rules: [{ type: 'memory', limit: '90%', lmit: 1 }] }, /lmit" is not known; did you mean "limit"/],
  ...['tcp://host', 'tcp://host:0', 'tcp://host:70000', 'http//x', 'unix:relative', 'tcp://[::1:7000'].map(
    (to): readonly [Written, RegExp] => [
      { rules: [{ type: 'cpu', limit: '9%' }], to },
      /"edge\.to" must be like "https:/,
    ],
  ),
];

for (const [edge, says] of wrong) {
  test(`${JSON.stringify(edge)} is refused`, () => {
    assert.throws(() => edgeOf(edge), says);
  });
}

test('a socket by name, by both kinds of address and by path', () => {
  const rules = [{ type: 'cpu', limit: '9%' }];
  const targets = [
    'tcp://alerts.example.org:7000',
    'tcp://192.0.2.1:7000',
    'tcp://[2001:db8::1]:7000',
    'unix:/run/a b',
  ];
  assert.deepEqual(
    targets.map((to) => edgeOf({ rules, to }).to),
    [...['alerts.example.org', '192.0.2.1', '2001:db8::1'].map((host) => ({ host, port: 7000 })), { path: '/run/a b' }],
  );
});

test('a change names the first report that it follows from', (t) => {
  const rules = rulesOf({ type: 'memory', limit: '90%', for: '3x', clear: '80%' });
  const evaluate = openEvaluator({ client: 'web-1', rules, everyMs: 60_000, place: tempFolder(t) });
  const since = [50, 91, 92, 93, 94, 70, 95, 70, 60].map((memory) => {
    const made = report(memory);
    const { sinceMs } = evaluate(made);
    return sinceMs === null ? null : (Date.parse(made.datetime) - sinceMs) / 60_000;
  });
  assert.deepEqual(since, [null, null, null, 2, null, null, null, null, 1]);
});
