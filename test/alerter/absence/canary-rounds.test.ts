/** The rounds of a canary, minute by minute, behind mail servers that lose its mails in eight ways. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { isAwaited, judgeCanary, lastCanaryDue, withNextTry } from '../../../src/alerter/absence/canary-rounds.ts';
import type { FoundCanary } from '../../../src/notify/replies/find-canaries.ts';
import type { MailSummary } from '../../../src/storage/store/outbox-store.ts';
import { canaryWords, type CanaryState } from '../../../src/storage/store/reply-store.ts';
import { at } from '../support/rows.ts';
import { clock } from '../support/time-line.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const canary = { to: 'canary@example.org', everyMs: dayMs, atMinute: 4 * 60 + 10 };

/** Returns the copies of a mail that arrive after a hop, with the time from the sending to each. */
type Hop = (sentAtMs: number) => readonly (Partial<FoundCanary> & { readonly afterMs: number })[];

const straight: Hop = () => [{ afterMs: 12_000 }];

interface World {
  readonly hop?: Hop;
  /** True while the mail server accepts nothing. */
  readonly isAway?: (nowMs: number) => boolean;
  /** True while the mailbox cannot be read. */
  readonly isUnread?: (nowMs: number) => boolean;
  readonly until: number;
  /** The time between two passes. */
  readonly stepMs?: number;
  /** True at times without a pass. */
  readonly isAsleep?: (nowMs: number) => boolean;
  readonly everyMs?: number;
}

/** Plays passes from 04:00 on. Returns every change of the outcome, with the time, and the number of mails. */
function play({ hop = straight, isAway, isUnread, until, stepMs = minuteMs, isAsleep, everyMs = dayMs }: World) {
  const mails = new Map<string, MailSummary>();
  const arrived: FoundCanary[] = [];
  const told: string[] = [];
  let state: CanaryState = {
    ...{ to: canary.to, roundMs: at('04:00'), tries: [], newest: null, unreadSinceMs: null },
    found: { kind: 'well', roundMs: at('04:00'), ofMs: at('04:00'), atMs: 0, afterMs: 0, copies: 1, reason: '' },
  };
  for (let nowMs = at('04:00') + stepMs; nowMs <= until; nowMs += stepMs) {
    if (isAsleep?.(nowMs) === true) continue;
    const send = (): void => {
      for (const [token, mail] of mails) {
        if (mail.sentAtMs !== null) continue;
        const isTaken = isAway?.(nowMs) !== true;
        mails.set(token, isTaken ? { ...mail, sentAtMs: nowMs, dataAtMs: nowMs } : { ...mail, error: 'away' });
        if (!isTaken) continue;
        for (const { afterMs, ...more } of hop(nowMs)) {
          arrived.push({ token, folder: 'mailbox', bounce: null, arrivedAtMs: nowMs + afterMs, ...more });
        }
      }
    };
    send();
    const before = state;
    if (isAwaited(state, nowMs)) {
      const unread = isUnread?.(nowMs) === true ? 'no answer' : null;
      const seen = unread === null ? arrived.filter(({ arrivedAtMs }) => arrivedAtMs <= nowMs) : [];
      state = judgeCanary(state, { mails, seen, unread, nowMs, everyMs });
    }
    state = withNextTry(state, { canary: { ...canary, everyMs }, zone: 'UTC', nowMs }, () => `token-${mails.size}`);
    for (const { token } of state.tries) if (!mails.has(token)) mails.set(token, mailOf(nowMs));
    send();
    const { found } = state;
    const isNews = found !== null && (found.kind !== before.found?.kind || found.reason !== before.found.reason);
    if (isNews) told.push(`${clock(nowMs)} ${found.kind}: ${canaryWords(found, clock)}`);
  }
  return { told, mails: mails.size, state };
}

function mailOf(createdAtMs: number): MailSummary {
  const nothing = { nextAttemptAtMs: null, dataAtMs: null, sentAtMs: null, failedAtMs: null, error: null };
  return { id: 1, recipient: '', messageId: '', severity: 'warning', createdAtMs, attempts: 1, ...nothing };
}

const greylisted = (): Hop => {
  const firstAt: number[] = [];
  return (sentAtMs) => {
    firstAt.push(sentAtMs);
    return [{ afterMs: Math.max(12_000, (firstAt[0] ?? 0) + hourMs - sentAtMs) }];
  };
};

