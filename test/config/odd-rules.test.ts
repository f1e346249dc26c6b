import assert from 'node:assert/strict';
import { test } from 'node:test';

import { warnings } from './support/config-files.ts';

/** Returns the warnings of a file with these children of <alerts>. The children begin on line 3. */
function warningsOf(alerts: string, more = '', every = '5m'): readonly string[] {
  const settings = `<collector every="${every}"/><ssh agent="env"/>`;
  return warnings(`${settings}<alerts mail="a@b">\n${alerts}\n</alerts>${more}<client name="c" ip="10.0.0.1"/>`);
}

test('a window in the past is a warning', () => {
  const window = (date: string): string => `<window date="${date}" start="09:00" duration="2h" zone="UTC"/>`;
  assert.deepEqual(warningsOf(window('2026-11-19')), [
    'config.xml:3: <window> date="2026-11-19" is past, so it holds back nothing any more; remove it',
  ]);
  assert.deepEqual(warningsOf(window('2026-11-20')), [], 'it lasts until 11:00');
});

test('a name of a rule that no rule has is a warning, with the nearest', () => {
  const alerts = `<window start="02:00" duration="1h" rules="dsik,memory"/>\n<mail to="b@c" rules="cpu,!unreach*"/>`;
  assert.deepEqual(warningsOf(alerts, '\n<notify command="/bin/tell" rules="collector-*,collector-silnet"/>'), [
    'config.xml:3: <window> rules="dsik" names no rule in force here; did you mean "disk"?',
    'config.xml:4: <mail> rules="cpu" names no rule in force here',
    'config.xml:6: <notify> rules="collector-silnet" names no rule in force here; did you mean "collector-silent"?',
  ]);
});

test('outliers of a group that no client is in are a warning', () => {
  const rule = (group: string): string => `<alert type="outlier" group="${group}"/>`;
  const group = '<group name="web"><client name="x" ip="10.0.0.2"/></group>';
  assert.deepEqual(warningsOf(`${rule('wbe')}\n${rule('w*,db')}`, group), [
    'config.xml:3: <alert> "outlier group=wbe": group="wbe" matches no group of clients',
  ]);
});

test('in a group or client the rules of its clients count', () => {
  const cpu = '<alert name="busy" type="cpu" limit="90"/>';
  const group = (inside: string): string => `\n<group><mail to="b@c" rules="busy"/>${inside}</group>`;
  const [without, within] = ['<client name="x" ip="10.0.0.2"/>', `<client name="x" ip="10.0.0.2">${cpu}</client>`];
  assert.deepEqual(warningsOf('', group(within)), []);
  assert.deepEqual(warningsOf('', `${group(without)}<client name="y" ip="10.0.0.3">${cpu}</client>`), [
    'config.xml:5: <mail> rules="busy" names no rule in force here',
  ]);
});

test('for="" below half of every, or beyond the rows that are kept, is a warning', () => {
  assert.deepEqual(warningsOf('<alert type="cpu" limit="90" for="30s"/>'), [
    'config.xml:3: <alert> "cpu": for="30s" is no longer than half of every="5m", so one row is enough; write ' +
      'for="1x", or more than 5m',
  ]);
  assert.deepEqual(warningsOf('<alert type="cpu" limit="90" for="30s"/>', '', '30s'), []);
  assert.deepEqual(warningsOf('<alert type="cpu" limit="90" for="400d"/>'), [
    'config.xml:3: <alert> "cpu": for="400d" is longer than rows are kept (raw="30d")',
  ]);
});

const small: readonly (readonly [limits: string, warned: readonly (readonly [limit: string, meant: string])[]])[] = [
  ['limit="0.95"', [['0.95', '95%']]],
  ['limit="0.001"', [['0.001', '0.1%']]],
  ['limit="0.07"', [['0.07', '7%']]],
  ['warning="0.5" critical="0.9%"', [['0.5', '50%']]],
  ['warning="0.5%" critical="0.9"', [['0.9', '90%']]],
  ['limit="0.001%"', []],
  ['limit="0.5%"', []],
  ['limit="0.95 %"', []],
  ['limit="1"', []],
  ['limit="0"', []],
];
for (const [limits, warned] of small) {
  test(`a disk with ${limits} is ${warned.length === 0 ? 'no warning' : 'a warning, as less than one percent'}`, () => {
    const lines = warned.map(
      ([limit, meant]) =>
        `config.xml:3: <alert> "disk": the limit ${limit} is ${limit} %, less than one percent; write ${meant} if ` +
        'that is meant',
    );
    assert.deepEqual(warningsOf(`<alert type="disk" ${limits}/>`), lines);
  });
}

test('a small limit is a warning where a percent is meant, and where an outer one is written without a sign', () => {
  assert.deepEqual(warningsOf('<alert type="load" limit="0.5"/>'), []);
  const tuned = '<group><alert name="cpu" for="2x"/><client name="x" ip="10.0.0.2"/></group>';
  assert.equal(warningsOf('<alert type="cpu" limit="0.5"/>', tuned).length, 2);
  assert.deepEqual(warningsOf('<alert type="cpu" limit="0.5%"/>', tuned), []);
});
