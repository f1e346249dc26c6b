/**
 * Nothing of a client's text acts as markup: neither in a mail, nor for the program that gets it, nor in any format of
 * `<webhook>`. A notification with any text differs from one with harmless words only in its texts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';
import PostalMime from 'postal-mime';

import { composeMail } from '../../../src/alerter/compose/compose-mail.ts';
import { composeNotice } from '../../../src/alerter/compose/compose-notice.ts';
import { webhookFormats } from '../../../src/config/channel-config.ts';
import { freezeMail, type MailText } from '../../../src/notify/mime.ts';
import { freezeWebhook, parseFrozen } from '../../../src/notify/webhook/freeze-webhook.ts';
import type { Notice } from '../../../src/notify/webhook/notice.ts';
import type { Cause } from '../../../src/storage/store/alert.ts';
import { isWide } from '../../support/long-tests.ts';
import { rawText } from '../../notify/support/client-text.ts';
import { dueMail } from '../support/due-mails.ts';
import { config, now } from '../support/mail-samples.ts';

/** Returns a cause with a changed package, file and unit. */
function causeOf(text: string): Cause {
  const change = { before: text, after: `${text}2`, more: 0, moreKind: null, earliestAtMs: now, latestAtMs: now };
  const seen = { beforeMs: 240_000, group: `g${text}`, failing: [1, 1], others: [0, 5], chance: 0.01 } as const;
  const changes = ['package', 'file', 'unit'].map((kind) => ({ ...change, ...seen, kind, item: `${kind}${text}` }));
  return { atMs: now, changes, allOf: `rack=${text}`, configBeforeMs: null };
}

/**
 * Composes a mail about a container, a unit and a check whose names, words, log lines and changes are a text. The text
 * is cut as the database cuts it.
 */
function compose(whole: string): { readonly mail: MailText; readonly notice: Notice } {
  const text = whole.slice(0, 200) + whole.slice(-700);
  const [container, unit] = [`container:${text}`, `unit${text}`];
  const said = { transition: 'firing', severity: 'critical' } as const;
  const due = dueMail(config, [
    { ...said, client: 'web-1', rule: 'check', subject: container, valueText: `a${text}`, cause: causeOf(text) },
    { ...said, client: 'web-2', rule: 'service', subject: unit, valueText: `b${text}`, limitText: `l${text}` },
    { ...said, client: 'db-2', rule: 'check', subject: `c${text}`, valueText: `c${text}` },
  ]);
  const lines = whole.split('\n').slice(0, 9);
  const excerpts = new Map([
    [`web-1\0${container}`, lines],
    [`web-2\0${unit}`, [whole, ...lines]],
  ]);
  const systems = new Map([['web-1', text]]);
  const options = { config, nowMs: now, charts: new Map(), program: 'fleet-health' };
  const mail = composeMail({ ...options, mail: due, systems, excerpts });
  return { mail, notice: composeNotice(due, mail, now, config) };
}

const harmful = /(?!\n)[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2066\u2067\ufeff]/u;
const tags = /^<(?:\/?(?:body|html)|\/?(?:div|p|b|span|code|a))(?: style="[^"<>]*"| href="https?:\/\/[^"<>\s]*")?>$/;

/** Asserts that a mail goes to its recipient alone, and that its HTML has the elements of the layout alone. */
async function assertMail({ mail }: ReturnType<typeof compose>, plain: MailText): Promise<void> {
  const freeze = (one: MailText, to: string | null): Promise<string> =>
    freezeMail({ mail: one, from: 'Fleet <fleet@example.org>', to, dateMs: now });
  for (const to of ['ops@example.org', null]) {
    const [read, expected] = [
      await PostalMime.parse(await freeze(mail, to)),
      await PostalMime.parse(await freeze(plain, to)),
    ];
    const namesOf = ({ headers }: typeof read) => [...new Set(headers.map(({ key }) => key))].sort();
    assert.deepEqual([namesOf(read), read.to, read.bcc], [namesOf(expected), expected.to, undefined]);
    assert.deepEqual([read.attachments, read.subject], [[], mail.subject]);
  }
  for (const text of [mail.subject, mail.text, mail.html]) assert.doesNotMatch(text, harmful);
  assert.doesNotMatch(mail.subject, /\n/);
  assert.doesNotMatch(mail.text, /^(?:Bcc|X-Priority|\.$|@channel)/m);
  const body = mail.html.slice(mail.html.indexOf('<body'));
  assert.deepEqual(
    [...body.matchAll(/<[^>]*>/g)].flatMap(([tag]) => (tags.test(tag) ? [] : tag)),
    [],
  );
}

