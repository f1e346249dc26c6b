/** Replies, links and receipts at their limits: whose mail, until when, which alerts, and each once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs, minuteMs } from '../../../src/platform/units.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { NewMail } from '../../../src/storage/store/outbox-store.ts';
import type { MailboxPosition, NewReply } from '../../../src/storage/store/reply-store.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';
import { alert, mail, stored } from '../support/alert-samples.ts';
import { atTime } from '../support/crashing-database.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { noonMs } from '../support/samples.ts';

/** Opens a storage at noon with these alerts, and mails about them. */
async function open(opened: Opened, alerts: readonly Partial<Alert>[], mails: readonly Partial<NewMail>[]) {
  const clock = { nowMs: noonMs };
  const storage = storageOn(atTime(opened.database, () => clock.nowMs));
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const saved = alerts.map((one) => alert(one));
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: saved, ruleStates: new Map() });
  const some = mails.map((one, at) => mail({ messageId: `<${at}>`, ...one }));
  await storage.notifications.saveNotifications(lease, { mails: some, notified: [], closedOut: [] });
  let uid = 0;
  const apply = async (
    replies: readonly Partial<NewReply>[],
    more: Partial<MailboxPosition> & { isAnew?: boolean } = {},
  ) => {
    const { isAnew = false, ...moved } = more;
    const made = replies.map((one) => ({ ...reply, uid: (uid += 1), ...one, message: one.message ?? `m${uid}` }));
    const position = { uidValidity: '1', uid, arrivedAtMs: clock.nowMs, message: 'last', ...moved };
    const applied = await storage.replies.applyReplies(lease, 'box', { replies: made, position, isAnew });
    return applied.map(({ result, count }) => (count === 0 ? result : `${result} ${count}`));
  };
  return { storage, lease, clock, apply, rows: opened.rows };
}

const ack = { kind: 'ack', forMs: null } as const;
const reply: Omit<NewReply, 'uid' | 'message'> = {
  ...{ arrivedAtMs: noonMs, token: 't', from: 'kim@example.org', automatic: false, line: 'ack', command: ack },
};

onEachDatabase('the button of an alert', (kit) => {
  test('acknowledges an open alert that is no worse than the page showed', async () => {
    const over = { subject: '/over', state: 'resolved', resolvedAtMs: noonMs, closedReason: 'recovered' } as const;
    const states = [{ severity: 'critical' }, { subject: '/mild', severity: 'warning' }, over] as const;
    const { storage } = await open(await kit.open(), states, []);
    const press = (id: number, severity: 'warning' | 'critical', by = 'kim', forMs: number | null = null) =>
      storage.operator.acknowledgeShown(id, { severity, by, forMs, comment: 'on it' });
    const acknowledged = async () =>
      (await storage.evaluation.openAlerts(null)).flatMap(({ id, acknowledgedBy, acknowledgedUntilMs }) =>
        acknowledgedBy === null ? [] : [[id, acknowledgedBy, acknowledgedUntilMs]],
      );
    assert.deepEqual(
      [await press(1, 'warning'), await press(3, 'critical'), await press(9, 'critical')],
      [...['worse', 'ended', 'unknown']],
    );
    assert.deepEqual(await acknowledged(), []);
    assert.equal(await press(2, 'critical'), 'acknowledged');
    assert.equal(await press(2, 'warning'), 'acknowledged');
    assert.equal(await press(1, 'critical', 'lee', minuteMs), 'acknowledged');
    assert.deepEqual((await acknowledged()).sort(), [
      [1, 'lee', noonMs + minuteMs],
      [2, 'kim', null],
    ]);
  });
});

