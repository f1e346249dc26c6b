import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sampleReport } from '../../src/alerter/evaluate/sample-row.ts';
import { clientWith } from './support/config-of.ts';
import { diskRow, reportRow } from './support/rows.ts';

/** Returns `rule subject` of each sample of file systems, with the given mounts. */
function evaluated(mounts: readonly string[], inner: string, outer = ''): readonly string[] {
  const disks = mounts.map((mount) => diskRow({ mount, used_percent: 60 }));
  const client = clientWith(inner, outer);
  return sampleReport({ client, row: reportRow(), disks, networks: null, report: null })
    .samples.filter(({ rule }) => rule.type === 'disk')
    .map(({ rule, subject }) => `${rule.name} ${subject}`)
    .sort();
}
const disk = (name: string, selectors: string): string => `<alert type="disk" name="${name}" ${selectors} limit="50"/>`;

test('a default evaluates every subject that no written rule evaluates', () => {
  const samples = evaluated(['/', '/backup', '/data'], disk('one', 'mount="/backup"'));
  assert.deepEqual(samples, ['disk /', 'disk /data', 'one /backup']);
});

test('within one element an exact name comes before a glob, and a glob before none, whatever their order', () => {
  const alerts = disk('none', '') + disk('glob', 'mount="/d*"') + disk('exact', 'mount="/data,/srv"');
  const samples = evaluated(['/', '/data', '/data2', '/srv'], alerts);
  assert.deepEqual(samples, ['exact /data', 'exact /srv', 'glob /data2', 'none /']);
});

test('within one element rules with the same selector are all evaluated', () => {
  const alerts = disk('warn', '') + disk('crit', '') + disk('named', 'mount="/"') + disk('named too', 'mount="/"');
  assert.deepEqual(evaluated(['/', '/data'], alerts), ['crit /data', 'named /', 'named too /', 'warn /data']);
});

test('a rule further in evaluates although one further out is narrower', () => {
  const samples = evaluated(['/', '/data'], disk('inner', ''), disk('outer', 'mount="/data"'));
  assert.deepEqual(samples, ['inner /', 'inner /data']);
  assert.deepEqual(evaluated(['/', '/data'], disk('inner', 'mount="/d*"'), disk('outer', '')), [
    'inner /data',
    'outer /',
  ]);
});

test('what an alert with enabled="no" selects is evaluated by nothing but rules of its own element', () => {
  const end = '<alert type="disk" mount="/d*" enabled="no"/>';
  const outer = disk('outer', 'mount="!/x"');
  assert.deepEqual(evaluated(['/', '/data', '/d'], end + disk('own', 'mount="/d"'), outer), ['outer /', 'own /d']);
});

test('what a rule excludes is evaluated by no default, but by another rule that matches it', () => {
  const alerts = disk('most', 'mount="!/x,!/y"') + disk('x', 'mount="/x"');
  assert.deepEqual(evaluated(['/', '/x', '/y'], alerts), ['most /', 'x /x']);
});
