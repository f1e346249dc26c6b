import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openSentMails, type SentMail, type SentMails } from '../../../src/alerter/deliver/sent-mails.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const nowMs = Date.UTC(2026, 10, 20, 12);

function mail(messageId: string, atMs = nowMs): SentMail {
  return { atMs, messageId, recipient: 'ops@example.org', ordinary: false, told: [] };
}

const fileFor = (t: TestContext): string => path.join(tempFolder(t), 'sent');

interface Opened {
  readonly sent: SentMails;
  readonly faults: readonly string[];
}

function open(file: string, options: { readonly atMs?: number; readonly maxBytes?: number } = {}): Opened {
  const faults: string[] = [];
  const { atMs = nowMs, ...bounds } = options;
  const onFault = ({ code }: { readonly code: string }): void => void faults.push(code);
  return { sent: openSentMails({ file, now: () => atMs, onFault, ...bounds }), faults };
}

const idsOf = ({ sent }: Opened): readonly string[] => sent.all().map(({ messageId }) => messageId);

test('a line that a crash left unfinished costs no other line, and only its owner reads the file', (t) => {
  const file = fileFor(t);
  open(file).sent.note(mail('<1>'));
  appendFileSync(file, readFileSync(file, 'utf8').trim().slice(0, 40));
  open(file).sent.note(mail('<2>'));
  assert.deepEqual(idsOf(open(file)), ['<1>', '<2>']);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('two alerters that write at once leave the lines of both', (t) => {
  const file = fileFor(t);
  const [one, other] = [open(file), open(file)];
  assert.deepEqual([idsOf(one), idsOf(other)], [[], []]);
  for (const id of ['<1>', '<3>']) one.sent.note(mail(id));
  for (const id of ['<2>', '<4>']) other.sent.note(mail(id));
  assert.deepEqual(idsOf(open(file)).toSorted(), ['<1>', '<2>', '<3>', '<4>']);
});

test('a mail counts for seven days, and a day later its line goes', (t) => {
  const file = fileFor(t);
  open(file).sent.note(mail('<1>'));
  assert.ok(open(file, { atMs: nowMs + 7 * dayMs - 1 }).sent.find('<1>'));
  assert.equal(open(file, { atMs: nowMs + 7 * dayMs }).sent.find('<1>'), null);
  assert.equal(open(file, { atMs: nowMs - 7 * dayMs }).sent.find('<1>'), null);
  open(file, { atMs: nowMs + 8 * dayMs }).sent.note(mail('<late>', nowMs + 8 * dayMs));
  assert.match(readFileSync(file, 'utf8'), /<1>/);
  const late = nowMs + 8 * dayMs + 1;
  open(file, { atMs: late }).sent.note(mail('<2>', late));
  assert.doesNotMatch(readFileSync(file, 'utf8'), /<1>/);
});

test('the file has a bound, within which the newest mails stay', (t) => {
  const file = fileFor(t);
  const opened = open(file, { maxBytes: 2_000 });
  const ids = Array.from({ length: 100 }, (_, at) => `<${at}>`);
  for (const id of ids) opened.sent.note(mail(id));
  const { size, mode } = statSync(file);
  assert.ok(size <= 2_000);
  assert.equal(mode & 0o777, 0o600);
  const left = idsOf(open(file));
  assert.ok(left.length >= 5);
  assert.deepEqual(left, ids.slice(-left.length));
  for (const id of ids) open(file, { maxBytes: 2_000 }).sent.note(mail(id));
  assert.ok(statSync(file).size <= 2_000);
});

test('a mail about more alerts than the file has room for stays, as the newest', (t) => {
  const file = fileFor(t);
  const opened = open(file, { maxBytes: 2_000 });
  opened.sent.note(mail('<1>'));
  opened.sent.note({ ...mail('<2>'), recipient: 'x'.repeat(3_000) });
  assert.deepEqual(idsOf(open(file)), ['<2>']);
});

test('a file that cannot be read or written is reported once, and counts as empty', (t) => {
  const file = fileFor(t);
  mkdirSync(file);
  const missing = open(`${file}-2`);
  assert.deepEqual([idsOf(missing), missing.faults], [[], []]);
  const opened = open(file);
  assert.deepEqual([idsOf(opened), opened.faults], [[], ['state-unusable']]);
  opened.sent.note(mail('<1>'));
  opened.sent.note(mail('<2>'));
  assert.deepEqual(opened.faults, ['state-unusable']);
  assert.ok(opened.sent.find('<1>'));
});

test('a mail that is sent again is the newest', (t) => {
  const opened = open(fileFor(t));
  for (const id of ['<1>', '<2>', '<1>']) opened.sent.note(mail(id));
  assert.deepEqual(idsOf(opened), ['<2>', '<1>']);
});
