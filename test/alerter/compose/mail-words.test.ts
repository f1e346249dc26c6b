/** The words around the lines of a mail: its sections, what is open besides, and what can be done by reply. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { composeHtml } from '../../../src/alerter/compose/compose-html.ts';
import { type MailWords, takesReplies, wordsOfMail } from '../../../src/alerter/compose/mail-words.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Cause, NamedChanges } from '../../../src/storage/store/alert.ts';
import { configOf } from '../support/config-of.ts';
import { dueMail, type Said } from '../support/due-mails.ts';
import { at } from '../support/rows.ts';

const config = configOf(`
  <smtp host="mail.example.org" from="f@example.org"/>
  <alerts zone="UTC"><mail to="ops@example.org"/><alert name="disk" type="disk" warning="90%"/></alerts>
  <client name="web-[1-9]" ip="192.0.2.[1-9]" username="u"/>`);
const nowMs = at('10:05');
const wording = {
  ...{ config, reader: { zone: 'UTC', nowMs }, program: 'fleet-health' },
  ...{ charts: new Map(), timesToday: new Map(), systems: new Map(), excerpts: new Map(), looks: new Map() },
};
const disk = (client: string, over: Partial<Said> = {}): Said => ({
  ...{ client, rule: 'disk', subject: '/', transition: 'firing', valueText: '97 %', value: 97 },
  ...over,
});
const words = (said: readonly Said[], over: Partial<DueMail> = {}, alsoOpen: readonly Said[] = []): MailWords =>
  wordsOfMail(dueMail(config, said, over, alsoOpen), wording);
const closing = (...given: Parameters<typeof words>): readonly string[] =>
  words(...given).closing.map(({ text, command }) => [text, ...(command ?? [])].join(' '));

/** Every section with its heading and explanation. */
const sections: readonly (readonly [said: Partial<Said>, heading: string, explanation: string | null])[] = [
  [{}, 'Critical', null],
  [{ severity: 'warning' }, 'Warning', null],
  [
    { transition: 'flapping' },
    'Flapping',
    'It comes and goes. There will be no more mail about it until it has settled.',
  ],
  [{ transition: 'resolved' }, 'Resolved', null],
  [{ transition: 'past', closedReason: 'event', rule: 'rebooted' }, 'Event', null],
  [
    { transition: 'ended', closedReason: 'gone' },
    'Ended',
    'Not a recovery: it is only not there, or not watched, any more.',
  ],
  [{ transition: 'past' }, 'Over already', 'Alerts that began and ended before anybody could be notified.'],
  [{ transition: 'reminder' }, 'Still open', null],
  [{ transition: 'acknowledged' }, 'Still open', null],
  [
    { transition: 'past', listedOnly: true },
    'Held back',
    'What began and ended while a silence, a window or another alert held it back.',
  ],
];
for (const [over, heading, explanation] of sections) {
  test(`section: ${heading} of ${over.transition ?? 'firing'}`, () => {
    const [section, ...others] = words([disk('web-1', over)]).sections;
    assert.deepEqual([section?.heading, section?.explanation, section?.count, others], [heading, explanation, 1, []]);
  });
}

test('the worst of a section is critical if one of its lines is', () => {
  const worst = (...severities: ('critical' | 'warning')[]) =>
    words(severities.map((severity, index) => disk(`web-${index + 1}`, { severity, transition: 'reminder' })))
      .sections[0]?.worst;
  assert.equal(worst('warning', 'critical'), 'critical');
  assert.equal(worst('warning', 'warning'), 'warning');
});

test('a mail about what was there before it looked says so', () => {
  const sentence = 'All of this was true already when it was looked at for the first time.';
  assert.equal(words([disk('web-1')], { alreadyTrue: true }).introduction, sentence);
  assert.equal(words([disk('web-1')]).introduction, null);
});

test('the last line says when the mail was written, and in which zone', () => {
  assert.equal(closing([disk('web-1')]).at(-1), 'As of Fri 20 Nov 10:05. Times are those of UTC.');
});

