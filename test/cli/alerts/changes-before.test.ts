import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { WeighedSet } from '../../../src/alerter/cause/weigh-changes.ts';
import { changesBefore } from '../../../src/cli/alerts/changes-before.ts';
import { readerTime } from '../../../src/cli/terminal/reader-time.ts';
import type { StateKind } from '../../../src/report/report.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../../alerter/support/config-of.ts';
import { at } from '../../alerter/support/rows.ts';

const minuteMs = 60_000;
const time = readerTime(
  configOf('<alerts mail="ops@example.org"/><client name="web-1" ip="192.0.2.1" username="u"/>'),
  at('08:00'),
);

function setOf(given: Partial<WeighedSet>, ...changes: readonly (readonly [StateKind, string, string])[]): WeighedSet {
  const times = { earliestMs: at('07:50'), latestMs: at('07:55'), earliestAtMs: at('07:50'), latestAtMs: at('07:55') };
  return {
    changes: changes.map(([kind, item, newValue], index) => ({
      ...{ client: 'web-1', kind, item, oldValue: null, newValue, itemId: index, afterId: index, ...times },
    })),
    ...{ failing: { having: 1, all: 1 }, others: { having: 0, all: 19 }, chance: 1 / 2100, verdict: 'named' },
    ...{ beforeMs: 4 * minuteMs, bootBeforeMs: null, days: 0, ...times, ...given },
  };
}

const linesOf = (detailed: boolean, ...sets: readonly WeighedSet[]): readonly string[] => {
  const sections = [{ client: 'web-1', kind: 'package', observedAtMs: at('07:55'), error: null }];
  const cause = { atMs: at('08:00'), changes: [], allOf: null, configBeforeMs: null };
  return changesBefore(alert({ client: 'web-1' }), { sets, group: 'web', sections, cause }, { detailed, time });
};

test('explain lists the sets in their order, why each is named or not, and what came with it', () => {
  const deployed = setOf(
    {},
    ...([
      ['unit', 'app.service', 'enabled'],
      ['account', 'deploy', '1002 /home/deploy /bin/bash sudo'],
      ['listener', 'tcp 8080', 'any'],
      ['file', '/etc/app.conf', 'a'.repeat(32)],
    ] as const),
  );
  const file = (given: Partial<WeighedSet>): WeighedSet => setOf(given, ['file', '/etc/app.conf', 'a'.repeat(32)]);
  assert.deepEqual(
    linesOf(
      true,
      ...[deployed, file({ chance: 0.2, verdict: 'by-chance' })],
      file({ chance: null, verdict: 'restless', days: 12, beforeMs: 2 * 60 * minuteMs }),
    ),
    [
      'Changed in the 24 h before it, compared in web:',
      '  app.service enabled, new account deploy in sudo, new port tcp 8080 and 1 more file, 4 min before: ' +
        '1 of 1 failing, 0 of 19 others, 1 in 2,100 by chance; named',
      '    with it: new /etc/app.conf',
      '  new /etc/app.conf, 4 min before: 1 of 1 failing, 0 of 19 others, 1 in 5 by chance; not named: it may be by ' +
        'chance',
      '  new /etc/app.conf, 2 h before: restless, changed on 12 of 30 days',
    ],
  );
});

test('explain without a rule names three sets, and the first changes of each', () => {
  const many = setOf({}, ['package', 'a amd64', '1'], ['package', 'b amd64', '1']);
  const lines = linesOf(false, many, many, many, many);
  assert.equal(lines.filter((line) => line.startsWith('  a 1 installed and b 1 installed, ')).length, 3);
  assert.equal(lines.at(-1), '  and 1 change more; name the rule to see all');
});

test('a set of many changes names three and eight of them, and counts the others', () => {
  const packages = Array.from({ length: 12 }, (_, index) => ['package', `p${index} amd64`, '1'] as const);
  const [, line = '', withIt = ''] = linesOf(true, setOf({}, ...packages));
  assert.match(line, /^ {2}p0 1 installed, p1 1 installed, p2 1 installed and 9 more packages, 4 min before: /);
  assert.match(withIt, /^ {4}with it: p3 1 installed, .*p10 1 installed, 1 more$/);
});
