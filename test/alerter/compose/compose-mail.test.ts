import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { isWide } from '../../support/long-tests.ts';
import { sampleReport } from '../../../src/alerter/evaluate/sample-row.ts';
import type { CheckStat } from '../../../src/report/checks/checks.ts';
import { composeMail } from '../../../src/alerter/compose/compose-mail.ts';
import { composeHtml } from '../../../src/alerter/compose/compose-html.ts';
import { composeText } from '../../../src/alerter/compose/compose-text.ts';
import type { LineWords } from '../../../src/alerter/compose/line-words.ts';
import { columnsOf } from '../../../src/text/text-columns.ts';
import { shownShellWord } from '../../../src/text/shell-word.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { freezeMail, type MailText } from '../../../src/notify/mime.ts';
import { dueMail, type Said } from '../support/due-mails.ts';
import { config, now, sample, samples as usualSamples, type Sample } from '../support/mail-samples.ts';
import { at, checkRow, reportRow } from '../support/rows.ts';
import { codePoint } from '../../support/code-points.ts';

/** Returns the notification of a row of a check, from the sample that a rule makes of it. */
function saidOf(client: string, rule: string, check: Partial<CheckStat>, over: Partial<Said> = {}): Said {
  const own = config.clients.find(({ name }) => name === client);
  if (own === undefined) throw new Error(`no client ${client}`);
  const row = { row: reportRow({ client }), disks: [], networks: [], checks: [checkRow(check)], report: null };
  const found = sampleReport({ client: own, ...row }).samples.find((one) => one.rule.name === rule);
  if (found === undefined) throw new Error(`no sample of ${rule}`);
  const { subject, value, valueText, limitText, level } = found;
  const severity = level === 'critical' ? 'critical' : 'warning';
  return { client, rule, subject, value, valueText, limitText, severity, transition: 'firing', ...over };
}

const evil = '\u202e\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script>';
const before = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: at('08:05') } as const;
const reached = (said: Said): Said => ({
  ...said,
  progress: {
    ...{ holding: 2, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('10:05') },
    worst: {
      atMs: at('08:30'),
      severity: 'critical',
      value: null,
      valueText: 'MAILQ CRITICAL: 210 messages are unsent',
      limitText: '',
    },
  },
});

/** Mails about checks that users wrote; each has its golden files in test/testdata/mails. */
const checkSamples: Readonly<Record<string, Sample>> = {
  'check-critical': sample([
    reached(saidOf('web-1', 'check', { state: 2, text: 'MAILQ CRITICAL: 210 messages are unsent\nmore' }, { id: 401 })),
  ]),
  'check-warning': sample([
    saidOf('web-2', 'check', { check_name: 'apt', state: 1, text: '3 security updates' }, { id: 402 }),
  ]),
  'check-unknown': sample([
    saidOf('web-1', 'check-unknown', { check_name: 'backup', state: 3, text: 'timeout' }, { id: 403 }),
  ]),
  'check-untrusted': sample([
    saidOf(
      'web-1',
      'check-untrusted',
      {
        check_name: '/etc/fleet-health/checks.d/site.conf',
        state: 3,
        text: 'others may write to /etc/fleet-health/checks.d',
        refused: 1,
      },
      { id: 404 },
    ),
  ]),
  'check-resolved': sample([
    reached(
      saidOf(
        'web-1',
        'check',
        { text: 'MAILQ OK: 3 messages are unsent' },
        {
          ...{ transition: 'resolved', severity: 'critical', before, id: 405 },
        },
      ),
    ),
  ]),
  'check-value': sample([
    saidOf('web-1', 'check_value check=mailq label=unsent', { perfdata: 'unsent=210;50;200' }, { id: 406 }),
  ]),
  'check-hostile': sample([
    saidOf('web-1', 'check', { check_name: `x${evil}`, state: 2, text: `${evil} ${'x'.repeat(900)}` }, { id: 407 }),
    saidOf('web-2', 'check-untrusted', { check_name: `/etc/${evil}`, text: evil, refused: 1, state: 3 }, { id: 408 }),
  ]),
};

const folder = path.join(import.meta.dirname, '../../testdata/mails');
const samples = { ...usualSamples, ...checkSamples };
const updates = process.env['UPDATE_GOLDEN'] !== undefined;

function compose(mail: DueMail, charts: Parameters<typeof composeMail>[0]['charts'] = new Map()): MailText {
  return composeMail({ mail, config, nowMs: now, charts, program: 'fleet-health' });
}

function compareWithFile(name: string, content: string): void {
  const file = path.join(folder, name);
  if (updates) writeFileSync(file, content);
  assert.ok(existsSync(file), `${name} is missing; UPDATE_GOLDEN=1 writes it`);
  assert.equal(content, readFileSync(file, 'utf8'));
}

