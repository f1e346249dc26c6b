/** The line below `unreachable` that says what clients beside a lost one saw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { besideSentence, noSentenceWords } from '../../../src/alerter/cause/beside-words.ts';
import { readLooks } from '../../../src/alerter/cause/read-looks.ts';
import type { Look, LookOutcome } from '../../../src/report/beside.ts';
import { unaskedReasons } from '../../../src/report/beside.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { NotificationStore } from '../../../src/storage/store/notification-store.ts';
import { times } from '../../support/times.ts';

type Seen = Readonly<Record<string, LookOutcome>>;

function lookOf(seen: Seen, more: Partial<Look> = {}): Look {
  return { from: 'fra-1', port: 22, seen: Object.entries(seen), ...more };
}

function sentence(seen: Seen, code: string, reachedBefore: readonly string[] = []): string | null {
  return besideSentence({ beside: lookOf(seen), atMs: 0, code, reachedBefore });
}

const filter = '(a firewall that lets only fra-1 in would look the same)';

for (const [seen, code, expected] of [
  [
    { 'db-2': 'reached', 'db-3': 'reached' },
    'connect-timeout',
    'db-2 and db-3 reach its port 22: the way from fra-1 to it is broken.',
  ],
  [{ 'db-2': 'reached' }, 'connect-failed', 'db-2 reaches its port 22: the way from fra-1 to it is broken.'],
  [
    { 'db-2': 'unable', 'db-3': 'reached' },
    'connect-timeout',
    'db-3 reaches its port 22: the way from fra-1 to it is broken.',
  ],
  [
    { 'db-2': 'reached', 'db-3': 'reached' },
    'connect-refused',
    'db-2 and db-3 reach its port 22: fra-1 alone is refused.',
  ],
  [{ 'db-2': 'reached' }, 'handshake-failed', 'db-2 reaches its port 22 too: the machine is up.'],
  [
    { 'db-2': 'refused', 'db-3': 'refused' },
    'connect-refused',
    'db-2 and db-3 are refused by it: the machine is up, its sshd is not.',
  ],
  [{ 'db-2': 'refused' }, 'connect-timeout', 'db-2 is refused by it: the machine is up, its sshd is not.'],
  [
    { 'db-2': 'no answer', 'db-3': 'no answer' },
    'connect-timeout',
    `db-2 and db-3 get no answer from it either ${filter}.`,
  ],
  [{ 'db-2': 'no answer' }, 'connect-refused', `db-2 gets no answer from it ${filter}.`],
  [{ 'db-2': 'reached', 'db-3': 'no answer' }, 'connect-timeout', 'db-2 reaches it, db-3 gets no answer.'],
  [{ 'db-2': 'no answer', 'db-3': 'refused' }, 'connect-timeout', 'db-2 gets no answer, db-3 is refused by it.'],
  [{ 'db-2': 'unable', 'db-3': 'unable' }, 'connect-timeout', null],
] as const satisfies readonly (readonly [Seen, string, string | null])[]) {
  test(`${JSON.stringify(seen)} after ${code}: ${expected ?? 'nothing'}`, () => {
    assert.equal(sentence(seen, code), expected === null ? null : `Seen from beside it: ${expected}`);
  });
}

test('the firewall is no explanation once one of them has reached the client before', () => {
  const seen = { 'db-2': 'no answer', 'db-3': 'no answer' } as const;
  const expected = 'Seen from beside it: db-2 and db-3 get no answer from it either.';
  assert.equal(sentence(seen, 'connect-timeout', ['db-3']), expected);
});

/** Returns an alert whose newest visit has this time. */
const newestAt = (lastAtMs: number): Pick<Alert, 'progress'> => ({
  progress: { holding: 1, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs },
});

test('a look that is older than the newest visit says when it was', () => {
  const look = { beside: lookOf({ 'db-2': 'refused' }), atMs: 5, code: 'connect-timeout', reachedBefore: [] };
  const moment = (atMs: number): string => `08:0${atMs}`;
  const said = [5, 6].map((lastAtMs) => besideSentence(look, { alert: newestAt(lastAtMs), moment }));
  const words = 'db-2 is refused by it: the machine is up, its sshd is not.';
  assert.deepEqual(said, [`Seen from beside it: ${words}`, `Seen from beside it at 08:05: ${words}`]);
});

test('names cannot break a line, and a line of several clients says which it means', () => {
  const beside = lookOf({ 'db\u001b[2J-2': 'reached' }, { from: 'fra\n1' });
  const look = { beside, atMs: 0, code: 'connect-timeout', reachedBefore: [] };
  const told = besideSentence(look, { alert: newestAt(0), moment: String, what: 'db-1' });
  assert.match(told ?? '', /^Seen from beside db-1: .*reaches its port 22: the way from fra 1 to it is broken\.$/);
  // eslint-disable-next-line no-control-regex -- control characters are what may not be there
  assert.doesNotMatch(told ?? '', /[\x00-\x1f]/);
});

test('explain says why there is no line', () => {
  for (const unasked of unaskedReasons) {
    const look = { beside: { unasked }, atMs: 0, code: 'connect-timeout', reachedBefore: [] };
    assert.equal(besideSentence(look), null);
    assert.match(noSentenceWords(look, true), /^Nobody beside it was asked whether it can be reached: .+\.$/);
  }
  assert.match(noSentenceWords(null, false), /neighbours="yes" is not in force for it\.$/);
  assert.match(noSentenceWords(null, true), /was not of a full run, .+, or failed at a bastion\.$/);
  const beside = lookOf({ 'db-2': 'unable', 'db-3': 'unable' });
  assert.equal(
    noSentenceWords({ beside, atMs: 0, code: null, reachedBefore: [] }, true),
    'db-2 and db-3 were asked whether it can be reached, and could not look.',
  );
});

test('of many unreachable clients the newest have their looks read', async () => {
  const alerts = times(101, (at) => ({
    ...{ client: `db-${at}`, rule: 'unreachable', state: 'firing' },
    ...{ pendingSinceMs: at, firingSinceMs: at },
  })) as unknown as readonly Alert[];
  const asked: string[] = [];
  const looksOf: NotificationStore['looksOf'] = (some) => {
    asked.push(...some.map(({ client }) => client));
    return Promise.resolve(new Map());
  };
  await readLooks({ notifications: { looksOf } as NotificationStore }, alerts);
  assert.deepEqual([asked.length, asked.includes('db-100'), asked.includes('db-0')], [100, true, false]);
});

/** The words for each reason why nobody was asked. */
const unasked: Readonly<Record<(typeof unaskedReasons)[number], string>> = {
  nobody: 'the run had visited no client of its subnet or group behind the same bastions',
  restricted: 'the keys of those beside it are restricted to their agent',
  time: 'the run had no time left for them, or they gave no answer in time',
  isolated: 'the collector reached nearly nobody in that run',
  address: 'the address that was dialled is not known to the collector',
  shared: 'several clients have its address',
  many: 'the run had more lost clients than clients are asked about',
};
for (const [reason, words] of Object.entries(unasked) as [(typeof unaskedReasons)[number], string][]) {
  test(`nobody was asked: ${reason}`, () => {
    const look = { beside: { unasked: reason }, atMs: 0, code: 'connect-timeout', reachedBefore: [] };
    assert.equal(noSentenceWords(look, true), `Nobody beside it was asked whether it can be reached: ${words}.`);
  });
}
