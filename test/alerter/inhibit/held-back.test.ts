/** The silences in force and the open windows, with the firing alerts that each of them holds back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readHeldBack, type HeldBack } from '../../../src/alerter/inhibit/held-back.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

interface Given {
  /** Elements of <alerts>, and of web-1. */
  readonly fleet?: string;
  readonly own?: string;
  /** The client, the begin and the end of silences, as `08:00`. */
  readonly silences?: readonly (readonly [client: string, begin: string, end: string])[];
  readonly alerts?: readonly Partial<Alert>[];
}

/** Returns what is held back at 08:00, as `3 until 09:00: 2` for the silence with the id 3. */
async function heldBack({ fleet = '', own = '', silences = [], alerts = [] }: Given): Promise<readonly string[]> {
  const config = configOf(`<alerts zone="UTC"><mail to="ops@example.org"/>${fleet}</alerts>
    <client name="web-1" ip="192.0.2.1" username="u">${own}</client><client name="web-2" ip="192.0.2.2" username="u"/>`);
  const rows = silences.map(([client, begin, end], index) => ({
    ...{ id: index + 1, client, rule: '', subject: '', author: 'kim', comment: '' },
    ...{ startsAtMs: at(begin), endsAtMs: at(end) },
  }));
  const storage = {
    operator: { silences: () => Promise.resolve(rows) },
    evaluation: { openAlerts: () => Promise.resolve(alerts.map((over) => alert(over))) },
  } as unknown as Pick<Storage, 'operator' | 'evaluation'>;
  const words = ({ silence, untilMs, alerts: count }: HeldBack): string =>
    `${silence ?? 'window'} until ${new Date(untilMs).toISOString().slice(11, 16)}: ${count}`;
  return (await readHeldBack({ config, storage, nowMs: at('08:00') })).map(words);
}

const window = (start: string, hours: number): string => `<window start="${start}" duration="${hours}h"/>`;
const firing = { client: 'web-1' };
const cases: readonly (readonly [what: string, given: Given, held: readonly string[]])[] = [
  ['nothing, although an alert fires', { alerts: [firing] }, []],
  ['a silence that holds back nothing', { silences: [['web-*', '08:00', '09:00']] }, ['1 until 09:00: 0']],
  ['a silence that is still to begin', { silences: [['web-*', '08:01', '09:00']], alerts: [firing] }, []],
  [
    'the firing alerts that a silence covers, and no pending one',
    {
      silences: [['web-1', '07:00', '09:00']],
      alerts: [firing, { ...firing, rule: 'cpu' }, { ...firing, state: 'pending' }, { client: 'web-2' }],
    },
    ['1 until 09:00: 2'],
  ],
  ['a window of the fleet, once for all its clients', { fleet: window('07:00', 2) }, ['window until 09:00: 0']],
  ['a window of a client alone, without an alert', { own: window('07:30', 2) }, ['window until 09:30: 0']],
  ['a window of a client alone', { own: window('07:30', 2), alerts: [firing] }, ['window until 09:30: 1']],
  ['a window that is closed', { fleet: window('09:00', 2) }, []],
  [
    'silences by their id, then windows by their end',
    {
      silences: [
        ['*', '07:00', '11:00'],
        ['*', '07:00', '08:30'],
      ],
      fleet: window('07:00', 3) + window('07:30', 1),
      alerts: [firing, { client: '', rule: 'collector-silent', subject: 'hq' }],
    },
    ['1 until 11:00: 2', '2 until 08:30: 2', 'window until 08:30: 2', 'window until 10:00: 2'],
  ],
];
for (const [what, given, held] of cases) {
  test(`held back: ${what}`, async () => assert.deepEqual(await heldBack(given), held));
}