type Place = readonly [path: string, value: unknown];

/** Returns the headers of a notification and each value of its body, by their places. */
function placesOf(notice: Notice, format: (typeof webhookFormats)[number]): ReadonlyMap<string, unknown> {
  const { type, headers, requests } = parseFrozen(freezeWebhook(notice, { name: 'chat', format }));
  const walk = (value: unknown, at: string): readonly Place[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => walk(inner, `${at}/${key}`))
      : [[at, value]];
  const bodies = requests.flatMap((text, index) => {
    if (type === 'application/json') return walk(JSON.parse(text), `${index}`);
    return type.startsWith('text/')
      ? [[`${index}`, text] as const]
      : walk(Object.fromEntries(new URLSearchParams(text)), '');
  });
  return new Map([...walk({ type, headers }, 'head'), ...bodies]);
}

/** The markup of a reader in a text that has some, and lines that a chat does not begin with. */
const acts: Readonly<Partial<Record<(typeof webhookFormats)[number], (path: string, text: string) => boolean>>> = {
  slack: (path, text) => path === '0/text' && /[<>]|&(?!amp;|lt;|gt;)/.test(text),
  discord: (path, text) => /content|description/.test(path) && /[@<`*_~|[\]>#]/.test(text.replace(/\\./g, '')),
};
const ownLine = /^(?:CRITICAL|Warning|\d+ critical|Changed before it|They are|and \d+ more|$)/;

const plainNotices = ['x', 'yy'].map((word) => compose(word).notice);
const plainPlaces = new Map(
  webhookFormats.map((format) => [format, plainNotices.map((notice) => placesOf(notice, format))]),
);

function assertWebhook(notice: Notice, format: (typeof webhookFormats)[number]): void {
  const [plain, other] = plainPlaces.get(format) ?? [];
  const places = placesOf(notice, format);
  assert.deepEqual([...places.keys()].sort(), [...(plain?.keys() ?? [])].sort(), format);
  for (const [path, value] of places) {
    // A place with the same value for two words is no text.
    if (plain?.get(path) === other?.get(path)) assert.equal(value, plain?.get(path), `${format} ${path}`);
    if (typeof value !== 'string') continue;
    assert.doesNotMatch(value, harmful, `${format} ${path}`);
    assert.ok(acts[format]?.(path, value) !== true, `${format} ${path}: ${value}`);
    if (path.startsWith('head')) assert.match(value, /^[ -~]*$/);
    const lines = format === 'text' ? [] : value.split('\n').slice(1);
    for (const line of lines) assert.match(line.replaceAll('\\', ''), ownLine, `${format} ${path}`);
  }
  if (format !== 'telegram') return;
  const text = String(places.get('0/text'));
  assert.deepEqual([places.get('0/entities/0/type'), places.get('0/entities/0/length')], ['pre', text.length]);
}

const long: [string][] = [['日'.repeat(10_000)], ['<b>@everyone '.repeat(1_000)]];

test('names, words, log lines and changes of clients act as markup in no mail, program, chat or page', async () => {
  const plain = compose('x').mail;
  await fc.assert(
    fc.asyncProperty(rawText, async (text) => {
      const hostile = compose(text);
      await assertMail(hostile, plain);
      for (const format of webhookFormats) assertWebhook(hostile.notice, format);
    }),
    { numRuns: isWide ? 200 : 8, examples: long },
  );
});