const nowhere = 'the mail server took it, and it arrived nowhere';
const lost = (time: string, reason: string): string => `${time} lost: the canary of 04:10 did not come back: ${reason}`;
/** Eight hops, and the outcomes within two days. */
const hops: readonly { readonly what: string; readonly hop: () => Hop; readonly told: readonly string[] }[] = [
  { what: 'accepts and drops', hop: () => () => [], told: [lost('05:25', nowhere)] },
  {
    what: 'greylists for an hour',
    hop: greylisted,
    told: [
      '05:10 late: the canary of 04:10 arrived after 1h by the clock of the mailbox',
      '+1 04:15 well: the canary of +1 04:10 was back after 12s',
    ],
  },
  {
    what: 'files to Junk',
    hop: () => () => [{ afterMs: 5_000, folder: 'junk' }],
    told: ['04:15 junk: the canary of 04:10 arrived in Junk'],
  },
  {
    what: 'delays a day',
    hop: () => () => [{ afterMs: dayMs }],
    told: [lost('05:25', nowhere), lost('+1 04:10', 'it arrived after 1d')],
  },
  // A message without the token is found by nobody.
  { what: 'strips the token', hop: () => () => [{ afterMs: 5_000, token: 'x' }], told: [lost('05:25', nowhere)] },
  {
    what: 'bounces later',
    hop: () => () => [{ afterMs: 20 * minuteMs, bounce: '550 no such user' }],
    told: [lost('05:25', 'it bounced: 550 no such user')],
  },
  {
    what: 'loops',
    hop: () => () => [{ afterMs: minuteMs, bounce: '554 too many hops' }],
    told: [lost('05:15', 'it bounced: 554 too many hops')],
  },
  {
    what: 'delivers twice',
    hop: () => () => [{ afterMs: 5_000 }, { afterMs: 70_000 }],
    told: ['04:15 repeated: the canary of 04:10 arrived twice'],
  },
  {
    what: 'delivers twice on one day',
    hop: () => (ms) => [{ afterMs: 5_000 }, ...(ms < at('05:00') ? [{ afterMs: 25 * minuteMs }] : [])],
    told: [
      '04:35 repeated: the canary of 04:10 arrived twice',
      '+1 04:25 well: the canary of +1 04:10 was back after 5s',
    ],
  },
  {
    what: 'delivers twice, half an hour apart',
    hop: () => () => [{ afterMs: 0 }, { afterMs: 31 * minuteMs }],
    told: [],
  },
  {
    what: 'files a second copy to Junk',
    hop: () => () => [{ afterMs: 5_000 }, { afterMs: 5_000, folder: 'junk' }],
    told: [],
  },
  {
    what: 'delays the first mail, and files the second to Junk',
    hop: () => (ms) => [ms < at('04:15') ? { afterMs: 30 * minuteMs } : { afterMs: 5_000, folder: 'junk' }],
    told: ['04:30 junk: the canary of 04:10 arrived in Junk'],
  },
];

describe('a hop is found within two days, and told once, if it', () => {
  for (const { what, hop, told } of hops) {
    test(what, () => {
      assert.deepEqual(play({ hop: hop(), until: at('+2 04:00'), stepMs: 5 * minuteMs }).told, told);
    });
  }
});

describe('thirty days end without an alert and with one mail a day', () => {
  const between = (from: string, to: string) => (nowMs: number) => nowMs >= at(from) && nowMs < at(to);
  for (const [what, world] of Object.entries({
    'if all goes well': {},
    'if the mail server is away for four hours': { isAway: between('+3 03:00', '+3 07:00') },
    'if the mailbox cannot be read for a day': { isUnread: between('+3 04:00', '+4 03:50') },
    'if no pass is made for three days': { isAsleep: between('+3 04:11', '+6 12:00') },
    'if a mail needs a quarter of an hour': { hop: () => [{ afterMs: 899_000 }] as const },
    'if a mail is lost now and then': {
      hop: (ms) => (ms % (3 * dayMs) < dayMs && ms % dayMs < at('04:14') % dayMs ? [] : straight(ms)),
    },
  } satisfies Record<string, Partial<World>>)) {
    test(what, () => {
      const { told, mails } = play({ until: at('+30 04:00'), stepMs: 5 * minuteMs, ...world });
      assert.deepEqual(told, []);
      assert.ok(mails >= 27 && mails <= 40, String(mails));
    });
  }
});

test('after a loss a canary goes out each hour, and the first that is back in time ends it', () => {
  const hop: Hop = (sentAtMs) => (sentAtMs < at('09:00') ? [{ afterMs: at('09:30') - sentAtMs }] : straight(sentAtMs));
  const { told, mails, state } = play({ hop, until: at('12:00') });
  assert.deepEqual(told, [lost('05:25', nowhere), '09:11 well: the canary of 09:10 was back after 12s']);
  // Three, and one at each of 06:10, 07:10, 08:10 and 09:10.
  assert.equal(mails, 7);
  assert.equal(state.found?.ofMs, at('09:10'));
});

test('no mail accepted, or no mailbox read, until the next canary is due is an alert', () => {
  const away = play({ isAway: () => true, until: at('+1 06:00'), stepMs: 5 * minuteMs });
  assert.deepEqual(away.told, [lost('+1 04:10', 'the mail server has not accepted it: away')]);
  const unread = play({ isUnread: () => true, until: at('+1 06:00'), stepMs: 5 * minuteMs });
  assert.deepEqual(unread.told, [lost('+1 04:15', 'its mailbox cannot be read: no answer')]);
  assert.equal(unread.mails, 1);
});