for (const [name, { mail, charts }] of Object.entries(samples)) {
  test(`mail: ${name}`, async () => {
    const words = compose(mail, charts);
    compareWithFile(`${name}.txt`, `Subject: ${words.subject}\n\n${words.text}`);
    compareWithFile(`${name}.html`, words.html);
    if (name !== 'critical-and-more') return;
    const content = await freezeMail({
      mail: words,
      from: 'Fleet Health <fleet-health@example.org>',
      to: mail.recipient,
      dateMs: now,
    });
    compareWithFile(`${name}.eml`, content);
  });
}

test('every file of the samples belongs to one', () => {
  const files = readdirSync(folder);
  assert.ok(files.length >= 50, `only ${files.length} files`);
  const strangers = files.filter((file) => !Object.hasOwn(samples, path.parse(file).name));
  assert.deepEqual(strangers, []);
});

/** Asserts that no line is wider than 72 columns, except an unbreakable URL or word of a command. */
function assertNarrow(text: string, { items }: DueMail): void {
  const words = new Set(items.flatMap(({ client, rule }) => [shownShellWord(client), shownShellWord(rule)]));
  const stays = (line: string): boolean =>
    /^\s*[(<]?https?:\/\/\S+$/.test(line) || words.has(line.replace(/ \\$/, '').replace(/^ */, ''));
  const wide = text.split('\n').filter((line) => columnsOf(line) > 72 && !stays(line));
  assert.deepEqual(wide, []);
}

const anyText = fc.oneof(
  fc.string({ unit: codePoint, maxLength: 120 }),
  fc.string({ unit: 'grapheme', maxLength: 120 }),
  fc.constantFrom(
    '数据库'.repeat(40),
    '👩‍👩‍👧‍👦'.repeat(30),
    'é'.repeat(90),
    'خادم '.repeat(30),
    'x'.repeat(500),
    '\r\n\r\nBcc: a@b.c',
  ),
);

const anyMail = fc
  .array(
    fc.record({
      client: fc.oneof(
        fc.constantFrom('web-1', 'db-2'),
        anyText.map((text) => `c${text}`),
      ),
      rule: fc.oneof(
        fc.constantFrom('disk', 'unreachable', 'host-key-changed', 'not-trusted'),
        anyText.map((text) => `r${text}`),
      ),
      subject: anyText,
      valueText: anyText,
      limitText: anyText,
      note: fc.oneof(anyText, fc.constant('see https://example.org/'.padEnd(120, 'x'))),
      severity: fc.constantFrom('critical' as const, 'warning' as const),
      transition: fc.constantFrom('firing', 'escalated', 'resolved', 'ended', 'past', 'reminder', 'flapping', 'steady'),
      value: fc.constantFrom(null, 96.2),
      groups: fc.constantFrom([], ['rack'], ['хранилище']),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((said) => dueMail(config, said as never));

test('no text is wider than 72 columns, and nothing from outside comes through that could do harm', () => {
  fc.assert(
    fc.property(anyMail, (mail) => {
      const { subject, text, html } = compose(mail);
      assertNarrow(text, mail);
      const harmful = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\ufeff]/u;
      assert.doesNotMatch(text.replaceAll('\n', ''), harmful);
      assert.doesNotMatch(html.replaceAll('\n', ''), harmful);
      assert.doesNotMatch(subject, harmful);
      assert.ok(columnsOf(subject) <= 120, subject);
      assertHarmless(html);
    }),
    { numRuns: isWide ? 300 : 40 },
  );
});

/** Asserts that the body has no tags and attributes except those of the layout. */
function assertHarmless(html: string): void {
  const body = html.slice(html.indexOf('<body'));
  const tags = [...body.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
  const allowed =
    /^<(?:\/?(?:body|html)|\/?(?:div|p|b|span|code|a))(?: style="[^"<>]*"| href="https?:\/\/[^"<>\s]*")?>$/;
  const forbidden = tags.filter((tag) => !allowed.test(tag));
  assert.deepEqual(forbidden, []);
  assert.doesNotMatch(body.replace(/<[^>]*>/g, ''), /[<>"']/);
}

test('a name in the way of the markup is only text', () => {
  const mail = dueMail(config, [
    {
      client: '<b onclick=x>',
      rule: 'r"><script>',
      transition: 'firing',
      note: 'javascript:alert(1) https://x.example/"onclick=y',
    },
  ]);
  const { html } = compose(mail);
  assertHarmless(html);
  assert.match(html, /&lt;b onclick=x&gt;: r&quot;&gt;&lt;script&gt;/);
  assert.match(html, /<a href="https:\/\/x.example\/">https:\/\/x.example\/<\/a>&quot;onclick=y/);
  assert.doesNotMatch(html, /href="javascript/);
});

test('an item that fires names address, port and system of its machine, one that is over does not', () => {
  const said = { client: 'web-1', rule: 'disk', subject: '/var', valueText: '96 %' };
  const words = (transition: 'firing' | 'resolved', system: string): string => {
    const mail = dueMail(config, [{ ...said, transition }]);
    return composeMail({
      ...{ mail, config, nowMs: now, charts: new Map(), program: 'fleet-health' },
      systems: new Map([['web-1', system]]),
    }).text;
  };
  assert.match(words('firing', 'Debian GNU/Linux 12'), /^ {2}192\.0\.2\.1, Debian GNU\/Linux 12$/m);
  assert.match(words('firing', 'a\r\nBcc: x'), /^ {2}192\.0\.2\.1, a Bcc: x$/m);
  assert.doesNotMatch(words('resolved', 'Debian GNU/Linux 12'), /Debian|192\.0\.2\.1/);
});

test('a critical alert whose value is back below its critical limit names that limit', () => {
  const said = { client: 'web-1', rule: 'disk', subject: '/var', value: 92, valueText: '92 %' };
  const { text } = compose(dueMail(config, [{ ...said, severity: 'critical', transition: 'reminder' }]));
  assert.match(text, /92 %: below 95 %, a warning once confirmed/);
});

test('a Message-ID is made of recipient and news, and of no number of a database', () => {
  const said = [
    { client: 'web-1', rule: 'disk', subject: '/var', transition: 'firing' as const, id: 1 },
    { client: 'db-2', rule: 'unreachable', transition: 'firing' as const, id: 2 },
  ];
  const { messageId } = compose(dueMail(config, said));
  assert.match(messageId, /^<[0-9a-f]{32}@example\.org>$/);
  const renumbered = said.map((one) => ({ ...one, id: one.id + 1000, valueText: 'another value' })).reverse();
  assert.equal(compose(dueMail(config, renumbered)).messageId, messageId);
  const others = [
    dueMail(config, said, { recipient: 'oncall@example.org' }),
    dueMail(config, said.slice(1)),
    ...[{ sequence: 3 }, { firstEvidence: 'report-0' }, { transition: 'escalated' as const }].map((over) => {
      const changed = said.map((one) => ({ ...one, ...over }));
      return dueMail(config, changed);
    }),
  ].map((mail) => compose(mail).messageId);
  assert.equal(new Set([messageId, ...others]).size, 6);
});

test('all mails of an alert are one thread, and those of another one are not', () => {
  const [first, last, other] = [
    { client: 'web-1', rule: 'disk', subject: '/var', transition: 'firing' as const },
    { client: 'web-1', rule: 'disk', subject: '/var', transition: 'resolved' as const, id: 9999 },
    { client: 'web-1', rule: 'disk', subject: '/var', transition: 'firing' as const, firstEvidence: 'later' },
  ].map((said) => compose(dueMail(config, [said])));
  assert.equal(first?.references.length, 1);
  assert.deepEqual(last?.references, first.references);
  assert.equal(last.inReplyTo, first.references[0]);
  assert.notEqual(last.messageId, first.messageId);
  assert.notEqual(other?.inReplyTo, first.inReplyTo);
  const clients = Array.from({ length: 300 }, (_, index) => `c-${index}`);
  const disks = clients.map((client) => ({ client, rule: 'disk', subject: '/', transition: 'firing' as const }));
  const many = compose(dueMail(config, disks));
  assert.equal(many.references.length, 100);
  assert.equal(many.inReplyTo, many.references.at(-1));
});

test('headers keep answers away, and only news that is critical is important', () => {
  const critical = compose(dueMail(config, [{ client: 'web-1', rule: 'disk', transition: 'firing' }]));
  assert.deepEqual(critical.headers, {
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
    'List-Id': 'Fleet Health <fleet-health.example.org>',
    'X-Fleet-Health-State': 'firing',
    'X-Fleet-Health-Severity': 'critical',
    Importance: 'high',
  });
  const reminder = compose(dueMail(config, [{ client: 'web-1', rule: 'disk', transition: 'reminder' }]));
  assert.equal(reminder.headers['Importance'], undefined);
});

test('a mail says by headers whether it tells of what fires, and of what is over no severity', () => {
  const news = { client: 'web-1', rule: 'disk', severity: 'critical' } as const;
  const before = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: 0 } as const;
  const resolved = { ...news, transition: 'resolved', before } as const;
  const state = (...said: Parameters<typeof dueMail>[1]): readonly unknown[] => {
    const { headers } = compose(dueMail(config, said));
    return [headers['X-Fleet-Health-State'], headers['X-Fleet-Health-Severity'], headers['X-Fleet-Health-Alert']];
  };
  assert.deepEqual(state({ ...news, transition: 'reminder' }), ['reminder', 'critical', undefined]);
  assert.deepEqual(state(resolved), ['resolved', 'none', undefined]);
  assert.deepEqual(state({ ...news, severity: 'warning', transition: 'firing' }, { ...resolved, client: 'web-2' }), [
    'firing',
    'warning',
    undefined,
  ]);
});

test('a command receives each alert by an id that stays the same from its beginning to its end', () => {
  const of = (...said: Parameters<typeof dueMail>[1]): readonly string[] => {
    const { headers } = compose({ ...dueMail(config, said), recipient: '|/usr/local/bin/page' });
    return [headers['X-Fleet-Health-Alert'] ?? []].flat();
  };
  const news = { client: 'web-1', rule: 'disk', subject: '/', severity: 'critical' } as const;
  const other = { ...news, client: 'web-2', severity: 'warning', transition: 'firing' } as const;
  const before = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: 0 } as const;
  const [first, second] = of({ ...news, transition: 'firing' }, other);
  const id = first?.split(' ')[0] ?? '';
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(first, `${id} firing critical`);
  assert.match(second ?? '', /^[0-9a-f]{32} firing warning$/);
  const others = [{ client: 'db-2' }, { rule: 'memory' }, { subject: '/srv' }].map((over) => ({
    ...other,
    ...news,
    ...over,
  }));
  const ids = of({ ...other, ...news }, ...others).map((line) => line.split(' ')[0]);
  assert.equal(new Set(ids).size, 4);
  assert.deepEqual(of({ ...news, transition: 'reminder' }), [`${id} reminder critical`]);
  assert.deepEqual(of({ ...news, transition: 'resolved', before }), [`${id} resolved critical`]);
});

test('a thousand clients are a mail that programs show without cutting it off', () => {
  const said = Array.from({ length: 1000 }, (_, index) => ({
    client: `node-${index}`,
    rule: index % 2 === 0 ? 'disk' : 'memory',
    subject: index % 2 === 0 ? '/' : '',
    transition: 'firing' as const,
    valueText: '96.2 %',
    value: 96.2,
    groups: index < 500 ? ['one'] : [],
  }));
  const { html, text } = compose(dueMail(config, said));
  // Gmail clips a mail after 102 KB.
  assert.ok(Buffer.byteLength(html) < 100_000, `${Buffer.byteLength(html)} bytes`);
  assert.match(text, /and 231 more of disk \/: /);
  for (const { client } of said) assert.ok(text.includes(client), `${client} is named`);
});

test('words of a client that break between lines do not stand where the commands of a mail stand', () => {
  const copied = 'fleet-health trust --replace db-1';
  for (let length = 0; length < 80; length += 1) {
    const evil = `${'x'.repeat(length)} ${copied}`;
    const line: LineWords = {
      severity: 'critical',
      title: `web-1: disk ${evil}`,
      facts: [evil, copied],
      chart: null,
      names: evil,
      notes: [evil],
      commands: [
        { why: '', command: ['fleet-health', 'ack', '7'] },
        { why: 'to compare and accept:', command: ['fleet-health', 'trust', 'a-name-for-which-there-is-no-room'] },
      ],
    };
    const section = { kind: 'critical', heading: 'Critical', count: 1, explanation: null, worst: 'critical' } as const;
    const text = composeText({
      introduction: null,
      answer: null,
      sections: [{ ...section, lines: [line], rest: [evil] }],
      closing: [{ text: `Among them ${evil}`, command: null }],
    });
    const commands = text.split('\n').filter((one) => /^(?: {4}| {6})\S/.test(one));
    assert.deepEqual(commands, [
      '    fleet-health ack 7',
      '    to compare and accept:',
      '      fleet-health trust a-name-for-which-there-is-no-room',
    ]);
  }
});

test('the link that acknowledges stands above what fires, in text and in HTML', () => {
  const link = `https://fleet.example.org/reply/${'a'.repeat(24)}`;
  const section = { kind: 'critical', heading: 'Critical', count: 1, explanation: null, worst: 'critical' } as const;
  const words = {
    introduction: 'first',
    answer: { text: 'Acknowledge', link },
    sections: [{ ...section, lines: [], rest: ['a rest'] }],
    closing: [{ text: 'last', command: null }],
  };
  for (const text of [composeText(words), composeHtml('subject', words)]) {
    const places = ['first', link, 'a rest', 'last'].map((one) => text.indexOf(one));
    assert.ok(places[0] !== -1 && places.every((place, at) => at === 0 || place > (places[at - 1] ?? 0)), text);
  }
});
