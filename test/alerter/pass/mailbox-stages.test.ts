/** The stages of a pass that read the mailbox of <replies>, over a storage in memory: what they store and report. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { answerReplies } from '../../../src/alerter/pass/answer-replies.ts';
import { LeaseTaken } from '../../../src/alerter/pass/pass-lease.ts';
import { sendCanary } from '../../../src/alerter/pass/send-canary.ts';
import { dayMs } from '../../../src/platform/units.ts';
import type { RuleState } from '../../../src/storage/store/alert.ts';
import type { CanaryState, CanaryTry } from '../../../src/storage/store/reply-store.ts';
import { startImapServer } from '../../support/servers/imap-server.ts';
import { at } from '../support/rows.ts';
import { memoryPass, type MemoryPassOptions } from './support/memory-pass.ts';

const nowMs = at('10:06');
const memory: RuleState = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 9, changes: {} };
/** Elements with a mailbox on this port; nobody listens on port 1. */
const elementsOn = (port: number, user = 'fleet', folder = 'INBOX', host = '127.0.0.1'): string =>
  `<smtp host="mail.example.org" from="fleet@example.org"/>
  <replies imap="imap://${user}@${host}:${port}/${folder}" password="x"/><canary to="canary@example.org" at="10:00"/>
  <alerts zone="UTC"><mail to="ops@example.org"/></alerts><client name="web-1" ip="192.0.2.1" username="u"/>`;

/** Returns a pass whose fleet has this memory, and the memories that it stores. */
function passWith(fleet: Partial<RuleState>, options: Omit<MemoryPassOptions, 'ruleStates'>) {
  const kept: (RuleState | undefined)[] = [];
  const saveProcessed = (_: unknown, { ruleStates }: { readonly ruleStates: ReadonlyMap<string, RuleState> }) =>
    Promise.resolve(void kept.push(ruleStates.get('')));
  const stores = { ...options.stores, evaluation: { saveProcessed } };
  return { ...memoryPass({ nowMs, ...options, ruleStates: new Map([['', { ...memory, ...fleet }]]), stores }), kept };
}

async function imapServer(t: TestContext) {
  const imap = await startImapServer({ password: 'x' });
  t.after(() => imap.stop());
  return imap;
}

const replies = { replyPosition: () => Promise.resolve(null), applyReplies: () => Promise.resolve([]) };

test('each mailbox has a position of its own', async () => {
  const names = new Set<string>();
  const replyPosition = (mailbox: string) => Promise.reject(new Error((names.add(mailbox), 'stop')));
  const boxes = [elementsOn(1), elementsOn(2), elementsOn(1, 'kim'), elementsOn(1, 'fleet', 'ack')];
  for (const elements of [...boxes, elementsOn(1, 'fleet', 'INBOX', '127.0.0.2')]) {
    const { pass } = passWith({}, { elements, stores: { replies: { replyPosition } } });
    await assert.rejects(answerReplies(pass), /stop/);
  }
  assert.equal(names.size, 5);
});

test('a mailbox that cannot be read is remembered since when, with the newest reason, and written once', async () => {
  const first = passWith({}, { elements: elementsOn(1), stores: { replies } });
  await answerReplies(first.pass);
  const [fault = '', ...others] = first.faults();
  assert.match(fault, /^replies-unread: replies at 127\.0\.0\.1:1: .*ECONNREFUSED/);
  const why = fault.slice('replies-unread: '.length);
  assert.deepEqual([others, first.kept], [[], [{ ...memory, repliesUnread: { sinceMs: nowMs, why } }]]);
  for (const [known, kept] of [
    [{ sinceMs: 5, why: 'other' }, [{ ...memory, repliesUnread: { sinceMs: 5, why } }]],
    [{ sinceMs: 5, why }, []],
  ] as const) {
    const then = passWith({ repliesUnread: known }, { elements: elementsOn(1), stores: { replies } });
    await answerReplies(then.pass);
    assert.deepEqual(then.kept, kept);
    assert.deepEqual(then.log, kept.length === 0 ? [] : ['take']);
  }
});

test('a mailbox that is read again is no longer unread, and a message that is passed over is reported', async (t) => {
  const imap = await imapServer(t);
  const head = `From: kim@example.org\nTo: fleet+${'a'.repeat(24)}@example.org\nSubject: Re`;
  for (const id of [1, 2]) imap.deliver(`Message-ID: <${id}@x>\n${head}\n\nack\n`, nowMs);
  const content = /(UID 1 INTERNALDATE "[^"]*") BODY\[\]<0> \{\d+\}\r\n[^]*?\)\r\n(?=\*|\w+ OK)/;
  imap.alter = (answer) => answer.replace(content, '$1 BODY[]<0> NIL)\r\n');
  const repliesUnread = { sinceMs: 5, why: 'x' };
  const { pass, faults, kept } = passWith({ repliesUnread }, { elements: elementsOn(imap.port), stores: { replies } });
  await answerReplies(pass);
  assert.match(faults().join(), /^replies-unread: replies at \S+: message 1 cannot be read and is passed over: [^,]*$/);
  assert.deepEqual(kept, [{ ...memory, repliesUnread: null }]);
  const applyReplies = () => Promise.reject(new Error('no'));
  const failing = passWith({}, { elements: elementsOn(imap.port), stores: { replies: { ...replies, applyReplies } } });
  await answerReplies(failing.pass);
  assert.deepEqual(failing.faults(), ['pass-incomplete: reading replies: no']);
  assert.equal(failing.pass.stages.hasFailed(), false);
});

