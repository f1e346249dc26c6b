/** The fate of a mail by the fault of its attempt: how long it waits, when it is given up, and who is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { deliverMail } from '../../../src/alerter/deliver/deliver-mail.ts';
import type { Delivery } from '../../../src/alerter/deliver/delivery.ts';
import { composeRefusalNotice } from '../../../src/alerter/deliver/refusal-notice.ts';
import { canaryMark } from '../../../src/notify/mail-identity.ts';
import { TakenInPart, TryLater, type Channel } from '../../../src/notify/notify.ts';
import { asError } from '../../../src/notify/within.ts';
import { FleetError, type FleetErrorOptions } from '../../../src/platform/errors/errors.ts';
import type { Mail, NewMail } from '../../../src/storage/store/outbox-store.ts';

const nowMs = Date.UTC(2026, 10, 20, 12);
const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;
const mail: Mail = {
  ...{ id: 7, recipient: 'ops@example.org', messageId: '<7@example.org>', severity: 'critical', attempts: 0 },
  ...{ content: 'Subject: disk\r\n\r\nx\r\n', createdAtMs: nowMs, nextAttemptAtMs: null, dataAtMs: null },
  ...{ sentAtMs: null, failedAtMs: null, error: null },
};
type Made = ConstructorParameters<typeof FleetError>[0];
const fault = (code: FleetErrorOptions['code'], stage: FleetErrorOptions['stage'], retryable = false): FleetError =>
  new FleetError({ code, stage, message: 'said so', retryable } satisfies Made);

interface Given {
  readonly thrown?: unknown;
  readonly of?: Partial<Mail>;
  readonly about?: 'open' | 'ended' | 'none';
  readonly over?: Partial<Delivery>;
  /** False if no channel reaches the recipient. */
  readonly isReached?: boolean;
  /** The fault that says so. */
  readonly unreached?: FleetError;
  /** The time and the receipt of a mail that this machine has sent before. */
  readonly before?: { readonly atMs: number; readonly receipt: string };
  /** True if the content is sent before the fault. */
  readonly isBegun?: boolean;
  readonly receipt?: string;
  readonly outbox?: object;
}

/** Delivers a mail whose attempt ends with a fault. Returns the event, and what the outbox is told. */
async function delivered({ thrown = null, of = {}, about = 'open', over = {}, isReached = true, ...more }: Given) {
  const { unreached = fault('mail-unavailable', 'login'), before = null, isBegun = false, receipt } = more;
  const told: (readonly unknown[])[] = [];
  const notices: NewMail[] = [];
  const [claims, notes, seen]: [number[], unknown[], unknown[]] = [[], [], []];
  const note =
    (name: string) =>
    (...given: readonly unknown[]): Promise<void> => {
      told.push([name, ...given.slice(2)]);
      return Promise.resolve();
    };
  const outbox = {
    claimMail: (_id: number, _holder: string, forMs: number) => Promise.resolve(claims.push(forMs) > 0),
    toldBy: () => Promise.resolve({ ordinary: true, told: ['an alert'] }),
    markDataBegun: () => Promise.resolve(),
    alertsOfMail: () => Promise.resolve(about),
    dropMail: () => Promise.resolve(true),
    ...{ markSent: note('sent'), markFailed: note('failed'), markPutOff: note('put off') },
    ...more.outbox,
  };
  const saveNotifications = (_: unknown, { mails }: { readonly mails: readonly NewMail[] }): Promise<string> => {
    notices.push(...mails);
    return Promise.resolve('stored');
  };
  const channel: Channel = {
    ...{ name: 'smtp', timeoutMs: 1000, answerTimeoutMs: 1000, close: () => undefined },
    send: async (_mail, { onDataBegun, onReceipt }) => {
      if (isBegun) await onDataBegun();
      if (receipt !== undefined) onReceipt?.(receipt);
      if (thrown !== null) throw asError(thrown);
    },
  };
  const channelFor = (): Channel => {
    if (!isReached) throw unreached;
    return channel;
  };
  const delivery = {
    ...{ storage: { outbox, notifications: { saveNotifications } }, lease: { holder: 'one' }, graceMs: 0 },
    ...{ channels: { channelFor }, sent: { find: () => before, note: (one: object) => notes.push(one) } },
    ...{ isNamed: () => true, observe: (one: object) => seen.push(one) },
    ...{ signal: new AbortController().signal, now: () => nowMs, away: new Map() },
    ...{ fallback: { to: 'root@example.org', from: 'fleet@example.org' } },
    ...over,
  } as unknown as Delivery;
  const event = await deliverMail(delivery, { ...mail, ...of });
  return { kind: event?.kind, event, told, notices, claims, notes, seen, away: [...delivery.away.values()] };
}