test('what is open is counted, with who acknowledged how many', () => {
  const by = (acknowledgedBy: string, acknowledgedUntilMs: number | null = null): Partial<Said> => ({
    ...{ acknowledgedBy, acknowledgedUntilMs, acknowledgedSeverity: 'critical', transition: 'reminder' },
  });
  const open = (...said: Said[]): string | undefined => closing([disk('web-1')], {}, said)[0];
  assert.equal(closing([disk('web-1', { transition: 'resolved' })])[0], 'Nothing is open for you now.');
  assert.equal(open(), 'Open for you now: 1 critical');
  assert.equal(
    open(
      disk('web-2', by('kim')),
      disk('web-3', by('kim')),
      disk('web-4', by('sam')),
      disk('web-5', { severity: 'warning' }),
    ),
    'Open for you now: 4 critical, 1 warning (2 acknowledged by kim, 1 acknowledged by sam)',
  );
  assert.equal(open(disk('web-2', by('kim', nowMs - 1))), 'Open for you now: 2 critical');
});

test('a mail about ends alone names the three worst that are open', () => {
  const resolved = disk('web-1', { transition: 'resolved' });
  const open = ['web-2', 'web-3', 'web-4', 'web-5'].map((client) => disk(client, { transition: 'reminder' }));
  const worst = 'The worst: web-2: disk /; web-3: disk /; web-4: disk /';
  assert.ok(closing([resolved], {}, open).includes(worst));
  assert.ok(closing([resolved, disk('web-6')], {}, open).every((line) => !line.startsWith('The worst')));
});

test('a command acknowledges what fires in several lines, and none is named for a single line', () => {
  const ack = (...said: Said[]): string | undefined => closing(said).find((line) => line.startsWith('Acknowledge'));
  const [one, two] = [disk('web-1', { id: 5 }), disk('web-2', { id: 6 })];
  assert.equal(ack(one, two), 'Acknowledge what fires in this mail: fleet-health ack 5 6');
  assert.equal(ack(one, disk('web-3', { transition: 'resolved', id: 7 })), undefined);
  assert.equal(ack(one), undefined);
});

test('replies are invited by mails to people about what fires, if somebody reads them', () => {
  const replies = {} as NonNullable<typeof config.replies>;
  const takes = (said: Said, recipient = 'ops@example.org', read: typeof config.replies = replies): boolean =>
    takesReplies(dueMail(config, [said], { recipient }), { replies: read, replyLinks: null });
  assert.equal(takes(disk('web-1')), true);
  assert.equal(takes(disk('web-1', { transition: 'resolved' })), false);
  assert.equal(takes(disk('web-1', { id: 0 })), false);
  assert.equal(takes(disk('web-1'), '|/usr/local/bin/page'), false);
  assert.equal(takes(disk('web-1'), 'webhook:chat'), false);
  assert.equal(takes(disk('web-1'), 'ops@example.org', null), false);
  const mail = dueMail(config, [disk('web-1')]);
  const invited = wordsOfMail(mail, { ...wording, config: { ...config, replies } }).closing.map(({ text }) => text);
  assert.ok(invited.includes('Reply ack, ack 4h or silence 1d: it concerns what fires in this mail.'));
  assert.ok(closing([disk('web-1')]).every((text) => !text.startsWith('Reply')));
});

const change: NamedChanges = {
  ...{ kind: 'file', item: '/etc/a', before: null, after: 'f'.repeat(32), more: 0, moreKind: null },
  ...{ earliestAtMs: 0, latestAtMs: 0, beforeMs: 240_000, group: null, failing: [1, 1], others: [0, 0], chance: 0.01 },
};
const causeOf = (item: string, over: Partial<NamedChanges> = {}): Cause => ({
  ...{ atMs: 0, allOf: null, configBeforeMs: null },
  changes: [{ ...change, item, ...over }],
});
const caused = (said: readonly Said[]): readonly string[] =>
  words(said).sections.flatMap(({ lines }) =>
    lines.flatMap(({ facts }) => facts.filter((fact) => fact.startsWith('Changed'))),
  );

test('five lines of a mail at most say what changed', () => {
  const rules = ['a', 'b', 'c', 'd', 'e', 'f'];
  const found = caused(rules.map((rule) => disk('web-1', { rule, cause: causeOf(`/etc/${rule}`) })));
  assert.deepEqual(
    found.map((sentence) => sentence.slice(0, 30)),
    ['a', 'b', 'c', 'd', 'e'].map((rule) => `Changed before it: new /etc/${rule},`),
  );
});