test('a canary is due at its time of day, in the zone of people, and every few hours or days from there', () => {
  const due = (time: string, everyMs: number, zone = 'UTC'): string =>
    clock(lastCanaryDue({ canary: { ...canary, everyMs }, zone, nowMs: at(time) }));
  assert.equal(due('+1 04:09', dayMs), '04:10');
  assert.equal(due('+1 04:10', dayMs), '+1 04:10');
  assert.equal(due('+1 03:09', dayMs, 'Europe/Berlin'), '03:10');
  assert.equal(due('+1 03:10', dayMs, 'Europe/Berlin'), '+1 03:10');
  assert.equal(due('+1 09:00', 2 * hourMs), '+1 08:10');
  assert.equal(due('+1 01:00', 6 * hourMs), '22:10');
  assert.equal(due('+6 05:00', 3 * dayMs), '+4 04:10');
});

test('another address begins anew at once, and so does a round that is still to come', () => {
  const { state } = play({ until: at('05:00') });
  const time = { canary, zone: 'UTC', nowMs: at('05:00') };
  const fresh = (to: string, nowMs: number) =>
    withNextTry(state, { ...time, canary: { ...canary, to }, nowMs }, () => 't');
  assert.equal(fresh(canary.to, at('05:00')), state);
  assert.deepEqual(fresh('other@example.org', at('05:00')).found, null);
  assert.equal(fresh(canary.to, at('03:00')).roundMs, at('03:00'));
});

/** Returns the state of a canary of 04:10 after a look at 05:00. */
function looked(mail: Partial<MailSummary> | null, seen: readonly Partial<FoundCanary>[]) {
  const tries = [{ token: 't', atMs: at('04:10'), gone: null, back: null }];
  const state = { to: canary.to, roundMs: at('04:10'), tries, found: null, newest: null, unreadSinceMs: null };
  const mails = new Map(mail === null ? [] : [['t', { ...mailOf(at('04:10')), ...mail }]]);
  const found = seen.map((one): FoundCanary => {
    return { token: 't', folder: 'mailbox', bounce: null, arrivedAtMs: at('04:20'), ...one };
  });
  const judged = judgeCanary(state, { mails, seen: found, unread: null, nowMs: at('05:00'), everyMs: hourMs });
  return { ...judged, gone: judged.tries[0]?.gone, back: judged.tries[0]?.back ?? null };
}

for (const [what, mail, arrived, minutes] of [
  ['from the answer of the mail server', { dataAtMs: at('04:12'), sentAtMs: at('04:14') }, '04:20', 6],
  ['from the end of the data, if the answer was lost', { dataAtMs: at('04:12') }, '04:20', 8],
  ['from the canary itself, if its mail is not kept any more', null, '04:20', 10],
  ['from the sending at the earliest', { sentAtMs: at('04:21') }, '04:20', 0],
  ['to now at the latest, if the clock of the mailbox is ahead', { sentAtMs: at('04:50') }, '09:00', 10],
] as const) {
  test(`the time of a canary counts ${what}`, () => {
    assert.equal(looked(mail, [{ arrivedAtMs: at(arrived) }]).back?.afterMs, minutes * minuteMs);
  });
}

test('a canary is in time after a quarter of an hour, and late after it', () => {
  const kindAfter = (afterMs: number) =>
    looked({ sentAtMs: at('04:10') }, [{ arrivedAtMs: at('04:10') + afterMs }]).found?.kind;
  assert.equal(kindAfter(15 * minuteMs), 'well');
  assert.equal(kindAfter(15 * minuteMs + 1), 'late');
});

test('a mail that the server refused, or has not taken until the next canary is due, is lost by itself', () => {
  assert.equal(looked({ failedAtMs: at('04:11'), error: '550 no' }, []).gone, 'it was refused: 550 no');
  assert.equal(looked({}, []).gone, null);
  assert.equal(looked({ sentAtMs: at('04:45') }, []).gone, '');
  assert.equal(looked({ sentAtMs: at('04:45') + 1 }, []).gone, null);
  assert.equal(looked({ failedAtMs: at('04:11') }, [{}]).gone, null, 'and came all the same');
});

test('an outcome keeps the time at which it was found first, and that of the canary that showed it', () => {
  const junk = play({ hop: () => [{ afterMs: 5_000, folder: 'junk' }], until: at('04:30') }).state.found;
  assert.deepEqual([junk?.ofMs, junk?.atMs], [at('04:10'), at('04:11')]);
  const { found, tries } = play({ hop: () => [], until: at('+2 04:00'), stepMs: 5 * minuteMs }).state;
  assert.deepEqual([found?.ofMs, found?.atMs], [at('04:10'), at('05:25')]);
  assert.equal(tries.length, 30, 'no more mails of a loss are looked for');
});

test('the first canary goes out at once', () => {
  const time = { canary, zone: 'UTC', nowMs: at('05:00') };
  const tries = [{ token: 't', atMs: at('05:00'), gone: null, back: null }];
  const begun = { to: canary.to, roundMs: at('05:00'), tries, found: null, newest: null, unreadSinceMs: null };
  assert.deepEqual(
    withNextTry(null, time, () => 't'),
    begun,
  );
});
