/** The times at which silences and windows mute an alert. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfClient, keyOfFleet, keyOfGroup } from '../../../src/about/kinds.ts';
import { openMutes, type MuteKey, type Mutes } from '../../../src/alerter/inhibit/mutes.ts';
import { configOf } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const key: MuteKey = { ...keyOfClient('web-1', 'disk', '/'), severity: 'critical' };
const ofFleet: MuteKey = { ...keyOfFleet('collector-silent', 'hq'), severity: 'critical' };

interface Muted {
  /** Elements of <alerts>. */
  readonly fleet?: string;
  /** Elements of the client. */
  readonly own?: string;
  /** The begin and the end of silences, as `08:00`. */
  readonly silences?: readonly (readonly [begin: string, end: string, client?: string])[];
}

function mutesOf({ fleet = '', own = '', silences = [] }: Muted): Mutes {
  const config = configOf(`<alerts zone="UTC"><mail to="ops@example.org"/>${fleet}</alerts>
    <client name="web-1" ip="192.0.2.1" username="u">${own}</client>`);
  return openMutes({
    config,
    silences: silences.map(([begin, end, client = '*'], index) => ({
      ...{ id: index + 1, client, rule: '*', subject: '*', comment: '', author: 'kim' },
      ...{ startsAtMs: at(begin), endsAtMs: at(end) },
    })),
  });
}

const reasons = (muted: Muted, time: string, of = key): readonly string[] =>
  mutesOf(muted)
    .reasonsAt(of, at(time))
    .map(({ kind, untilMs }) => `${kind} until ${new Date(untilMs).toISOString().slice(11, 16)}`);

const silence = { silences: [['08:00', '09:00']] } as const;
const daily = '<window start="08:00" duration="1h"';
for (const [what, muted, time, wanted] of [
  ['a silence, at its beginning', silence, '08:00', ['silence until 09:00']],
  ['a silence, before it', silence, '07:59', []],
  ['a silence, at its end', silence, '09:00', []],
  ['a silence of another client', { silences: [['08:00', '09:00', 'db-*']] }, '08:30', []],
  ['a window', { fleet: `${daily}/>` }, '08:30', ['window until 09:00']],
  ['a window, at its end', { fleet: `${daily}/>` }, '09:00', []],
  ['a window of the client', { own: `${daily}/>` }, '08:30', ['window until 09:00']],
  ['a window of warnings', { fleet: `${daily} severity="warning"/>` }, '08:30', []],
  ['a window of another rule', { fleet: `${daily} rules="load"/>` }, '08:30', []],
  ['a window of this rule', { fleet: `${daily} rules="load,disk"/>` }, '08:30', ['window until 09:00']],
  ['both', { ...silence, fleet: `${daily}/>` }, '08:30', ['silence until 09:00', 'window until 09:00']],
] satisfies readonly (readonly [string, Muted, string, readonly string[]])[]) {
  test(`muted by ${what}`, () => {
    assert.deepEqual(reasons(muted, time), wanted);
  });
}

test('a window of warnings mutes a warning, and what concerns the fleet is muted by windows of the fleet', () => {
  const fleet = { fleet: `${daily} severity="warning"/>` };
  assert.deepEqual(reasons(fleet, '08:30', { ...key, severity: 'warning' }), ['window until 09:00']);
  assert.deepEqual(reasons({ fleet: `${daily}/>` }, '08:30', ofFleet), ['window until 09:00']);
  assert.deepEqual(reasons({ own: `${daily}/>` }, '08:30', ofFleet), []);
});

test('the last end is that of a day, unless another mute still holds', () => {
  const lastEnd = (muted: Muted, time: string): number | null => mutesOf(muted).lastEndMs(key, at(time));
  assert.equal(lastEnd(silence, '08:59'), null);
  assert.equal(lastEnd(silence, '09:00'), at('09:00'));
  assert.equal(lastEnd(silence, '+1 08:59'), at('09:00'));
  assert.equal(lastEnd(silence, '+1 09:00'), null);
  const two = [...silence.silences, ['08:30', '10:00']] as const;
  assert.equal(lastEnd({ silences: two }, '09:30'), null);
  assert.equal(lastEnd({ silences: two }, '10:30'), at('10:00'));
});

test('mutes cover a time if they meet, but for the least part at its end', () => {
  const covered = (silences: NonNullable<Muted['silences']>, until = '10:00', lessMs = 0): number | null =>
    mutesOf({ silences }).coveredUntilMs(key, at('08:00'), at(until), lessMs);
  assert.equal(covered([['08:00', '10:00']]), at('10:00'));
  assert.equal(covered([['07:00', '11:00']]), at('11:00'));
  assert.equal(
    covered([
      ['08:00', '09:00'],
      ['09:00', '10:00'],
    ]),
    at('10:00'),
  );
  assert.equal(
    covered([
      ['09:00', '10:00'],
      ['08:00', '09:30'],
    ]),
    at('10:00'),
  );
  assert.equal(
    covered([
      ['08:00', '09:00'],
      ['09:01', '10:00'],
    ]),
    null,
  );
  assert.equal(covered([['08:01', '10:00']]), null);
  assert.equal(covered([['08:00', '09:59']]), null);
  assert.equal(covered([['08:00', '09:59']], '10:00', 60_000), at('09:59'));
  assert.equal(covered([]), null);
});

test('the alert of a group is muted by the windows of the group, and not by those of the fleet or a member', () => {
  const muted = (fleet: string, ofGroup: string, ofMember: string): number => {
    const config = configOf(`<alerts zone="UTC"><mail to="ops@example.org"/>${fleet}</alerts>
      <group name="web" need="1">${ofGroup}<client name="web-1" ip="192.0.2.1" username="u">${ofMember}</client>
      <client name="web-2" ip="192.0.2.2" username="u"/></group>`);
    const of = { ...keyOfGroup('web'), severity: 'critical' } as const;
    return openMutes({ config, silences: [] }).reasonsAt(of, at('08:30')).length;
  };
  assert.equal(muted('', `${daily}/>`, ''), 1);
  assert.equal(muted('', '', `${daily}/>`), 0);
});
