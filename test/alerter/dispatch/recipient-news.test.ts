import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dispatchTests, startDispatch } from '../support/dispatch-world.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `
  <alerts repeat="1h">
    <mail to="ops@example.org"/>
    <alert type="disk" name="warn" limit="80%" severity="warning"/>
    <alert type="disk" name="crit" limit="95%"/>
  </alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;

const it = dispatchTests(() => startDispatch(fleet));

it('of two rules that fire for one subject the worse one is notified and holds the milder one back', (world) => {
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  world.fires('web-1 warn /data', { severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 crit /, firing warning web-1 warn /data']);
  assert.deepEqual(world.held(), ['web-1 warn /: worse-rule for ops']);
});

it('the milder one is notified once the worse one is over', (world) => {
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  world.pass('08:00');
  world.at('08:20').recovers('web-1 crit /');
  assert.deepEqual(world.pass(), ['ops: firing warning web-1 warn /, resolved web-1 crit /']);
});

it('a milder one that was over before the worse one was nothing to tell', (world) => {
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  world.pass('08:00');
  world.at('08:20').recovers('web-1 warn /');
  world.recovers('web-1 crit /');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 crit /']);
  assert.deepEqual(world.pass('08:25'), []);
  assert.deepEqual(pluck(world.alerts(), 'closedOut'), [true, true]);
});

it('a milder one that was notified before is not reminded of beside the worse one', (world) => {
  world.fires('web-1 warn /', { severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: firing warning web-1 warn /']);
  world.at('08:30').fires('web-1 crit /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 crit /']);
  assert.deepEqual(world.pass('09:40'), ['ops: reminder critical web-1 crit /']);
});

test('of two criticals the one with the limit further out is notified', () => {
  const world = startDispatch(fleet.replace(' severity="warning"', ''));
  world.fires('web-1 warn /');
  world.fires('web-1 crit /');
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 crit /']);
});

test('whoever is not notified of the worse one is notified of the milder one', () => {
  const world = startDispatch(fleet.replace('name="crit"', 'name="crit" mail="oncall@example.org"'));
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  assert.deepEqual(world.pass('08:00'), ['oncall: firing critical web-1 crit /', 'ops: firing warning web-1 warn /']);
});

it('a worse one that is silenced holds nothing back', (world) => {
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  world.silence('web-1', 'crit', '07:00', '12:00');
  assert.deepEqual(world.pass('08:00'), ['ops: firing warning web-1 warn /']);
});

test('a rule with also="yes" neither holds back nor is held back', () => {
  const world = startDispatch(fleet.replace('name="crit"', 'name="crit" also="yes"'));
  world.fires('web-1 warn /', { severity: 'warning' });
  world.fires('web-1 crit /');
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 crit /, firing warning web-1 warn /']);
});

test('which limit is further out follows the severity, and the direction of the comparison', () => {
  const rule = (name: string, limits: string): string => `<alert type="disk" name="${name}" ${limits}/>`;
  const notified = (severity: 'warning' | 'critical', ...rules: readonly [string, string]): readonly string[] => {
    const world = startDispatch(fleet.replace(/<alert type[^]*<\/alerts>/, `${rules.join('')}</alerts>`));
    for (const name of ['a', 'b']) world.fires(`web-1 ${name} /`, { severity });
    return world.pass('08:00');
  };
  const ofBoth = [rule('a', 'warning="80%" critical="90%"'), rule('b', 'warning="70%" critical="95%"')] as const;
  assert.deepEqual(notified('warning', ...ofBoth), ['ops: firing warning web-1 a /']);
  assert.deepEqual(notified('critical', ...ofBoth), ['ops: firing critical web-1 b /']);
});

it('of two that are over the milder one is told too, unless they fired at the same time', (world) => {
  world.passed('web-1 warn /', '05:00', '05:30');
  world.passed('web-1 crit /', '06:00', '06:30');
  world.passed('web-1 warn /srv', '05:00', '05:30');
  world.passed('web-1 crit /srv', '05:20', '05:40');
  assert.deepEqual(world.pass('08:00'), [
    'ops: past web-1 crit / 06:00 to 06:30, past web-1 crit /srv 05:20 to 05:40, past web-1 warn / 05:00 to 05:30',
  ]);
});
