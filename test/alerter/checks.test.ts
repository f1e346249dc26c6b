import assert from 'node:assert/strict';
import { test } from 'node:test';

import { observe, said } from './support/observe.ts';
import { checkRow } from './support/rows.ts';
import { stories } from './support/story.ts';

stories(`
  a check that is CRITICAL in two reports is told, and recovers with two that are OK
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 0
    08:15 check mailq 0
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:15 check mailq is over: recovered

  WARNING is a warning, and gets worse
    08:00 check mailq 1
    08:05 check mailq 1
    08:10 check mailq 2
    08:15 check mailq 2
    > 08:00 check mailq is pending
    > 08:05 check mailq fires warning
    > 08:15 check mailq gets worse

  UNKNOWN neither fires nor recovers, and is a condition of its own after three reports
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 3
    08:15 check mailq 3
    08:20 check mailq 3
    08:25 check mailq 2
    08:30 check mailq 2
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:10 check-unknown mailq is pending
    > 08:20 check-unknown mailq fires warning
    > 08:30 check-unknown mailq is over: recovered

  a rule selects checks, at once and as a warning
    <alert type="check" check="disk*" for="1x" severity="warning"/>
    08:00 check disk-root 2, check mailq 2
    > 08:00 check check=disk* disk-root fires warning
    > 08:00 check mailq is pending

  what is excluded is not judged
    <alert type="check" check="mailq" enabled="no"/><alert name="check-unknown" enabled="no"/>
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 3
    08:15 check mailq 3
    08:20 check mailq 3

  a check that is no longer there is gone
    08:00 check mailq 2, check disk 0
    08:05 check mailq 2, check disk 0
    08:10 check disk 0
    08:15
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:15 check mailq is over: gone
`);

test('a sample says the state and the first line of the text, once and not too long', () => {
  const words = (text: string, state: 0 | 1 | 2 = 2) =>
    said('<alert type="check" for="1x"/>', { checks: [checkRow({ text, state })] });
  assert.deepEqual(words('210 unsent\nmore'), ['check mailq: critical (CRITICAL: 210 unsent)']);
  assert.deepEqual(words('MAILQ CRITICAL - 210 unsent'), ['check mailq: critical (MAILQ CRITICAL - 210 unsent)']);
  assert.deepEqual(words('', 1), ['check mailq: warning (WARNING)']);
  assert.equal(words('x'.repeat(900))[0]?.length, 'check mailq: critical (CRITICAL: …)'.length + 200);
});

test('a refused file is a condition with its reason, and no result of a check', () => {
  const checks = [checkRow({ check_name: '/etc/checks.d/x.conf', state: 3, refused: 1, text: 'others may write it' })];
  const samples = observe('', { checks }).samples.filter(({ rule }) => rule.name.startsWith('check'));
  assert.deepEqual(
    samples.map(({ rule, subject, level, valueText }) => [rule.name, subject, level, valueText]),
    [['check-untrusted', '/etc/checks.d/x.conf', 'warning', 'others may write it']],
  );
});
