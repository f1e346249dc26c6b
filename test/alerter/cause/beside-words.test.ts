/** The line below `unreachable` that says what clients beside a lost one saw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { besideSentence, noSentenceWords } from '../../../src/alerter/cause/beside-words.ts';
import { readLooks } from '../../../src/alerter/cause/read-looks.ts';
import type { Look, LookOutcome } from '../../../src/report/beside.ts';
import { lookOutcomes, unaskedReasons } from '../../../src/report/beside.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { NotificationStore } from '../../../src/storage/store/notification-store.ts';
import { times } from '../../support/times.ts';

type Seen = Readonly<Record<string, LookOutcome>>;

function lookOf(seen: Seen, more: Partial<Look> = {}): Look {
  return { from: 'fra-1', port: 22, seen: Object.entries(seen), near: 2, ...more };
}

const filter = '(a firewall between it and them would look the same)';
const bothWays = 'the way from fra-1 to it is broken, or it drops what comes from fra-1';
const [db2, db3] = ['db-2', 'db-3'] as const;

/** A look and the visit before it, with what is said of both, and of what else would look the same. */
interface Row {
  readonly seen: Seen;
  readonly code: string;
  readonly says: string | null;
  /** The number of those asked that are of the subnet. Default: all. */
  readonly near?: number;
  readonly reachedBefore?: readonly string[];
}
const rows: readonly Row[] = [
  // A proxy that accepts for a machine that is off sends no banner; a firewall may drop the collector alone.
  {
    seen: { [db2]: 'reached', [db3]: 'reached' },
    code: 'connect-timeout',
    says: `from beside it: db-2 and db-3 reach its port 22: ${bothWays}.`,
  },
  {
    seen: { [db2]: 'reached' },
    code: 'connect-failed',
    says: `from beside it: db-2 reaches its port 22: ${bothWays}.`,
  },
  {
    seen: { [db2]: 'unable', [db3]: 'reached' },
    code: 'connect-timeout',
    says: `from beside it: db-3 reaches its port 22: ${bothWays}.`,
  },
  {
    seen: { [db2]: 'reached', [db3]: 'reached' },
    code: 'connect-timeout',
    near: 0,
    says: `of it from other networks: db-2 and db-3 reach its port 22: ${bothWays}, or its address is another machine there.`,
  },
  {
    seen: { [db2]: 'reached', [db3]: 'reached' },
    code: 'connect-refused',
    says: 'from beside it: db-2 and db-3 reach its port 22: it or a firewall refuses fra-1.',
  },
  {
    seen: { [db2]: 'reached' },
    code: 'handshake-closed',
    says: 'from beside it: db-2 reaches its port 22: it, or what stands before it, closes connections from fra-1.',
  },
  // The collector was refused too: no rule for the neighbours explains that, but one of the client for all does.
  {
    seen: { [db2]: 'refused', [db3]: 'refused' },
    code: 'connect-refused',
    says: 'from beside it: db-2 and db-3 are refused: the machine is up, its sshd is not, or its firewall refuses all.',
  },
  // Its firewall rejects all but the collector, or theirs rejects what goes out, and the machine is off.
  {
    seen: { [db2]: 'refused', [db3]: 'refused' },
    code: 'connect-timeout',
    says: 'from beside it: db-2 and db-3 are refused: the machine is up, its sshd is not, or a firewall refuses them.',
  },
  {
    seen: { [db2]: 'refused' },
    code: 'connect-timeout',
    says: 'from beside it: db-2 is refused: the machine is up, its sshd is not, or a firewall refuses db-2.',
  },
  {
    seen: { [db2]: 'refused' },
    code: 'connect-timeout',
    reachedBefore: [db2],
    says: 'from beside it: db-2 is refused: the machine is up, its sshd is not, or a firewall refuses db-2.',
  },
  // A router before it may refuse the collector and other networks alike.
  {
    seen: { [db2]: 'refused' },
    code: 'connect-refused',
    near: 0,
    says:
      'of it from another network: db-2 is refused: the machine is up, its sshd is not, or a firewall or a router ' +
      'before it refuses db-2.',
  },
  {
    seen: { [db2]: 'no answer', [db3]: 'no answer' },
    code: 'connect-timeout',
    says: `from beside it: db-2 and db-3 get no answer from it either ${filter}.`,
  },
  {
    seen: { [db2]: 'no answer', [db3]: 'no answer' },
    code: 'connect-timeout',
    near: 0,
    says:
      'of it from other networks: db-2 and db-3 get no answer from it either (a firewall between it and them or ' +
      'a broken line to its network would look the same).',
  },
  {
    seen: { [db2]: 'no answer', [db3]: 'no answer' },
    code: 'connect-timeout',
    near: 0,
    reachedBefore: [db3],
    says:
      'of it from other networks: db-2 and db-3 get no answer from it either (a broken line to its network would ' +
      'look the same).',
  },
  {
    seen: { [db2]: 'no answer' },
    code: 'connect-refused',
    says: 'from beside it: db-2 gets no answer from it (a firewall between it and db-2 would look the same).',
  },
  {
    seen: { [db2]: 'no banner', [db3]: 'no banner' },
    code: 'connect-timeout',
    says:
      'from beside it: db-2 and db-3 are connected and not greeted by an SSH server: its sshd hangs or is not up, or ' +
      'something else answers them.',
  },
  {
    seen: { [db2]: 'no route', [db3]: 'no route' },
    code: 'connect-timeout',
    near: 0,
    says: 'of it from other networks: db-2 and db-3 have no route to its network.',
  },
  {
    seen: { [db2]: 'reached', [db3]: 'no answer' },
    code: 'connect-timeout',
    says: 'from beside it: db-2 reaches it, db-3 gets no answer.',
  },
  {
    seen: { [db2]: 'no answer', [db3]: 'refused' },
    code: 'connect-timeout',
    near: 1,
    says: 'from beside it and from another network: db-2 gets no answer, db-3 is refused.',
  },
  { seen: { [db2]: 'unable', [db3]: 'unable' }, code: 'connect-timeout', says: null },
];
for (const { seen, code, says, near = 2, reachedBefore = [] } of rows) {
  const who = near === 2 ? '' : `, ${near} of them near`;
  test(`${JSON.stringify(seen)}${who}${reachedBefore.join()} after ${code}: ${says ?? 'nothing'}`, () => {
    const told = besideSentence({ beside: lookOf(seen, { near }), atMs: 0, code, reachedBefore });
    assert.equal(told, says === null ? null : `Seen ${says}`);
  });
}