const refused = fault('mail-refused', 'mail');
const byPolicy = fault('mail-refused', 'mail', true);
const none = fault('mail-unavailable', 'mail');
const inPart = new TakenInPart({ code: 'mail-refused', stage: 'mail', message: 'said so' });
const later = (stage: FleetErrorOptions['stage'], afterMs: number): TryLater =>
  new TryLater({ code: 'mail-unavailable', stage, message: 'said so' }, afterMs);
const failed = (mayBeTaken: boolean) => ['failed', 'said so', mayBeTaken] as const;
/** Returns a pause in minutes, less the five seconds by which a run may begin early. */
const off = (minutes: number, isRefused = false) =>
  ['put off', minutes * minuteMs - 5_000, 'said so', isRefused] as const;
const dayOld = { createdAtMs: nowMs - dayMs };

const cases: readonly (readonly [what: string, given: Given, told: readonly unknown[]])[] = [
  ['no fault', {}, ['sent', undefined, undefined]],
  ['a fault of this mail', { thrown: none }, off(1)],
  ['a fault of this mail, again', { thrown: none, of: { attempts: 3 } }, off(8)],
  [
    'a receiver that names a later time',
    { thrown: later('mail', 7 * minuteMs) },
    ['put off', 7 * minuteMs, 'said so', false],
  ],
  ['a receiver that names an earlier time', { thrown: later('mail', 1) }, off(1)],
  ['no name of the server', { thrown: fault('mail-unavailable', 'resolve'), of: { attempts: 9 } }, off(5)],
  ['no connection', { thrown: fault('mail-unavailable', 'connect'), of: { attempts: 9 } }, off(5)],
  ['a refused login', { thrown: fault('mail-unavailable', 'login'), of: { attempts: 9 } }, off(60)],
  [
    'a channel that names a later time',
    { thrown: later('login', 90 * minuteMs) },
    ['put off', 90 * minuteMs, 'said so', false],
  ],
  ['no channel', { isReached: false, of: { attempts: 1 } }, off(2)],
  ['no channel for good', { isReached: false, unreached: refused }, failed(false)],
  ['a refusal of a mail about an open alert', { thrown: refused }, off(5, true)],
  ['a second refusal', { thrown: refused, of: { attempts: 1 } }, off(15, true)],
  ['a refusal of a mail about ended alerts', { thrown: refused, about: 'ended' }, off(5, true)],
  ['a refusal of a day old mail about ended alerts', { thrown: refused, about: 'ended', of: dayOld }, failed(false)],
  ['a refusal of a day old mail about an open alert', { thrown: refused, of: dayOld }, off(5, true)],
  ['a refusal of a mail about no alert', { thrown: refused, about: 'none' }, failed(false)],
  ['a refusal of a mail that may have arrived', { thrown: refused, about: 'none', of: { dataAtMs: 1 } }, failed(true)],
  ['a refusal after a part was taken', { thrown: inPart, about: 'none' }, failed(true)],
  ['a refusal after a part was taken, about an open alert', { thrown: inPart }, off(5)],
  ['a refusal by policy', { thrown: byPolicy, about: 'none' }, off(15, true)],
  ['a refusal by policy, again', { thrown: byPolicy, about: 'none', of: { attempts: 5 } }, off(32, true)],
  ['the ninth refusal by policy', { thrown: byPolicy, about: 'none', of: { attempts: 8 } }, off(60, true)],
  ['the tenth refusal by policy', { thrown: byPolicy, about: 'none', of: { attempts: 9 } }, failed(false)],
  ['the tenth refusal by policy, about an open alert', { thrown: byPolicy, of: { attempts: 9 } }, off(60, true)],
];
for (const [what, given, told] of cases) {
  test(`after ${what}: ${String(told[0])}`, async () => {
    const found = await delivered(given);
    assert.deepEqual(found.told, [told]);
    const kinds = { sent: 'sent', failed: 'refused' }[String(told[0])] ?? 'put-off';
    assert.equal(found.kind, kinds);
    const { recipient, messageId } = mail;
    const outcome = kinds === 'sent' ? { where: 'smtp' } : { error: 'said so' };
    assert.deepEqual([found.event, found.seen], [{ kind: kinds, ...outcome, recipient, messageId }, [found.event]]);
    const why = given.thrown ?? given.unreached;
    const isRefusal = why instanceof FleetError && why.code === 'mail-refused';
    assert.deepEqual(found.notices.length, isRefusal ? 1 : 0);
    assert.equal(/was refused for good/.test(found.notices[0]?.content ?? ''), told[0] === 'failed');
  });
}

