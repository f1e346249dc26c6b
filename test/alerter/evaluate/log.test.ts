import assert from 'node:assert/strict';
import { test } from 'node:test';

import { observe, reportOf, said } from '../support/observe.ts';

const report = reportOf(
  {
    name: 'log_match',
    data: [
      { match: 'oom-kill', priority: 'err', count: 3 },
      { match: 'oom-kill', priority: 'info', count: 7 },
      { priority: 'warning', count: 1 },
      { match: 'a,b*', priority: 'err', count: null },
    ],
  },
  {
    name: 'log_line',
    data: [
      { priority: 'err', unit: 'kernel', text: 'oom-kill 1', times: 1 },
      { priority: 'info', unit: 'a', text: 'oom-kill 2', times: 1 },
      { priority: 'crit', text: `oom-kill ${'\u{1f4a5}'.repeat(99)}`, times: 1 },
      { unit: 'cron', text: 'oom-kill 4', times: 1 },
      { priority: 'warning', unit: 'disk', text: 'slow', times: 1 },
    ],
  },
);

const burst = `oom-kill ${'\u{1f4a5}'.repeat(65)}…`;

test('lines of logs by expression and priority', () => {
  const rules =
    '<alert type="log" match="oom-kill" limit="1"/><alert type="log" match="oom-kill" priority="info" limit="9" ' +
    'also="yes"/><alert type="log" priority="warning" warning="1" critical="5"/><alert type="log" match="a,b*" ' +
    'limit="1"/>';
  assert.deepEqual(said(rules, { report }), [
    `log match=oom-kill oom-kill: critical (3 lines, the newest: kernel: oom-kill 1 | ${burst} | cron: oom-kill 4; ` +
      'at least 1)',
    `log match=oom-kill priority=info oom-kill: none (7 lines, the newest: a: oom-kill 2 | ${burst} | cron: ` +
      'oom-kill 4; at least 9)',
    `log priority=warning warning and worse: warning (1 line, the newest: kernel: oom-kill 1 | ${burst} | disk: ` +
      'slow; at least 1)',
    'log match=a,b* a,b*: unknown (unknown; at least 1)',
  ]);
});

test('a report lists all expressions of a rule, so that an alert about any other is over', () => {
  const rule = '<alert type="log" name="oom" match="oom-kill" limit="1"/>';
  assert.equal(observe(rule, { report }).complete.includes('oom'), true);
  assert.equal(observe(rule, { report: null }).complete.includes('oom'), false);
});

test('a client that does not report a count is unknown', () => {
  assert.deepEqual(said('<alert type="log" match="other" limit="1"/>', { report }), [
    'log match=other other: unknown (unknown; at least 1)',
  ]);
});

test('what a line says is harmless in the words of its alert', () => {
  const hostile = { priority: 'err', unit: '\u001b]0;x\u0007', text: '\u202eoom-kill\nBcc: a@b', times: 1 };
  const own = reportOf(
    { name: 'log_match', data: [{ match: 'oom-kill', priority: 'err', count: 1 }] },
    { name: 'log_line', data: [hostile] },
  );
  assert.deepEqual(said('<alert type="log" match="oom-kill" limit="1"/>', { report: own }), [
    'log match=oom-kill oom-kill: critical (1 line, the newest: \ufffd]0;x\ufffd: \ufffdoom-kill Bcc: a@b; at least 1)',
  ]);
});