onEachDatabase('replies', (kit) => {
  test('have the outcome that mail, sender, words and time say, and each mail knows a reply once', async () => {
    const { clock, apply } = await open(
      await kit.open(),
      [{}],
      [
        { replyToken: 't', notifications: [stored()] },
        { replyToken: 'empty', notifications: [] },
      ],
    );
    const silence = (minutes: number | null) => ({
      command: { kind: 'silence', forMs: minutes === null ? null : minutes * minuteMs } as const,
    });
    assert.deepEqual(await apply([{ token: 'other' }, { automatic: true }, { command: null, line: null }]), [
      ...['unknown', 'automatic', 'not-understood'],
    ]);
    assert.deepEqual(await apply([{ message: 'once' }, { message: 'once' }]), ['acknowledged 1']);
    assert.deepEqual(await apply([silence(null), { token: 'empty' }]), ['nothing-open', 'nothing-open']);
    clock.nowMs = noonMs + 10 * minuteMs;
    assert.deepEqual(await apply([silence(10), silence(11)]), ['over', 'silenced 1']);
    clock.nowMs = noonMs + 14 * dayMs;
    assert.deepEqual(await apply([{}]), ['acknowledged 1']);
    clock.nowMs += 1;
    assert.deepEqual(await apply([{}]), ['expired']);
  });

  test('count from their arrival, but not from a time that is still to come', async () => {
    const { storage, clock, apply } = await open(await kit.open(), [{}], [{ replyToken: 't' }]);
    clock.nowMs = noonMs + minuteMs;
    const command = { kind: 'silence', forMs: 5 * minuteMs } as const;
    await apply([
      { command, line: 'silence 5m' },
      { command, arrivedAtMs: noonMs + dayMs },
    ]);
    assert.deepEqual(pluckAll(await storage.operator.silences(noonMs), 'startsAtMs', 'endsAtMs', 'author', 'comment'), [
      [noonMs, noonMs + 5 * minuteMs, 'kim@example.org', 'replied "silence 5m"'],
      [noonMs + minuteMs, noonMs + 6 * minuteMs, 'kim@example.org', 'replied "ack"'],
    ]);
    await apply([{ command: { kind: 'ack', forMs: 2 * minuteMs } }]);
    const [held] = await storage.evaluation.openAlerts(null);
    assert.deepEqual(
      [held?.acknowledgedBy, held?.acknowledgedUntilMs, held?.acknowledgedComment, held?.acknowledgedAtMs],
      ['kim@example.org', noonMs + 2 * minuteMs, 'replied "ack"', noonMs + minuteMs],
    );
  });

  test('of a mailbox are those behind its last reading; of one that was made anew, those not applied', async () => {
    const { storage, apply, rows } = await open(await kit.open(), [{}], [{ replyToken: 't' }]);
    const place = async () => {
      const { uidValidity, uid, message } = (await storage.replies.replyPosition('box')) ?? assert.fail('none');
      return [uidValidity, uid, message];
    };
    assert.equal(await storage.replies.replyPosition('box'), null);
    assert.equal((await apply([{ uid: 7 }], { uid: 7, message: 'seven' })).length, 1);
    assert.equal((await apply([{ uid: 6 }, { uid: 7 }, { uid: 8 }], { uid: 8, message: 'eight' })).length, 1);
    await apply([], { uid: 5, message: 'five' });
    assert.deepEqual(await place(), ['1', 8, 'eight']);
    assert.equal((await apply([{ uid: 1 }], { uid: 1, message: 'new', isAnew: true })).length, 1);
    assert.deepEqual(await place(), ['1', 1, 'new']);
    assert.equal((await apply([{ uid: 1 }], { uidValidity: '2', uid: 1, message: 'other' })).length, 1);
    assert.deepEqual(await place(), ['2', 1, 'other']);
    // Readings of earlier releases recorded no message.
    await apply([], { uidValidity: '3', uid: 1, message: null });
    const late = await apply([{ uid: 1 }, { uid: 2, arrivedAtMs: noonMs + 1 }], { uidValidity: '4', uid: 2 });
    assert.equal(late.length, 1);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM mail_replies'), [[5]]);
  });

  test('to the link of a mail name its recipient or who answers, and links to others are unknown', async () => {
    const mails = [{ replyToken: 't' }, { replyToken: 'receipt', recipient: 'webhook:chat', messageId: '<w>' }];
    const { storage, clock } = await open(await kit.open(), [{}], mails);
    const answer = (token: string, by: string | null, forMs: number | null = null) =>
      storage.links.answerLink(token, { line: 'ack', forMs, by });
    assert.deepEqual(await answer('receipt', null), { from: '', line: 'ack', result: 'unknown', count: 0 });
    assert.equal(await storage.links.linkedMail('receipt'), 'unknown');
    const said = { line: 'ack', result: 'acknowledged', count: 1 };
    assert.deepEqual(await answer('t', null, minuteMs), { from: 'ops@example.org', ...said });
    const [first] = await storage.evaluation.openAlerts(null);
    assert.deepEqual([first?.acknowledgedUntilMs, first?.acknowledgedComment], [noonMs + minuteMs, 'by link "ack"']);
    assert.deepEqual(await answer('t', 'kim'), { from: 'kim', ...said });
    assert.equal((await storage.evaluation.openAlerts(null))[0]?.acknowledgedUntilMs, null);
    clock.nowMs += 14 * dayMs;
    assert.ok(typeof (await storage.links.linkedMail('t')) !== 'string');
    clock.nowMs += 1;
    assert.equal(await storage.links.linkedMail('t'), 'expired');
    assert.deepEqual(await answer('t', 'kim'), { from: 'kim', line: 'ack', result: 'expired', count: 0 });
  });

  test('a link lists the alerts of its mail: those that nobody acknowledged, the others, the ended ones', async () => {
    const ended = { state: 'resolved', resolvedAtMs: noonMs, closedReason: 'gone' } as const;
    const alerts = [
      { subject: '/a', ...ended },
      { subject: '/b' },
      { subject: '/c', severity: 'warning' },
      {},
    ] as const;
    const notifications = [1, 2, 3].map((alertId) => stored({ alertId, sequence: alertId === 2 ? 9 : 1 }));
    const { storage } = await open(await kit.open(), alerts, [{ replyToken: 't', notifications }]);
    await storage.operator.acknowledge([2], 'kim', null, null);
    const linked = await storage.links.linkedMail('t');
    assert.ok(typeof linked !== 'string');
    assert.deepEqual([linked.recipient, pluck(linked.alerts, 'id'), linked.open], ['ops@example.org', [3, 2, 1], [3]]);
  });
});