test('a fault of another stage keeps a channel from the next mails, and a fault of one mail does not', async () => {
  const awayAfter = async (thrown: unknown): Promise<readonly unknown[]> => (await delivered({ thrown })).away;
  assert.deepEqual(await awayAfter(none), []);
  assert.deepEqual(await awayAfter(refused), []);
  assert.deepEqual((await delivered({ isReached: false })).away, []);
  assert.deepEqual(await awayAfter(new TypeError('no such property')), []);
  const away = { error: 'said so', pauseMs: minuteMs - 5_000 };
  assert.deepEqual(await awayAfter(fault('mail-unavailable', 'connect')), [away]);
});

test('a fault of the program itself is named as such', async () => {
  const [[, , error] = []] = (await delivered({ thrown: new TypeError('no such property') })).told;
  assert.equal(error, 'internal: no such property');
});

test('a mail to nobody that config.xml names is dropped, and without a fallback nobody is told', async () => {
  const gone = await delivered({ over: { isNamed: () => false } });
  assert.deepEqual([gone.kind, gone.told], ['dropped', []]);
  assert.deepEqual((await delivered({ thrown: refused, over: { fallback: null } })).notices, []);
});

test('an attempt that a signal ended is tried again at once, and a refusal counts all the same', async () => {
  const signal = AbortSignal.abort(new Error('ended'));
  const ended = await delivered({ thrown: none, over: { signal } });
  assert.deepEqual(ended.told, [['put off', 0, 'interrupted', false]]);
  assert.deepEqual((await delivered({ thrown: refused, about: 'none', over: { signal } })).told, [failed(false)]);
});

test('an attempt that a signal ended after the content was sent is tried again after a pause', async () => {
  const signal = AbortSignal.abort(new Error('ended'));
  const ended = await delivered({ thrown: none, isBegun: true, over: { signal } });
  assert.deepEqual(ended.told, [['put off', minuteMs - 5_000, 'interrupted', false]]);
});

test('a mail is claimed for its attempt and a minute more, and left alone if another alerter has it', async () => {
  assert.deepEqual((await delivered({})).claims, [1000 + 1000 + minuteMs]);
  assert.deepEqual((await delivered({ isReached: false })).claims, [minuteMs]);
  const other = await delivered({ outbox: { claimMail: () => Promise.resolve(false) } });
  assert.deepEqual([other.event, other.told, other.notes], [null, [], []]);
});

test('a mail that was accepted is noted with its alerts and its receipt, and only marked the next time', async () => {
  const { recipient, messageId } = mail;
  const first = await delivered({ receipt: 'r-7' });
  const known = { atMs: nowMs, messageId, recipient, ordinary: true, receipt: 'r-7', told: ['an alert'] };
  assert.deepEqual([first.notes, first.told], [[known], [['sent', undefined, 'r-7']]]);
  const again = await delivered({ before: { atMs: 5, receipt: 'r-7' } });
  assert.deepEqual([again.notes, again.told], [[], [['sent', 5, 'r-7']]]);
  assert.deepEqual(again.event, { kind: 'known', sentAtMs: 5, recipient, messageId });
});

test('a mail by a channel that is away waits as long as the mail before it', async () => {
  const away = { get: () => ({ error: 'no answer', pauseMs: 7 }), values: () => [] };
  const { told, notes } = await delivered({ over: { away: away as never } });
  assert.deepEqual([told, notes], [[['put off', 7, 'no answer', false]], []]);
});

