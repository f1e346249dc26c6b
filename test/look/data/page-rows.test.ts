import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Mutes } from '../../../src/alerter/inhibit/mutes.ts';
import type { Config, Rule } from '../../../src/config/config.ts';
import { alertWords } from '../../../src/look/data/page-rows.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { timeInWords } from '../../../src/text/time-words.ts';
import { alert } from '../../storage/support/alert-samples.ts';

const atMs = Date.UTC(2026, 10, 21, 3, 35);
const mutes = { reasonsAt: () => [] } as unknown as Mutes;
const rules = ['unreachable', 'host-key-changed'].map((name) => ({ name, origin: 'condition' }) as unknown as Rule);
const clients = [{ name: 'web-1', rules, windows: [] }];
const config = { alerts: { zone: 'UTC' }, needs: [], clients } as unknown as Config;
const worst = {
  atMs: atMs - 600_000,
  severity: 'critical',
  value: null,
  valueText: 'network: no answer',
  limitText: '',
};
const counted = { holding: 0, holdingSinceMs: 0, clearing: 1, missing: 0, easing: 0, lastAtMs: atMs };
const progress = { ...counted, worst } as Alert['progress'];
const back = { rule: 'unreachable', subject: '', value: null, valueText: 'reached', limitText: '', progress };
const moment = timeInWords({ zone: 'UTC', nowMs: atMs }, atMs);
const since = `answers since ${moment}`;

for (const { title, more, value, returning } of [
  { title: 'answers again', more: {}, value: worst.valueText, returning: `${since}, ends with the next good visit` },
  { title: 'flaps', more: { flapping: true }, value: worst.valueText, returning: since },
  {
    title: 'shows its known host key again',
    more: { rule: 'host-key-changed' },
    value: worst.valueText,
    returning: `shows the known host key since ${moment}`,
  },
  { title: 'has ended', more: { state: 'resolved', resolvedAtMs: atMs }, value: worst.valueText, returning: null },
  {
    title: 'fails still',
    more: { valueText: 'network: refused', progress: { ...progress, clearing: 0 } },
    value: 'network: refused',
    returning: null,
  },
  { title: 'has a figure', more: { rule: 'disk', value: 80, valueText: '80 %' }, value: '80 %', returning: null },
] as const) {
  test(`an alert that ${title} names its reason, and when it ends`, () => {
    const shown = alertWords(config, mutes, atMs)(alert({ ...back, ...more }));
    assert.deepEqual([shown.value, shown.returning], [value, returning]);
  });
}