onEachDatabase('receipts', (kit) => {
  /** Opens a storage with one message about each of these alerts, of the channel, sent with its receipt `r1`, `r2`.. */
  const sent = async (alerts: readonly Partial<Alert>[]) => {
    const mails = alerts.map((_, at) => ({
      ...{ recipient: 'webhook:push', messageId: `<${at}>`, notifications: [stored({ alertId: at + 1 })] },
    }));
    const opened = await open(await kit.open(), alerts, mails);
    for (const at of alerts.keys()) {
      assert.ok(await opened.storage.outbox.claimMail(at + 1, 'one', minuteMs));
      await opened.storage.outbox.markSent(at + 1, 'one', noonMs, `r${at + 1}`);
    }
    const receipts = async (limit = 9, recipient = 'webhook:push') =>
      (await opened.storage.replies.openReceipts(recipient, limit)).map(
        ({ receipt, open }) => `${receipt} ${open.map(({ progress }) => progress.clearing).join()}`,
      );
    return { ...opened, receipts };
  };
  const progress = { holding: 1, holdingSinceMs: noonMs, clearing: 4, missing: 0, easing: 2, lastAtMs: noonMs };

  test('name their critical alerts that fire and are not acknowledged, for a week', async () => {
    const { storage, clock, receipts } = await sent([
      { subject: '/a', progress },
      { subject: '/b', severity: 'warning', progress },
      { subject: '/c', state: 'pending', progress },
      { subject: '/d', progress },
      { subject: '/e', progress },
    ]);
    await storage.operator.acknowledge([4], 'kim', null, null);
    await storage.operator.acknowledge([5], 'kim', noonMs + minuteMs, null);
    assert.deepEqual(await receipts(), ['r1 4', 'r2 ', 'r3 ', 'r4 ', 'r5 ']);
    assert.deepEqual(await receipts(1), ['r1 4']);
    assert.deepEqual(await receipts(9, 'webhook:other'), []);
    clock.nowMs = noonMs + minuteMs;
    assert.equal((await receipts()).at(-1), 'r5 4');
    clock.nowMs = noonMs + 7 * dayMs - 1;
    assert.equal((await receipts()).length, 5);
    clock.nowMs += 1;
    assert.deepEqual(await receipts(), []);
  });

  test('that somebody acknowledged acknowledge their alerts, and are not asked for again', async () => {
    const { storage, lease, receipts } = await sent([{ subject: '/a' }, { subject: '/b' }]);
    const said = { from: 'kim', line: 'ack', result: 'acknowledged', count: 1 };
    assert.deepEqual(await storage.replies.closeReceipt(lease, 'r1', 'kim'), said);
    assert.deepEqual(await receipts(), ['r2 0']);
    assert.equal(await storage.replies.closeReceipt(lease, 'r2', null), null);
    assert.deepEqual(await receipts(), []);
    const open = await storage.evaluation.openAlerts(null);
    assert.deepEqual(pluckAll(open, 'acknowledgedBy', 'acknowledgedUntilMs', 'acknowledgedComment'), [
      ['kim', null, 'replied "ack"'],
      [null, null, null],
    ]);
  });
});

/** Returns a mail with a token in a header, in links of quoted-printable text (one is divided), and in base64. */
function mailWith(token: string, cut: number): string {
  const link = `https://fleet.example.org/reply/${token}`;
  const divided = `${link.slice(0, link.length - cut)}=\r\n${link.slice(link.length - cut)}`;
  const packed = Buffer.from(`${'größer '.repeat(20)}\n${link}\n${'größer '.repeat(20)}`).toString('base64');
  const lines = packed.replace(/.{76}(?=.)/g, '$&\r\n');
  const head = `Reply-To: fleet+${token}@example.org\r\nMessage-ID: <${'ab'.repeat(16)}@example.org>`;
  return `${head}\r\n\r\n--x\r\n\r\n${divided}\r\n${link}\r\n--x\r\n\r\n${lines}\r\n--x--\r\n`;
}