test('a claim that has run out is another alerter’s mail, and a lease that is lost ends the run', async () => {
  const markedBy = (thrown: FleetError) => {
    let marks = 0;
    const markSent = (): Promise<never> => {
      marks += 1;
      return Promise.reject(thrown);
    };
    return delivered({ outbox: { markSent } }).then(({ event }) => [event, marks] as const);
  };
  assert.deepEqual(await markedBy(fault('locked', 'mail', true)), [null, 1]);
  const lost = fault('locked', 'storage', true);
  await assert.rejects(markedBy(lost), lost);
  const broken = fault('storage-failed', 'mail');
  await assert.rejects(markedBy(broken), broken);
});

const fallback = { to: 'root@example.org', from: 'fleet@example.org' };
const noticeOf = (of: Partial<Mail>, isFinal = false): Promise<NewMail | null> =>
  composeRefusalNotice({ refused: { ...mail, ...of }, reason: '550 no such user', isFinal, fallback, nowMs });

test('no notice is made of a notice, a canary, or a mail to the fallback address', async () => {
  const silent: readonly Partial<Mail>[] = [
    { messageId: '<7.refused@example.org>' },
    { messageId: `<${canaryMark}7@example.org>` },
    { recipient: fallback.to },
  ];
  for (const of of silent) assert.equal(await noticeOf(of), null);
});

test('a notice goes to the fallback address, as severe as its mail, under an id of its own', async () => {
  const { content = '', ...found } = (await noticeOf({})) ?? {};
  assert.deepEqual(found, {
    ...{ recipient: fallback.to, messageId: '<7.refused@example.org>', severity: 'critical', ordinary: false },
    ...{ notifications: [], replaces: [] },
  });
  assert.match(content, /^Subject: Not delivered to ops@example\.org: disk\r$/m);
  assert.match(content, /^Date: Fri, 20 Nov 2026 12:00:00 \+0000\r$/m);
  assert.match(content, /^A mail to ops@example\.org was refused:\r\n\r\n {2}550 no such user\r$/m);
  const counted = '`fleet-health status` counts what was not delivered.';
  const tried = [
    'It follows below, and is tried for some hours more, and as long as one of its',
    'alerts is open: this may be lifted. There will be no other notice about it.',
    'Mend the address in config.xml, or ask whoever runs the receiving server;',
  ];
  const whole = content.replaceAll('=\r\n', '');
  assert.ok(whole.includes(`\r\n\r\n${[...tried, counted, ''].join('\r\n')}`), content);
  const final = (await noticeOf({}, true))?.content ?? '';
  assert.match(final, /was refused for good:/);
  const ended = ['It follows below and is not sent again. Mend the address, or what refused it,', 'in config.xml;'];
  assert.ok(final.replaceAll('=\r\n', '').includes(`\r\n\r\n${[...ended, counted, ''].join('\r\n')}`), final);
  assert.doesNotMatch(final, /some hours more/);
});

test('a notice names a command without its bar, and the whole of a folded subject', async () => {
  const content = 'Subject: disk\r\n more\r\n\r\nx\r\n';
  const notice = (await noticeOf({ recipient: '|/usr/bin/page', content }))?.content;
  assert.match(notice ?? '', /^Subject: Not delivered to \/usr\/bin\/page: disk more\r$/m);
});

test('a notice has the body of a post as it was sent, and a mail as a mail', async () => {
  const post = 'Subject: disk\r\nContent-Type: application/json\r\n\r\n{"text":"disk"}';
  const ofPost = (await noticeOf({ recipient: 'webhook:chat', content: post }))?.content ?? '';
  assert.match(ofPost, /^Subject: Not delivered to webhook chat: disk\r$/m);
  assert.match(ofPost, /^Content-Type: application\/json\b/m);
  assert.ok(ofPost.includes(Buffer.from('{"text":"disk"}').toString('base64')), ofPost);
  assert.doesNotMatch(ofPost, /message\/rfc822/);
  assert.match((await noticeOf({}))?.content ?? '', /^Content-Type: message\/rfc822/m);
});