const tried = (token: string, over: Partial<CanaryTry> = {}): CanaryTry => ({
  ...{ token: token.repeat(24), atMs: at('10:00'), gone: null, back: null },
  ...over,
});
const round = (tries: readonly CanaryTry[], over: Partial<CanaryState> = {}): CanaryState => ({
  ...{ to: 'canary@example.org', roundMs: at('10:00'), tries, found: null, newest: null, unreadSinceMs: null },
  ...over,
});

interface CanaryOptions {
  readonly port?: number;
  readonly mails?: readonly (readonly [token: string, mail: object])[];
  readonly over?: MemoryPassOptions['over'];
}

async function canaryAfter(canary: CanaryState | undefined, { port = 1, mails = [], over = {} }: CanaryOptions = {}) {
  const discarded: number[] = [];
  const withTokens = () => Promise.resolve(new Map(mails.map(([token, mail]) => [token.repeat(24), mail])));
  const discardMail = (id: number) => Promise.resolve(void discarded.push(id));
  const stores = { mails: { withTokens, discardMail } };
  const made = passWith(canary === undefined ? {} : { canary }, { elements: elementsOn(port), stores, over });
  const count = await sendCanary(made.pass);
  return { ...made, count, discarded, stored: made.saved.flatMap((one) => one.mails) };
}

const waits = { id: 3, sentAtMs: null, dataAtMs: null, failedAtMs: null, error: null };

test('the first canary is a mail that delays no other mail and that programs do not answer', async () => {
  const { count, stored, kept } = await canaryAfter(undefined);
  const { content = '', messageId = '', replyToken: token, ...rest } = stored[0] ?? {};
  assert.deepEqual([count, stored.length, kept.length], [1, 1, 1]);
  assert.deepEqual(rest, {
    ...{ recipient: 'canary@example.org', severity: 'warning', ordinary: false, notifications: [], replaces: [] },
  });
  assert.deepEqual(kept[0]?.canary, round([{ ...tried(''), token: token ?? '', atMs: nowMs }], { roundMs: nowMs }));
  assert.ok(content.includes(`Message-ID: ${messageId}\r\n`) && content.includes(token ?? '?'));
  assert.match(content, /^X-Auto-Response-Suppress: All\r\n/m);
  assert.match(content, /^X-Fleet-Health-State: canary\r\n/m);
  assert.match(content, /^Subject: .* of 10:06 [0-9a-f]{24}\r\n/m);
});

test('a canary that waits is neither written anew nor discarded, and nothing is stored', async () => {
  const { count, kept, discarded, faults } = await canaryAfter(round([tried('a')]), { mails: [['a', waits]] });
  assert.deepEqual([count, kept, discarded, faults()], [0, [], [], []]);
});

test('a canary whose mail is missing is written anew, unless it is gone or back', async () => {
  const back = { afterMs: 5, copies: 1, isInJunk: false };
  const tries = [tried('a', { gone: 'x' }), tried('b', { back }), tried('c')];
  const { stored } = await canaryAfter(round(tries));
  assert.deepEqual(
    stored.map(({ replyToken }) => replyToken),
    ['c'.repeat(24)],
  );
});

test('a refused canary is discarded, and one that was sent before is not', async () => {
  const refused = { ...waits, failedAtMs: nowMs, error: 'no' };
  const mails = [['a', refused] as const, ['b', { ...refused, id: 4, sentAtMs: 1 }] as const];
  const { discarded, kept } = await canaryAfter(round([tried('a'), tried('b')]), { mails });
  assert.deepEqual(discarded, [3]);
  assert.deepEqual(kept[0]?.canary?.tries[0]?.gone, 'it was refused: no');
});

test('the mailbox is read since the first canary of the round, and a fault of it is reported', async (t) => {
  const imap = await imapServer(t);
  const sent = { ...waits, sentAtMs: at('10:00'), dataAtMs: at('10:00') };
  const mails = [['a', sent] as const, ['b', sent] as const];
  const tries = [tried('a', { atMs: at('10:00') - 3 * dayMs }), tried('b')];
  const { faults } = await canaryAfter(round(tries), { port: imap.port, mails });
  assert.deepEqual(faults(), []);
  assert.match(imap.commands.join('\n'), /SINCE 1[67]-Nov-2026/);
  const unread = await canaryAfter(round(tries), { mails });
  assert.match(unread.faults().join(), /^\S+: replies at 127\.0\.0\.1:1: /);
  assert.equal(unread.kept[0]?.canary?.unreadSinceMs, nowMs);
});

test('another alerter, or the end of the pass, is no fault of the canary, and anything else is', async () => {
  const failing = (thrown: Error) => ({ isHeld: () => false, take: () => Promise.reject(thrown), release: fine });
  const fine = () => Promise.resolve();
  assert.equal((await canaryAfter(undefined, { over: { lease: failing(new LeaseTaken(null)) } })).count, 0);
  const over = { lease: failing(new Error('odd')), signal: AbortSignal.abort() };
  assert.equal((await canaryAfter(undefined, { over })).count, 0);
  await assert.rejects(canaryAfter(undefined, { over: { lease: failing(new Error('odd')) } }), /odd/);
  const { pass } = memoryPass({ elements: '<client name="web-1" ip="192.0.2.1" username="u"/>' });
  assert.equal(await sendCanary(pass), 0);
});
