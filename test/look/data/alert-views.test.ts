import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sortAlerts } from '../../../src/look/data/alert-views.ts';
import { alert } from '../../storage/support/alert-samples.ts';

const at = (pendingSinceMs: number, firingSinceMs: number | null = pendingSinceMs) => ({
  pendingSinceMs,
  firingSinceMs,
});
const ended = (resolvedAtMs: number) => ({ state: 'resolved', resolvedAtMs, closedReason: 'recovered' }) as const;
const alerts = [
  alert({ rule: 'ended first', ...at(1), ...ended(20) }),
  alert({ rule: 'pending', ...at(2, null), state: 'pending' }),
  alert({ rule: 'new warning', ...at(9), severity: 'warning' }),
  alert({ rule: 'ended last', ...at(3), ...ended(30) }),
  alert({ rule: 'old warning', ...at(4), severity: 'warning' }),
  alert({ rule: 'acknowledged', ...at(1), acknowledgedBy: 'ann', acknowledgedSeverity: 'critical' }),
  alert({ rule: 'new critical', ...at(8), id: 8 }),
  alert({ rule: 'old critical', ...at(5) }),
  alert({ rule: 'critical of the same time', ...at(8), id: 7 }),
  alert({ client: '', rule: 'group-short', subject: 'web', ...at(11), id: 9 }),
];

for (const { title, atMs, expected } of [
  {
    title: 'the worst stand first, those of groups and then the oldest, then pending ones, then those that ended last',
    atMs: Infinity,
    expected: [
      'group-short',
      'old critical',
      'critical of the same time',
      'new critical',
      'old warning',
      'new warning',
      'acknowledged',
      'pending',
      'ended last',
      'ended first',
    ],
  },
  {
    title: 'an alert that ended later was still open at an earlier time',
    atMs: 25,
    expected: [
      'group-short',
      'ended last',
      'old critical',
      'critical of the same time',
      'new critical',
      'old warning',
      'new warning',
      'acknowledged',
      'pending',
      'ended first',
    ],
  },
] as const) {
  test(title, () => {
    const names = sortAlerts(alerts, atMs).map(({ rule }) => rule);
    assert.deepEqual(names, expected);
  });
}

test('an acknowledgement that is over, or of a milder alert, takes nothing down', () => {
  const base = { ...at(1), acknowledgedBy: 'ann' } as const;
  const some = [
    alert({ rule: 'warning', ...at(5), severity: 'warning' }),
    alert({ rule: 'until 9', ...base, acknowledgedSeverity: 'critical', acknowledgedUntilMs: 9 }),
    alert({ rule: 'as a warning', ...base, ...at(2), acknowledgedSeverity: 'warning' }),
  ];
  const names = (atMs: number): readonly string[] => sortAlerts(some, atMs).map(({ rule }) => rule);
  assert.deepEqual(names(8), ['as a warning', 'warning', 'until 9']);
  assert.deepEqual(names(9), ['until 9', 'as a warning', 'warning']);
});
