/** Events: which are subjects, how bad they are, and from when on silence is a fault. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientScope, sampleEvents, silentAfterMs } from '../../../src/alerter/evaluate/event-samples.ts';
import type { NewestEvent } from '../../../src/storage/store/event-store.ts';
import { clientWith } from '../support/config-of.ts';

const nowMs = Date.UTC(2026, 10, 20, 8);
const hourMs = 3_600_000;
const backup = '<alert type="event" service="backup" within="26h"/>';

function eventOf(changes: Partial<NewestEvent> & { readonly hours?: number } = {}): NewestEvent {
  const { hours = 1, ...over } = changes;
  const receivedAtMs = nowMs - hours * hourMs;
  const made = { host: 'web-1', service: 'backup', instance: '', status: 'OK', description: '', ttl: null } as const;
  return { ...made, receivedAtMs, ...over };
}

interface Told {
  readonly rules?: string;
  /** The client; '' for the fleet. Default: web-1. */
  readonly name?: string;
  readonly events?: readonly NewestEvent[];
  readonly mayMiss?: boolean;
}

/** Returns `subject level: text` for each sample. */
function told({ rules = backup, name = 'web-1', events = [], mayMiss = true }: Told): readonly string[] {
  const about = name === '' ? 'source' : 'client';
  const scope = { about, name, rules: clientWith(rules).rules } as const;
  return sampleEvents(scope, events, { nowMs, mayMiss }).map(
    ({ subject, level, valueText }) => `${subject} ${level}${valueText === '' ? '' : `: ${valueText}`}`,
  );
}

const any = '<alert type="event" service="*"/>';
const warning = '<alert type="event" service="*" severity="warning"/>';
for (const [what, given, wanted] of [
  ['a good one', { events: [eventOf({ status: 'OK' })] }, ['backup none: OK']],
  ['with its words', { events: [eventOf({ status: 'WARN', description: 'slow' })] }, ['backup warning: WARN: slow']],
  ['a critical one', { events: [eventOf({ status: 'CRIT' })] }, ['backup critical: CRIT']],
  ['an unknown one', { events: [eventOf({ status: 'UNKNOWN' })] }, ['backup warning: UNKNOWN']],
  ['a rule of warnings', { rules: warning, events: [eventOf({ status: 'CRIT' })] }, ['backup warning: CRIT']],
  ['an instance', { rules: any, events: [eventOf({ instance: 'home' })] }, ['backup/home none: OK']],
  ['of another host', { rules: any, events: [eventOf({ host: 'web-2' })] }, []],
  ['of any host, for the fleet', { rules: any, name: '', events: [eventOf()] }, ['web-1:backup none: OK']],
  ['without a host, for the fleet', { rules: any, name: '', events: [eventOf({ host: '' })] }, ['backup none: OK']],
  ['of no rule', { events: [eventOf({ service: 'other' })] }, ['backup critical: never heard of']],
  ['never heard of', {}, ['backup critical: never heard of']],
  ['perhaps heard of', { mayMiss: false }, ['backup unknown: unknown']],
  [
    'heard of with an instance',
    { events: [eventOf({ instance: 'a' })] },
    ['backup/a none: OK', 'backup none: heard of'],
  ],
  ['that nobody demands', { rules: any }, []],
  ['that a pattern demands', { rules: '<alert type="event" service="back*" within="26h"/>' }, []],
  ['that a rule leaves out', { rules: '<alert type="event" service="!backup" within="26h"/>' }, []],
  ['at its limit', { events: [eventOf({ hours: 26 })] }, ['backup none: OK']],
] satisfies readonly (readonly [string, Told, readonly string[]])[]) {
  test(`an event ${what}`, () => {
    assert.deepEqual(told(given), wanted);
  });
}

test('an event that is too old is silence, which is unknown if rows may be missing', () => {
  const events = [eventOf({ hours: 27, status: 'WARN', description: 'slow' })];
  assert.deepEqual(told({ events }), ['backup critical: silent for 1d 3h, after WARN: slow']);
  assert.deepEqual(told({ events, mayMiss: false }), ['backup unknown: unknown']);
});

test('a ttl of the sender is a limit without a rule of time, and the shorter one counts', () => {
  const brief = eventOf({ ttl: 1800 });
  assert.deepEqual(told({ rules: any, events: [brief] }), ['backup critical: silent for 1h, after OK']);
  const rulesOf = (text: string) => clientScope({ name: 'web-1', rules: clientWith(text).rules });
  assert.equal(silentAfterMs(rulesOf(backup), eventOf()), 26 * hourMs);
  assert.equal(silentAfterMs(rulesOf(backup), brief), 1_800_000);
  assert.equal(silentAfterMs(rulesOf(backup), eventOf({ ttl: 200_000 })), 26 * hourMs);
  assert.equal(silentAfterMs(rulesOf(any), eventOf()), null);
  assert.equal(silentAfterMs(rulesOf(backup), eventOf({ host: 'web-2' })), null);
  assert.equal(
    silentAfterMs({ ...rulesOf(any), about: 'source', name: '' }, eventOf({ host: 'web-2', ttl: 60 })),
    60_000,
  );
});

test('the words of an event are cut to 200 characters and an ellipsis', () => {
  const [said = ''] = told({ rules: any, events: [eventOf({ description: 'x'.repeat(300) })] });
  assert.equal(said, `backup none: OK: ${'x'.repeat(200)}…`);
});
