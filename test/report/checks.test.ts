/** Results of checks in a report: the accepted ones, and those for which the report is refused. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { encodeReport } from '../../src/report/encode-report.ts';
import { maxCheckOutputBytes } from '../../src/report/checks.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import type { Report } from '../../src/report/report.ts';
import { faultOf } from './support/changed-report.ts';
import { sampleReport } from './support/sample-report.ts';

const good = {
  name: 'disk /: a_b.c-1',
  format: 'nagios',
  exit: 2,
  why: null,
  output: 'DISK CRITICAL\n| a=1',
  age_s: 0,
};
const withChecks = (checks: unknown): Buffer => encodeReport({ ...sampleReport, checks } as Report);
const withRefused = (checks_refused: unknown): Buffer => encodeReport({ ...sampleReport, checks_refused } as Report);
const many = (count: number): unknown[] => Array.from({ length: count }, (_, at) => ({ ...good, name: `c${at}` }));

test('results of checks are taken as they are, up to their limits', () => {
  const checks = [
    good,
    { ...good, name: 'x'.repeat(128), format: 'prom', exit: null, why: 'still hanging', output: '', age_s: 0.5 },
    { ...good, name: 'full', format: 'checkmk', exit: 255, output: 'é'.repeat(maxCheckOutputBytes / 2) },
  ];
  assert.deepEqual(parseReport(withChecks(checks)).checks, checks);
  assert.equal(parseReport(withChecks(many(50))).checks?.length, 50);
  const refused = [{ path: '/etc/x.conf:7', why: 'untrusted' }];
  assert.deepEqual(parseReport(withRefused(refused)).checks_refused, refused);
  assert.deepEqual(Object.keys(parseReport(encodeReport(sampleReport))), Object.keys(sampleReport));
});

test('other keys of a result are not kept', () => {
  assert.deepEqual(parseReport(withChecks([{ ...good, colour: 'red' }])).checks, [good]);
});

for (const { what, change, path } of [
  { what: 'no name', change: { name: '' }, path: 'name' },
  { what: 'a name of 129 characters', change: { name: 'x'.repeat(129) }, path: 'name' },
  { what: 'a name with a line break', change: { name: 'x\n' }, path: 'name' },
  { what: 'a name with markup', change: { name: '<b>' }, path: 'name' },
  { what: 'a name of blanks', change: { name: ' ' }, path: 'name' },
  { what: 'a name that is a number', change: { name: 7 }, path: 'name' },
  { what: 'another format', change: { format: 'json' }, path: 'format' },
  { what: 'no format', change: { format: null }, path: 'format' },
  { what: 'a negative exit status', change: { exit: -1 }, path: 'exit' },
  { what: 'an exit status of 256', change: { exit: 256 }, path: 'exit' },
  { what: 'half an exit status', change: { exit: 0.5 }, path: 'exit' },
  { what: 'an exit status as text', change: { exit: '0' }, path: 'exit' },
  { what: 'neither exit status nor reason', change: { exit: null }, path: 'why' },
  { what: 'a reason with an escape', change: { why: 'x\u001b[2J' }, path: 'why' },
  { what: 'a reason with a number', change: { why: 7 }, path: 'why' },
  { what: 'no output', change: { output: null }, path: 'output' },
  { what: 'too many bytes of output', change: { output: `${'é'.repeat(maxCheckOutputBytes / 2)}x` }, path: 'output' },
  { what: 'a negative age', change: { age_s: -1 }, path: 'age_s' },
  { what: 'no age', change: { age_s: null }, path: 'age_s' },
] as const) {
  test(`a report is refused for ${what} of a check`, () => {
    assert.equal(faultOf(withChecks([good, { ...good, name: 'other', ...change }])).path, `$.checks[1].${path}`);
  });
}

test('a report is refused for too many checks, for none in a list, and for one name twice', () => {
  assert.equal(faultOf(withChecks(many(151))).path, '$.checks');
  assert.equal(faultOf(withChecks({})).path, '$.checks');
  assert.equal(faultOf(withChecks([7])).path, '$.checks[0]');
  assert.equal(faultOf(withChecks([good, good])).path, '$.checks[1].name');
});

test('a report is refused for refused checks that no agent sends', () => {
  assert.equal(faultOf(withRefused(Array(21).fill({ path: '/x', why: 'untrusted' }))).path, '$.checks_refused');
  assert.equal(faultOf(withRefused([{ path: 7, why: '' }])).path, '$.checks_refused[0].path');
  assert.equal(faultOf(withRefused([{ path: '', why: '' }])).path, '$.checks_refused[0]');
  assert.equal(faultOf(withRefused([{ path: '/x' }])).path, '$.checks_refused[0].why');
});

test('output is encoded as long as a reader takes it, with what no database takes made fit', () => {
  const output = `${'x'.repeat(maxCheckOutputBytes - 6)}\0\ud800`;
  const [result] = parseReport(withChecks([{ ...good, output }])).checks ?? [];
  assert.equal(result?.output, `${'x'.repeat(maxCheckOutputBytes - 6)}\ufffd\ufffd`);
});
