/**
 * The shell text of `cleanup` and its answer. test/cli/clients/cleanup.test.ts covers the files that the text removes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cleanupCommand, parseCleanupAnswer } from '../../../src/collector/agent/cleanup-client.ts';

const marker = '-Xw1f0SvQ9q_7bXWjbT4bA';
const line = (text: string): string => `fh-${marker}-cleanup ${text}\n`;

test('the command holds what every login shell hands on', () => {
  const command = cleanupCommand({ marker, collectorId: 'c0ffee', all: false, force: false });
  assert.match(command, /^\/bin\/sh -c '[^']+' fh( '[^']*')+$/);
  assert.doesNotMatch(command, /[!\\\n]/);
});

const removed = [{ path: '/a b/c  d', sizeBytes: 12_288 }];
const empty = { waiting: { own: 0, others: 0 }, removed: [], left: [], spool: { lines: 0, scripts: 0 } };
for (const { what, output, answer } of [
  { what: 'nothing there', output: line('waiting 0 0') + line('end'), answer: empty },
  { what: 'behind a greeting', output: `Welcome\n> ${line('waiting 0 0')}${line('end')}bye`, answer: empty },
  {
    what: 'everything at once',
    output: line('waiting 2 1') + line('spool 1 2') + line('removed 12 /a b/c  d') + line('left /e') + line('end'),
    answer: { waiting: { own: 2, others: 1 }, removed, left: ['/e'], spool: { lines: 1, scripts: 2 } },
  },
  {
    what: 'what comes behind the end is not read',
    output: line('waiting 0 0') + line('end') + line('left /x'),
    answer: empty,
  },
  { what: 'cut off before its end', output: line('waiting 0 0') + line('removed 1 /a'), answer: null },
  { what: 'without the count', output: line('end'), answer: null },
  { what: 'another marker', output: 'fh-x-cleanup waiting 0 0\nfh-x-cleanup end\n', answer: null },
  { what: 'nothing', output: '', answer: null },
] as const) {
  test(`the answer: ${what}`, () => {
    assert.deepEqual(parseCleanupAnswer(output, marker), answer);
  });
}
