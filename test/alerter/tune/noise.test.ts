import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openNoise } from '../../../src/alerter/tune/noise.ts';
import type { PastAlert } from '../../../src/storage/store/alert-history.ts';
import type { Silence } from '../../../src/storage/store/operator-store.ts';
import { clientWith } from '../support/config-of.ts';
import { beginMs, pastAlert, ruleOf } from './support/past-alerts.ts';

const minuteMs = 60_000;
const client = clientWith('<alert type="memory" limit="90%"/>');
const rule = ruleOf(client);
/** Lasts from 0 to 30 min. */
const alert = pastAlert(rule, beginMs, 5);
const at = (minutes: number): number => beginMs + minutes * minuteMs;

interface Story {
  readonly alert?: Partial<PastAlert>;
  /** The times of boots and of looks around changes, in minutes. */
  readonly boots?: readonly number[];
  readonly changes?: readonly (readonly [number, number])[];
  readonly silences?: readonly Partial<Silence>[];
}

function acted({ alert: over = {}, boots = [], changes = [], silences = [] }: Story): string {
  const options = {
    config: { clients: [client], needs: [] },
    alerts: boots.map((minutes) => pastAlert(rule, at(minutes), 1, { rule: 'rebooted' })),
    changes: changes.map(([from, to]) => ({ client: 'web-1', earliestAtMs: at(from), latestAtMs: at(to) })),
    silences: silences.map((one) => ({
      ...{ id: 1, client: 'web-1', rule: '*', subject: '*', startsAtMs: at(10), endsAtMs: at(600) },
      ...{ author: 'kim', comment: '', ...one },
    })),
    withinMs: 60 * minuteMs,
  };
  return openNoise(options)({ ...alert, ...over }) ?? 'noise';
}

const stories: readonly (readonly [string, string, Story])[] = [
  ['nothing else', 'noise', {}],
  ['an acknowledgement', 'acknowledged', { alert: { acknowledgedBy: 'kim' } }],
  ['more than an hour', 'lasted', { alert: { resolvedAtMs: at(61) } }],
  ['no end', 'lasted', { alert: { resolvedAtMs: null } }],
  ['an edit that ended it', 'edited', { alert: { closedReason: 'unwatched' } }],
  ['a boot in it', 'mended', { boots: [20] }],
  ['a boot before it', 'noise', { boots: [-1] }],
  ['a boot before a short one', 'mended', { boots: [-5], alert: { resolvedAtMs: at(5) } }],
  ['a boot after it', 'noise', { boots: [31] }],
  ['a change that may lie in it', 'mended', { changes: [[-30, 5]] }],
  ['a change before it', 'noise', { changes: [[-30, -1]] }],
  ['a change after it', 'noise', { changes: [[31, 40]] }],
  [
    'a change in it among others',
    'mended',
    {
      changes: [
        [-50, -40],
        [-90, -60],
        [10, 12],
      ],
    },
  ],
  [
    'changes before and after it',
    'noise',
    {
      changes: [
        [40, 45],
        [-90, -60],
        [-50, -40],
      ],
    },
  ],
  [
    'a long look that began in it',
    'mended',
    {
      changes: [
        [20, 90],
        [35, 36],
      ],
    },
  ],
  ['a silence of its client', 'silenced', { silences: [{}] }],
  ['a silence of its client as a name', 'silenced', { silences: [{ client: '=web-1' }] }],
  ['a silence before it fired', 'noise', { silences: [{ startsAtMs: at(-10) }] }],
  ['a silence with its end', 'silenced', { silences: [{ startsAtMs: at(30) }] }],
  ['a silence after its end', 'noise', { silences: [{ startsAtMs: at(31) }] }],
  ['a silence of a pattern', 'noise', { silences: [{ client: 'web-*' }] }],
  ['a silence of another rule', 'noise', { silences: [{ rule: 'disk' }] }],
];

test('an alert is noise unless somebody acted on it, or it lasted', () => {
  for (const [words, expected, story] of stories) assert.equal(acted(story), expected, words);
});
