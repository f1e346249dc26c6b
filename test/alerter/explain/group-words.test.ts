/** Groups that need some of their members, in the words of `explain` and `status`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { servingSentence, servingText, standingText } from '../../../src/alerter/explain/group-words.ts';
import { easedWords, openEasing, type Easing } from '../../../src/alerter/inhibit/easing.ts';
import { openGroupStates } from '../../../src/alerter/inhibit/group-states.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const nowMs = at('08:00');
const away = (client: string, over: Partial<Alert> = {}): Alert =>
  alert({ id: null, client, rule: 'unreachable', subject: '', firingSinceMs: at('07:50'), ...over });

/** Opens a group m1 to m8 with so many needed, of which some are away, and nothing is known of others. */
function easingOf(need: number, lost: readonly string[], unknown: readonly string[], short = false): Easing {
  const config = configOf(`<group name="web" need="${need}">
    <client name="m[1-8]" ip="192.0.2.[1-8]" username="u"/></group>`);
  const known = config.clients.map(({ name }) => name).filter((name) => !unknown.includes(name));
  const ofGroup = away('', { rule: 'group-short', subject: 'web' });
  const alerts = [...lost.map((name) => away(name)), ...(short ? [ofGroup] : [])];
  const groups = openGroupStates({
    ...{ config, alerts, unfinishedRuns: new Set<string>(), standInFor: () => null },
    reports: new Map(known.map((name) => [name, { newestMs: nowMs }])),
  });
  return openEasing({ groups, alerts, nowMs });
}

type Row = readonly [need: number, lost: string, unknown: string, text: string, sentence: string];
const rows: readonly Row[] = [
  [6, '', '', 'web 8/8, 6 needed', 'web: 8 of 8 serve, 6 are needed: two may be away.'],
  [6, 'm2', '', 'web 7/8, 6 needed', 'web: 7 of 8 serve, 6 are needed: one more may be away; away: m2.'],
  [7, 'm2 m2', '', 'web 7/8, 7 needed', 'web: 7 of 8 serve, 7 are needed; away: m2.'],
  [6, 'm1 m2', '', 'web 6/8, 6 needed', 'web: 6 of 8 serve, 6 are needed; away: m1, m2.'],
  [6, 'm1 m2 m3', '', 'web 5/8, 6 needed, too few', 'web: 5 of 8 serve, 6 are needed; away: m1, m2, m3.'],
  [
    ...([6, 'm1', 'm7 m8', 'web 5-7/8, 6 needed, 2 unknown, unclear'] as const),
    'web: 5 to 7 of 8 serve, 6 are needed; away: m1; unknown: m7, m8.',
  ],
  [
    ...([6, 'm1 m2 m3', 'm4 m5 m6 m7 m8', 'web at most 5/8, 6 needed, 5 unknown, too few'] as const),
    'web: at most 5 of 8 serve, 6 are needed; away: m1, m2, m3; unknown: m4, m5, m6, m7, m8.',
  ],
  [
    ...([6, '', 'm8', 'web at least 7/8, 6 needed, 1 unknown'] as const),
    'web: at least 7 of 8 serve, 6 are needed: one may be away; unknown: m8.',
  ],
  [
    ...([1, 'm1 m2 m3 m4 m5 m6', '', 'web 2/8, 1 needed'] as const),
    'web: 2 of 8 serve, 1 is needed: one more may be away; away: m1, m2, m3, m4, m5 and 1 more.',
  ],
];
const words = (names: string): readonly string[] => names.split(' ').filter(Boolean);
for (const [need, lost, unknown, text, sentence] of rows) {
  test(text, () => {
    const { groups } = easingOf(need, words(lost), words(unknown));
    const [group] = groups.groups;
    assert.ok(group);
    const state = groups.at(group, nowMs);
    assert.deepEqual([servingText(state), servingSentence(state)], [text, sentence]);
  });
}

test('an earlier state is told as such', () => {
  const easing = easingOf(6, ['m1'], []);
  const standing = easing.standingOf(away('m1'));
  assert.equal(standing?.kind, 'eased');
  const words = easedWords({ ...standing, isPast: true });
  assert.equal(words, 'critical, but 7 of 8 of web served when that was last known and 6 are needed');
});

const lacks = 'Not eased: web lacks members';
type Standing = readonly [easing: Parameters<typeof easingOf>, over: Partial<Alert>, words: string | null];
const standings: readonly Standing[] = [
  [[6, ['m1'], []], {}, 'Told as a warning: critical, but 7 of 8 of web serve and 6 are needed.'],
  [[1, ['m1'], []], {}, 'Told as a warning: critical, but 7 of 8 of web serve and 1 is needed.'],
  [[7, ['m1', 'm2'], [], true], {}, `${lacks}, 6 of 8 serve and 7 are needed.`],
  [[7, ['m1', 'm2'], []], {}, `${lacks}, and the next pass says so: 6 of 8 serve and 7 are needed.`],
  [
    [7, ['m1'], ['m8']],
    {},
    'Not eased: it is unclear whether enough of web serve: 6 to 7 of 8 serve and 7 are needed; nothing is known of m8.',
  ],
  [[6, ['m1'], []], { rule: 'disk' }, 'Not eased: it is none of needRules of web.'],
  [[6, ['m1'], []], { client: 'other' }, null],
  [[6, ['m1'], []], { severity: 'warning' }, null],
  [[6, ['m1'], []], { state: 'pending' }, null],
  [[6, ['m1'], []], { state: 'resolved' }, null],
];
for (const [easing, over, expected] of standings) {
  test(`an alert of m1, but ${JSON.stringify(over)}: ${expected ?? 'nothing is said of its group'}`, () => {
    assert.equal(standingText(easingOf(...easing), away('m1', over)), expected);
  });
}
