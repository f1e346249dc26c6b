import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertFault, load } from './support/config-files.ts';
import { namedRecipients } from '../../src/config/recipients/fleet-recipients.ts';

const client = '<client ip="10.0.0.1"/>';

test('a digest: its settings, and its defaults', () => {
  const config = load(`<alerts><digest to="ops@example.org, boss@example.org,ops@example.org"/>
    <digest to="dba@example.org" at="18:30" days="Mon-Wed,sun" groups="db*, !db-old" attach="report"/>
    <digest name="weekly" to="boss@example.org"/><digest to="boss@example.org" days="2nd Tue , last"/></alerts>
    <group name="db-1"><client ip="10.0.0.2"/></group>`);
  const [daily, db, weekly, monthly] = config.digests;
  const fleet = { days: [], atMinute: 420, groups: [], attachesReport: false };
  assert.deepEqual(daily, { ...fleet, name: 'daily', to: ['ops@example.org', 'boss@example.org'] });
  assert.deepEqual(weekly, { ...fleet, name: 'weekly', to: ['boss@example.org'] });
  const days = ['2nd tue', 'last'];
  assert.deepEqual(monthly, { ...fleet, name: '2nd tue,last', to: ['boss@example.org'], days });
  assert.deepEqual(db, {
    name: 'mon-wed,sun db* !db-old',
    to: ['dba@example.org'],
    days: ['mon', 'tue', 'wed', 'sun'],
    atMinute: 1110,
    groups: ['db*', '!db-old'],
    attachesReport: true,
  });
  assert.deepEqual(
    config.warnings.filter(({ message }) => message.includes('digest')),
    [],
  );
  assert.ok(namedRecipients(config).has('dba@example.org'));
});

for (const [inside, words] of [
  ['<digest to="a@b.c"/><digest to="d@e.f" at="08:00"/>', /a second <digest> is named "daily"; write name=/],
  ['<digest/>', /<digest> lacks to; write to=/],
  ['<digest to="boss"/>', /is no list of mail addresses/],
  ['<digest to="a@b.c" at="7"/>', /is no time of day/],
  ['<digest to="a@b.c" days="monday"/>', /is no list of days/],
  ['<digest to="a@b.c" attach="pdf"/>', /is none of report/],
] as const) {
  test(`a fault: ${inside}`, () => assertFault(`<alerts>${inside}</alerts>${client}`, words));
}

test('groups that no client is in draw a warning', () => {
  const { warnings } = load(`<alerts><digest to="a@b.c" groups="wbe"/></alerts>${client}`);
  assert.ok(warnings.some(({ message }) => message === '<digest> groups="wbe" matches no group of clients'));
});