test('what is over says nothing of changes', () => {
  assert.deepEqual(caused([disk('web-1', { transition: 'resolved', cause: causeOf('/etc/a') })]), []);
});

test('what changed in an absence stands at the first alert that followed', () => {
  const away = (client: string, rule: string, earliestAtMs = 1): Said =>
    disk(client, { rule, cause: causeOf('/etc/a', { away: true, earliestAtMs }) });
  assert.equal(caused([away('web-1', 'a'), away('web-1', 'b')]).length, 1);
  assert.equal(caused([away('web-1', 'a'), away('web-2', 'b')]).length, 2);
  assert.equal(caused([away('web-1', 'a'), away('web-1', 'b', 2)]).length, 2);
});

test('of a line of many the least likely change is named, with its subject if subjects differ', () => {
  const said = (subjects: readonly string[]): readonly Said[] =>
    subjects.map((subject, index) => {
      const cause = causeOf(`/etc/${index + 1}`, { chance: index === 3 ? 0.001 : 0.01 });
      return disk(`web-${index + 1}`, { subject, value: null, valueText: 'gone', cause });
    });
  assert.deepEqual(caused(said(['/', '/', '/', '/', '/'])), ['Changed before it: new /etc/4, 4 min before.']);
  assert.deepEqual(caused(said(['/a', '/b', '/c', '/d', '/e'])), ['Changed before /d: new /etc/4, 4 min before.']);
});

/** Colours by what a section is about: they can be read on light and dark backgrounds. */
const [red, orange, green, gray] = ['#d93025', '#b86e00', '#2e8540', '#7a7a7a'];
const colours: readonly (readonly [over: Partial<Said>, colour: string | undefined])[] = [
  [{}, red],
  [{ severity: 'warning' }, orange],
  [{ transition: 'resolved' }, green],
  [{ transition: 'past' }, gray],
  [{ transition: 'ended', closedReason: 'gone' }, gray],
  [{ transition: 'reminder' }, red],
  [{ transition: 'reminder', severity: 'warning' }, orange],
  [{ transition: 'flapping', severity: 'warning' }, orange],
];
for (const [over, colour = ''] of colours) {
  test(`colour of ${over.transition ?? 'firing'} ${over.severity ?? 'critical'}`, () => {
    const html = composeHtml('x', words([disk('web-1', over)]));
    assert.ok(html.includes(`border-left:3px solid ${colour}">`), html);
    assert.ok(html.includes(`letter-spacing:.06em;color:${colour}">`), html);
  });
}

test('addresses in notes are links without the sign after them, and long names with hyphens may break', () => {
  const html = (note: string, client = 'web-1'): string => composeHtml('x', words([disk(client, { note })]));
  for (const sign of ['.', ',', ';', ':', '!', '?', ')', ']', '}', ').']) {
    const address = 'https://example.org/a';
    const expected = `see <a href="${address}">${address}</a>${sign} now`;
    assert.ok(html(`see ${address}${sign} now`).includes(expected), sign);
  }
  assert.ok(html('ftp://example.org/a').includes('>ftp://example.org/a<'));
  assert.ok(html('https://[/a').includes('>https://[/a<'));
  const name = (length: number): string => `a-${'x'.repeat(length - 2)}`;
  const kept = (client: string): boolean =>
    composeHtml('x', words([disk(client, { id: 0 })])).includes(`<span style="white-space:nowrap">${client}</span>`);
  assert.deepEqual([kept(name(30)), kept(name(31)), kept('abc')], [true, false, false]);
});

test('a line of several alerts has the cause of the one for which something is named', () => {
  const gone = { rule: 'check', value: null, valueText: 'gone' } as const;
  const named = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'].map((client, index) =>
    disk(client, { ...gone, ...(index === 3 ? { cause: causeOf('/etc/a') } : {}) }),
  );
  const [found = '', ...others] = caused(named);
  assert.match(found, /\/etc\/a/);
  assert.deepEqual(others, []);
});