/** Returns everything in a text that may be read: itself, without soft line breaks, and its base64. */
function readable(text: string): string {
  const packed = text.match(/(?:^[A-Za-z0-9+/]{76}\r\n)+[A-Za-z0-9+/=]*$/gm) ?? [];
  return [text, text.replaceAll('=\r\n', ''), ...packed.map((one) => Buffer.from(one, 'base64').toString())].join('\n');
}

type Sending = Pick<Awaited<ReturnType<typeof open>>, 'storage' | 'lease'>;
/** The ways in which a mail ends that was not sent. */
const notSent: readonly (readonly [how: string, end: (sending: Sending) => Promise<unknown>])[] = [
  ['refused', ({ storage }) => storage.outbox.markFailed(1, 'one', '550 no')],
  [
    'replaced',
    ({ storage, lease }) =>
      storage.notifications.saveNotifications(lease, {
        mails: [mail({ messageId: '<new>', replaces: [1] })],
        notified: [],
        closedOut: [],
      }),
  ],
  [
    'given up',
    async ({ storage }) => {
      await storage.outbox.markPutOff(1, 'one', 1, 'busy');
      assert.equal(await storage.mails.discardMail(1), true);
    },
  ],
  [
    'for nobody any more',
    ({ storage }) => storage.outbox.dropMail({ id: 1, recipient: 'ops@example.org', dataAtMs: null }, 'one'),
  ],
];

onEachDatabase('the token of a mail', (kit) => {
  test('is a digest in its table, and leaves its text when the mail is sent', async () => {
    const token = '0123456789abcdef01234567';
    const contents = Array.from({ length: 26 }, (_, cut) => mailWith(token, cut));
    for (const [at, content] of [contents[0] ?? '', contents[7] ?? '', contents[23] ?? ''].entries()) {
      const { storage, rows, apply } = await open(await kit.open(), [{}], [{ replyToken: token, content }]);
      const [[before = '', digest = ''] = []] = await rows('SELECT content, reply_token FROM mails');
      assert.ok(readable(String(before)).includes(token));
      assert.ok(!String(digest).includes(token));
      const [due] = await storage.outbox.dueMails(1);
      await storage.outbox.claimMail(due?.id ?? 0, 'one', minuteMs);
      await storage.outbox.markSent(due?.id ?? 0, 'one');
      const [row = []] = await rows('SELECT * FROM mails');
      assert.ok(!readable(row.map(String).join('\n')).includes(token), String(at));
      // Nothing else changes, and nobody can answer by what the table has.
      assert.ok(row.some((value) => String(value).length === content.length));
      assert.deepEqual(await apply([{ token: String(digest) }, { token }]), ['unknown', 'acknowledged 1']);
    }
  });

  for (const [how, end] of notSent) {
    test(`leaves the text of a mail that is ${how}, and a mail that is sent after all has another one`, async () => {
      const [token, next] = ['0123456789abcdef01234567', 'f0e1d2c3b4a5968778695a4b'];
      const content = mailWith(token, 7);
      const { storage, rows, lease, apply } = await open(await kit.open(), [{}], [{ replyToken: token, content }]);
      // A mail that is replaced was never claimed.
      if (how !== 'replaced') await storage.outbox.claimMail(1, 'one', minuteMs);
      await end({ storage, lease });
      const [row = []] = await rows('SELECT * FROM mails WHERE id = 1');
      assert.ok(!readable(row.map(String).join('\n')).includes(token));
      assert.ok(row.some((value) => String(value).length === content.length));
      const isResent = await storage.mails.resendMail(1, next);
      assert.equal(isResent, how === 'refused');
      const [[after = ''] = []] = await rows('SELECT content FROM mails WHERE id = 1');
      assert.equal(String(after), isResent ? mailWith(next, 7) : row.find((value) => value === String(after)));
      if (isResent) assert.deepEqual(await apply([{ token }, { token: next }]), ['unknown', 'acknowledged 1']);
    });
  }

  test('acknowledges with a bounded line and name, equally on each database', async () => {
    const { storage, rows } = await open(await kit.open(), [{}], [{ replyToken: 't' }]);
    await storage.links.answerLink('t', { line: `ack ${'x'.repeat(2_000)}`, forMs: null, by: 'é'.repeat(400) });
    const [row = []] = await rows('SELECT acknowledged_by, acknowledged_comment FROM alerts');
    assert.deepEqual(
      row.map((value) => String(value).length),
      [255, 1000],
    );
  });
});