test('no conclusion is told without what else would look the same', () => {
  for (const outcome of lookOutcomes) {
    for (const code of ['connect-timeout', 'connect-failed', 'connect-refused', 'handshake-closed']) {
      for (const near of [0, 1]) {
        const look = { beside: lookOf({ 'db-2': outcome }, { near }), atMs: 0, code, reachedBefore: [] };
        const said = besideSentence(look) ?? '';
        const concludes = /: (?:the machine|the way|it,|its sshd)/.test(said.replace(/^[^:]*: /, ''));
        assert.equal(concludes && !/, or | or | would look the same/.test(said), false, said);
        assert.equal(/beside/.test(said), near > 0 && outcome !== 'unable', said);
      }
    }
  }
});

test('the firewall is no explanation once one of them has reached the client before', () => {
  const seen = { 'db-2': 'no answer', 'db-3': 'no answer' } as const;
  const expected = 'Seen from beside it: db-2 and db-3 get no answer from it either.';
  const look = { beside: lookOf(seen), atMs: 0, code: 'connect-timeout', reachedBefore: ['db-3'] };
  assert.equal(besideSentence(look), expected);
});

/** Returns an alert whose newest visit has this time. */
const newestAt = (lastAtMs: number): Pick<Alert, 'progress'> => ({
  progress: { holding: 1, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs },
});

test('a look that is older than the newest visit says when it was', () => {
  const look = { beside: lookOf({ 'db-2': 'refused' }), atMs: 5, code: 'connect-timeout', reachedBefore: [] };
  const moment = (atMs: number): string => `08:0${atMs}`;
  const said = [5, 6].map((lastAtMs) => besideSentence(look, { alert: newestAt(lastAtMs), moment }));
  const words = 'db-2 is refused: the machine is up, its sshd is not, or a firewall refuses db-2.';
  assert.deepEqual(said, [`Seen from beside it: ${words}`, `Seen from beside it at 08:05: ${words}`]);
});

test('names cannot break a line, and a line of several clients says which it means', () => {
  const beside = lookOf({ 'db\u001b[2J-2': 'reached' }, { from: 'fra\n1' });
  const look = { beside, atMs: 0, code: 'connect-timeout', reachedBefore: [] };
  const told = besideSentence(look, { alert: newestAt(0), moment: String, what: 'db-1' });
  assert.match(
    told ?? '',
    /^Seen from beside db-1: .*reaches its port 22: the way from fra 1 to it is broken, or it drops what comes from fra 1\.$/,
  );
  // oxlint-disable-next-line no-control-regex -- control characters are what may not be there
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
  local: 'its address is a machine of its own for each that dials it, such as 127.0.0.1, or the end of a tunnel here',
  back: 'it answered the collector again in the same run, when they were asked',
};
for (const [reason, words] of Object.entries(unasked) as [(typeof unaskedReasons)[number], string][]) {
  test(`nobody was asked: ${reason}`, () => {
    const look = { beside: { unasked: reason }, atMs: 0, code: 'connect-timeout', reachedBefore: [] };
    assert.equal(noSentenceWords(look, true), `Nobody beside it was asked whether it can be reached: ${words}.`);
  });
}
