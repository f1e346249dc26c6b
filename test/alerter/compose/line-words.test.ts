/** The words of one line of a mail: what it says of a single alert, and what it says of many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  eventTitle,
  lastSeen,
  type LineWords,
  numberRanges,
  wordsOfLine,
  wordsOfRest,
} from '../../../src/alerter/compose/line-words.ts';
import type { Fold, SectionKind } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { LookOutcome } from '../../../src/report/beside.ts';
import type { StoredLook } from '../../../src/storage/store/notification-store.ts';
import { configOf } from '../support/config-of.ts';
import { progressAt } from '../support/dispatch-world.ts';
import { itemFor, type Said } from '../support/due-mails.ts';
import { at } from '../support/rows.ts';

const config = configOf(`
  <smtp host="mail.example.org" from="f@example.org"/><collector every="10m"/>
  <alerts zone="UTC"><mail to="ops@example.org"/>
    <alert name="disk" type="disk" warning="90%" critical="95%" note="call kim"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/><client name="db-1" ip="192.0.2.2" port="2222" username="u"/>
  <client name="192.0.2.3" ip="192.0.2.3" username="u"/>
`);
const reader = { zone: 'UTC', nowMs: at('10:05') };
const wording = {
  ...{ config, reader, program: 'fleet-health' },
  ...{
    charts: new Map(),
    timesToday: new Map(),
    systems: new Map(),
    excerpts: new Map(),
    looks: new Map<string, StoredLook>(),
  },
};
const said = (over: Partial<Said> = {}): Said => ({
  ...{ client: 'web-1', rule: 'check', subject: 'app', transition: 'firing', valueText: 'down', id: 7 },
  ...over,
});

function wordsOfOne(over: Partial<Said>, kind: SectionKind, more: Partial<typeof wording> = {}): LineWords {
  return wordsOfLine({ fold: null, clients: [], items: [itemFor(config, said(over))] }, kind, { ...wording, ...more });
}

function wordsOfMany(some: readonly Partial<Said>[], kind: SectionKind = 'critical', fold?: Fold): LineWords {
  const items = some.map((over, index) => itemFor(config, said({ client: `c-${index}`, id: 10 + index, ...over })));
  const clients = [...new Set(items.map(({ client }) => client))];
  return wordsOfLine({ fold: fold ?? { kind: 'reason' }, clients, items }, kind, wording);
}

/** The facts of one alert behind its value, by what it has. */
const facts: readonly (readonly [what: string, over: Partial<Said>, kind: SectionKind, fact: RegExp])[] = [
  ['its age', {}, 'critical', /^since Fri 20 Nov 08:00 \(2 hours 5 minutes\)$/],
  ['a minute of age', { pendingSinceMs: at('10:04') }, 'critical', /^since Fri 20 Nov 10:04 \(1 minute\)$/],
  ['no age below a minute', { pendingSinceMs: at('10:04') + 1 }, 'critical', /^since Fri 20 Nov 10:04$/],
  ['no age of a clock ahead', { pendingSinceMs: at('11:00') }, 'critical', /^since Fri 20 Nov 11:00$/],
  ['its span', { transition: 'resolved' }, 'resolved', /^Fri 20 Nov 08:00 to 10:05 \(2 hours 5 minutes\)$/],
  ['a moment', { transition: 'past', pendingSinceMs: at('10:05') - 59_999 }, 'past', /^Fri 20 Nov 10:04$/],
  ['a minute', { transition: 'past', pendingSinceMs: at('10:04') }, 'past', /^Fri 20 Nov 10:04 to 10:05 \(1 minute\)$/],
  ['the time of an event', { transition: 'past', firingSinceMs: at('08:03') }, 'event', /^seen Fri 20 Nov 08:03$/],
  ['its rule, if the label hides it', { rule: 'check name=app' }, 'critical', /^rule check name=app$/],
  ['that it comes and goes', { flapping: true }, 'critical', /^comes and goes$/],
  [
    'its last notification',
    { before: { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: at('09:00') } },
    'open',
    /^last notified Fri 20 Nov 09:00$/,
  ],
  ['who acknowledged it', { acknowledgedBy: 'kim' }, 'critical', /^acknowledged by kim$/],
  ['it once over too', { acknowledgedBy: 'kim', transition: 'resolved' }, 'resolved', /^acknowledged by kim$/],
  [
    'until when, and why',
    { acknowledgedBy: 'kim', acknowledgedUntilMs: at('12:00'), acknowledgedComment: 'on it' },
    'critical',
    /^acknowledged by kim until Fri 20 Nov 12:00: on it$/,
  ],
  [
    'what ends now',
    { acknowledgedBy: 'kim', acknowledgedUntilMs: at('10:05') },
    'critical',
    /^was acknowledged by kim/,
  ],
  ['its address and port', { client: 'db-1' }, 'critical', /^192\.0\.2\.2 port 2222$/],
  ['its address alone', {}, 'critical', /^192\.0\.2\.1$/],
  [
    'a remedy',
    { rule: 'unreachable', subject: '', progress: { ...progressAt(at('10:05')), code: 'restricted-key' } },
    'critical',
    /^what to do: Install what `fleet-health authorize web-1 --script` prints\.$/,
  ],
  ['for how long nobody acknowledged', { unacknowledgedMs: 900_000 }, 'critical', /^not acknowledged for 15 min$/],
];
for (const [what, over, kind, fact] of facts) {
  test(`one alert says ${what}`, () => {
    const { facts: found } = wordsOfOne(over, kind);
    assert.ok(
      found.some((one) => fact.test(one)),
      found.join('\n'),
    );
  });
}

/** Facts that a line does not have, because they would say nothing or mislead. */
const silent: readonly (readonly [what: string, over: Partial<Said>, kind: SectionKind, fact: RegExp])[] = [
  [
    'no last notification among new ones',
    { before: { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: 0 } },
    'critical',
    /last notified/,
  ],
  [
    'no acknowledgement of what ended otherwise',
    { acknowledgedBy: 'kim', transition: 'ended' },
    'ended',
    /acknowledged/,
  ],
  ['no coming and going in the section about that', { flapping: true, transition: 'flapping' }, 'flapping', /comes/],
  ['no address of a machine that is back', { transition: 'resolved' }, 'resolved', /192\.0\.2\.1/],
  ['no address that is the name', { client: '192.0.2.3' }, 'critical', /192\.0\.2\.3/],
  ['no rule that the label names', {}, 'critical', /^rule/],
  [
    'no remedy once it is over',
    {
      rule: 'unreachable',
      subject: '',
      transition: 'resolved',
      progress: { ...progressAt(0), code: 'restricted-key' },
    },
    'resolved',
    /what to do/,
  ],
];
for (const [what, over, kind, fact] of silent) {
  test(`one alert says ${what}`, () => assert.doesNotMatch(wordsOfOne(over, kind).facts.join('\n'), fact));
}

test('titles name the severity where the heading does not, and how often a thing came today', () => {
  const timesToday = new Map([[7, 2]]);
  assert.equal(wordsOfOne({}, 'critical', { timesToday }).title, 'web-1: check app (again, second time today)');
  assert.equal(wordsOfOne({ transition: 'reminder' }, 'open', { timesToday }).title, 'web-1: check app (critical)');
  assert.equal(
    wordsOfOne({ transition: 'flapping', severity: 'warning' }, 'flapping').title,
    'web-1: check app (warning)',
  );
  assert.equal(wordsOfOne({ transition: 'resolved' }, 'resolved').title, 'web-1: check app');
});

test('titles of events are sentences', () => {
  const title = (rule: string, subject = ''): string => eventTitle(itemFor(config, said({ rule, subject })), reader);
  assert.equal(title('oom-kill'), 'web-1 ran out of memory');
  assert.equal(title('rebooted'), 'web-1 was booted at 08:00');
  assert.equal(title('raid', 'md0'), 'web-1: raid md0');
});

test('notes and commands stand at what fires alone, each note once', () => {
  const disk = { rule: 'disk', subject: '/', value: 97, valueText: '97 %' };
  assert.deepEqual(wordsOfOne(disk, 'critical').notes, ['call kim']);
  assert.deepEqual(wordsOfOne({ ...disk, transition: 'resolved' }, 'resolved').notes, []);
  assert.deepEqual(wordsOfMany(['a', 'b', 'a'].map((note) => ({ ...disk, note }))).notes, ['a', 'b']);
  assert.deepEqual(wordsOfOne({ transition: 'resolved' }, 'resolved').commands, []);
});

/** The commands of a line, each with what it is for. */
const commands: readonly (readonly [what: string, over: Partial<Said>, expected: readonly string[]])[] = [
  ['a stored alert', {}, [': fleet-health ack 7']],
  ['a dry run', { id: 0 }, [': fleet-health ack web-1 check']],
  [
    'a dry run, of the fleet',
    { id: 0, client: '', rule: 'collector-silent' },
    [": fleet-health ack '*' collector-silent"],
  ],
  [
    'a changed key',
    { rule: 'host-key-changed', subject: '' },
    ['if the change is meant to be:: fleet-health trust --replace web-1', ': fleet-health ack 7'],
  ],
  [
    'an unknown key',
    { rule: 'not-trusted', subject: '' },
    ['to compare and accept:: fleet-health trust web-1', ': fleet-health ack 7'],
  ],
];
for (const [what, over, expected] of commands) {
  test(`commands: ${what}`, () => {
    const items = [itemFor(config, said(over))];
    const line = { fold: null, clients: items.map(({ client }) => client), items };
    const words = wordsOfLine(line, 'critical', wording).commands.map(
      ({ why, command }) => `${why}: ${command.join(' ')}`,
    );
    assert.deepEqual(words, expected);
  });
}

test('a command names ten clients at most, and in a dry run one rule of all', () => {
  const trust = (count: number): string =>
    wordsOfMany(Array.from({ length: count }, () => ({ rule: 'not-trusted', subject: '' }))).commands[0]?.command.join(
      ' ',
    ) ?? '';
  assert.equal(trust(10), `fleet-health trust ${Array.from({ length: 10 }, (_, index) => `c-${index}`).join(' ')}`);
  assert.equal(trust(11), 'fleet-health trust');
  const dry = wordsOfMany([{ id: 0 }, { id: 0 }]).commands;
  assert.deepEqual(dry, [{ why: '', command: ['fleet-health', 'ack', "'*'", 'check'] }]);
});

test('numbers of alerts are ascending ranges of numbers that were given', () => {
  assert.deepEqual(numberRanges([]), []);
  assert.deepEqual(numberRanges([3]), ['3']);
  assert.deepEqual(numberRanges([10, 9]), ['9', '10']);
  assert.deepEqual(numberRanges([7, 5, 6, 5]), ['5-7']);
  assert.deepEqual(numberRanges([1, 2, 3, 5, 7, 8]), ['1-3', '5', '7', '8']);
  assert.deepEqual(numberRanges([1, 2, 3, 7, 8, 9]), ['1-3', '7-9']);
});

test('an alert whose rows stopped says when its machine was last seen or tried', () => {
  const seen = (lastAtMs: number, over: Partial<Said> = {}, kind: SectionKind = 'open'): string | null =>
    lastSeen(itemFor(config, said({ ...over, progress: progressAt(lastAtMs) })), kind, wording);
  // Two and a half times the time between two visits.
  assert.equal(seen(at('09:40')), null);
  assert.equal(seen(at('09:40') - 1), 'last seen 09:39');
  assert.equal(seen(at('09:00'), { rule: 'unreachable' }), 'last tried 09:00');
  assert.equal(seen(at('09:00'), { rule: 'not-trusted' }), 'last tried 09:00');
  assert.equal(seen(at('09:00'), { rule: 'no-report' }), null);
  assert.equal(seen(at('09:00'), { client: '' }), null);
  assert.equal(seen(at('09:00'), {}, 'resolved'), null);
  assert.equal(seen(at('08:00')), 'last seen 08:00');
  assert.equal(seen(at('08:00') - 1), null);
  // Forecasts are evaluated once a day.
  assert.equal(seen(at('09:00'), { rule: 'disk-full' }), null);
});

test('an excerpt is the last five lines, and at most 2 KiB of them, of what fires and is news', () => {
  const list = (lines: readonly string[], kind: SectionKind = 'critical'): readonly string[] =>
    wordsOfOne({}, kind, { excerpts: new Map([['web-1\0app', lines]]) }).list ?? [];
  assert.deepEqual(list(['a', '', 'b', 'c', 'd', 'e', 'f']), ['| b', '| c', '| d', '| e', '| f']);
  assert.deepEqual(list([]), []);
  assert.deepEqual(list(['a'], 'open'), []);
  assert.deepEqual(list(['a'], 'resolved'), []);
  const [half, rest] = ['x'.repeat(1024), 'y'.repeat(1024)];
  assert.deepEqual(list(['z', half, rest]), [`| ${half}`, `| ${rest}`]);
  assert.deepEqual(list([`${half}x`, rest]), [`| ${rest}`]);
});

test('a sentence about earlier changes is the last fact', () => {
  const line = { fold: null, clients: ['web-1'], items: [itemFor(config, said())] };
  assert.equal(wordsOfLine(line, 'critical', wording, 'Changed before it: x.').facts.at(-1), 'Changed before it: x.');
});

/** The first facts of many: their reasons, or the value and limit that they share. */
const shared: readonly (readonly [what: string, some: readonly Partial<Said>[], facts: readonly string[]])[] = [
  ['reasons with their counts', [{ valueText: 'b' }, { valueText: 'a' }, { valueText: 'a' }], ['a (2)', 'b (1)']],
  ['no reasons that all differ', [{ valueText: 'a' }, { valueText: 'b' }], []],
  [
    'five reasons',
    ['a', 'a', 'b', 'c', 'd', 'e'].map((valueText) => ({ valueText })),
    ['a (2)', 'b (1)', 'c (1)', 'd (1)', 'e (1)'],
  ],
  [
    'a sixth and a seventh',
    ['a', 'a', 'b', 'c', 'd', 'e', 'f', 'g'].map((valueText) => ({ valueText })),
    ['a (2)', 'b (1)', 'c (1)', 'd (1)', 'e (1)', 'and 2 other reasons'],
  ],
  [
    'one value and limit',
    [1, 2].map(() => ({ value: 97, valueText: '97 %', limitText: 'at least 95 %' })),
    ['97 % (limit 95 %)'],
  ],
  [
    'the limit of several values',
    [96, 97].map((value) => ({ value, valueText: `${value} %`, limitText: 'at least 95 %' })),
    ['limit 95 %'],
  ],
  [
    'one value of several limits',
    [95, 96].map((limit) => ({ value: 97, valueText: '97 %', limitText: `at least ${limit} %` })),
    ['97 %'],
  ],
];
for (const [what, some, expected] of shared) {
  test(`many alerts share ${what}`, () => assert.deepEqual(wordsOfMany(some).facts.slice(0, -1), expected));
}

test('many alerts say from when to when they began, and once over from when to when they lasted', () => {
  const time = (over: readonly Partial<Said>[], kind: SectionKind = 'critical') => wordsOfMany(over, kind).facts.at(-1);
  assert.equal(time([{}, {}]), 'since Fri 20 Nov 08:00 (2 hours 5 minutes)');
  const [almost, minute] = [at('08:00') + 59_999, at('08:01')];
  assert.equal(time([{}, { pendingSinceMs: almost }]), 'since Fri 20 Nov 08:00 (2 hours 5 minutes)');
  const since = 'since Fri 20 Nov 08:00 (2 hours 5 minutes), the last one since Fri 20 Nov 08:01';
  assert.equal(time([{ pendingSinceMs: minute }, {}]), since);
  const over = [{ resolvedAtMs: at('09:00') }, { resolvedAtMs: at('09:30') }].map((one) => ({
    transition: 'resolved' as const,
    ...one,
  }));
  assert.equal(time(over, 'resolved'), 'Fri 20 Nov 08:00 to 09:30 (1 hour 30 minutes)');
});

test('many ends name each reason once', () => {
  const ended = (closedReason: 'gone' | 'unwatched'): Partial<Said> => ({ transition: 'ended', closedReason });
  assert.deepEqual(wordsOfMany([ended('gone'), ended('unwatched'), ended('gone')], 'ended').facts.slice(0, 2), [
    'the client does not list it any more',
    'config.xml does not watch it any more',
  ]);
});

test('clients that are still away are all named once the title has no room for them', () => {
  const fold = (count: number): Fold => ({
    ...{ kind: 'parent', name: 'hv', names: ['hv'], isBastion: false, behind: 9 },
    still: Array.from({ length: count }, (_, index) => `s-${index}`),
  });
  const over = { rule: 'unreachable', subject: '', transition: 'resolved' } as const;
  const words = (count: number): string => wordsOfMany([over, over], 'resolved', fold(count)).facts.join('\n');
  assert.doesNotMatch(words(5), /still unreachable/);
  assert.match(words(6), /^still unreachable: s-0, s-1, s-2, s-3, s-4, s-5$/m);
});

test('a remedy that all share is named once, and none if their errors differ', () => {
  const lost = (code: string): Partial<Said> => ({
    ...{ rule: 'unreachable', subject: '', progress: { ...progressAt(at('10:05')), code } },
  });
  const words = (...codes: string[]): string => wordsOfMany(codes.map(lost)).facts.join('\n');
  assert.match(words('restricted-key', 'restricted-key'), /what to do: Install .* authorize c-0 c-1 --script/);
  assert.doesNotMatch(words('restricted-key', 'dns'), /what to do/);
});

test('names of many: with subjects and values where they differ, and the same name counted', () => {
  const names = (...some: readonly Partial<Said>[]): string | null => wordsOfMany(some).names;
  const [low, high] = [96, 97].map((value) => ({ value, valueText: `${value} %` }));
  assert.equal(names({}, {}), 'c-0, c-1');
  assert.equal(names({ subject: '/a' }, { subject: '/b' }), 'c-0 /a, c-1 /b');
  assert.equal(names({ ...low }, { ...high }), 'c-0 96 %, c-1 97 %');
  assert.equal(names({ ...low }, { ...low }), 'c-0, c-1');
  assert.equal(names({ client: 'a' }, { client: 'a' }, { client: 'b' }), 'a (2 times), b');
  assert.equal(wordsOfMany([{}, {}], 'event', { kind: 'client', name: 'web-1' }).names, null);
});

test('what has no line is counted by client, and by severity where the heading does not name it', () => {
  const rest = (some: readonly Partial<Said>[], kind: SectionKind): string =>
    wordsOfRest(
      some.map((over) => itemFor(config, said(over))),
      kind,
    );
  assert.equal(rest([{ client: 'a' }], 'critical'), 'and 1 more of check app: a app');
  assert.equal(rest([{ client: 'a', subject: '' }], 'critical'), 'and 1 more of check: a');
  assert.equal(rest([{ client: 'a' }, { client: 'a', subject: 'b' }], 'critical'), 'and 2 more of check: a (2)');
  const mixed = [{ client: 'a' }, { client: 'b', severity: 'warning' }] as const;
  assert.equal(rest(mixed, 'open'), 'and 2 more of check app, 1 of them critical: a app, b app');
  assert.equal(rest(mixed, 'critical'), 'and 2 more of check app: a app, b app');
  assert.equal(rest([{ client: 'b', severity: 'warning' }], 'open'), 'and 1 more of check app: b app');
  assert.equal(rest([{ client: 'a', subject: 'x'.repeat(41) }], 'open').slice(-43), ` a ${'x'.repeat(39)}…`);
});

test('what clients beside an unreachable one saw stands below its fact, and names it in a line of several', () => {
  const lookOf = (outcome: LookOutcome): StoredLook => ({
    beside: { from: 'fra-1', port: 22, seen: [['db-9', outcome]], near: 1 },
    ...{ atMs: at('10:05'), code: 'connect-timeout', reachedBefore: [] },
  });
  const looks = new Map([
    ['web-1', lookOf('reached')],
    ['db-1', lookOf('unable')],
    ['c-0', lookOf('refused')],
  ]);
  const away = { rule: 'unreachable', subject: '', valueText: 'network: no answer' };
  const both = 'the way from fra-1 to it is broken, or it drops what comes from fra-1';
  const sentence = `Seen from beside it: db-9 reaches its port 22: ${both}.`;
  assert.equal(wordsOfOne(away, 'critical', { looks }).facts[1], sentence);
  for (const [over, kind] of [
    [{ ...away, transition: 'resolved' }, 'resolved'],
    [{ ...away, client: 'db-1' }, 'critical'],
    [{}, 'critical'],
  ] as const) {
    assert.doesNotMatch(wordsOfOne(over, kind, { looks }).facts.join(), /beside/);
  }
  const items = ['c-0', 'c-1'].map((client, index) => itemFor(config, said({ ...away, client, id: index + 1 })));
  const line = { fold: { kind: 'reason' as const }, clients: ['c-0', 'c-1'], items };
  const { facts: told } = wordsOfLine(line, 'critical', { ...wording, looks });
  assert.deepEqual(
    told.filter((fact) => fact.includes('beside')),
    ['Seen from beside c-0: db-9 is refused: the machine is up, its sshd is not, or a firewall refuses db-9.'],
  );
});

test('the alert of a group lists the members of which it tells, twenty at most', () => {
  const group = { client: '', rule: 'group-short', subject: 'web' } as const;
  const listOf = (carries: readonly Partial<Said>[], looks = new Map<string, StoredLook>()): readonly string[] => {
    const members = carries.map((over) => itemFor(config, said(over)));
    const item = { ...itemFor(config, said(group)), carries: members };
    return wordsOfLine({ fold: null, clients: [], items: [item] }, 'critical', { ...wording, looks }).list ?? [];
  };
  const lost = { rule: 'unreachable', subject: '', valueText: 'network: no route', transition: 'firing' } as const;
  const back = { ...lost, transition: 'resolved', resolvedAtMs: at('09:30') } as const;
  assert.deepEqual(listOf([lost, { ...back, client: 'db-1' }, { ...back, resolvedAtMs: null }]), [
    'web-1: unreachable, network: no route, since 08:00',
    'db-1: unreachable, over, at 09:30',
    'web-1: unreachable, over, at 10:05',
  ]);
  const beside = { from: 'fra-1', port: 22, seen: [['web-9', 'refused'] as [string, 'refused']], near: 1 };
  const looks = new Map(
    ['web-1', 'db-1'].map((name) => [name, { beside, atMs: at('10:05'), code: 'connect-refused', reachedBefore: [] }]),
  );
  const progress = { holding: 2, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: 0 };
  const refused = { ...lost, progress: { ...progress, code: 'connect-refused' } };
  assert.deepEqual(listOf([refused, { ...back, client: 'db-1' }], looks).slice(2), [
    'Seen from beside web-1: web-9 is refused: the machine is up, its sshd is not, or its firewall refuses all.',
    'what to do: Check that sshd runs, and ip and port.',
  ]);
  const many = (count: number): readonly string[] => listOf(Array.from({ length: count }, () => lost));
  assert.equal(many(20).length, 20);
  assert.deepEqual([many(22).length, many(22).at(-1)], [21, 'and 2 more']);
});

test('a critical alert that is told as a warning says why, while it fires, and many if all have one reason', () => {
  const facts = (reasons: readonly string[], kind: SectionKind = 'warning'): string => {
    const items = reasons.map((eased, index) => ({ ...itemFor(config, said({ client: `c-${index}` })), eased }));
    const fold = items.length === 1 ? null : ({ kind: 'reason' } as const);
    const line = { fold, clients: items.map(({ client }) => client), items };
    return wordsOfLine(line, kind, wording).facts.join('\n');
  };
  const reason = '7 of 8 of web serve';
  assert.match(facts([reason]), /^7 of 8 of web serve$/m);
  assert.doesNotMatch(facts([reason], 'resolved'), /serve/);
  assert.match(facts([reason, reason]), /^7 of 8 of web serve$/m);
  assert.doesNotMatch(facts([reason, '6 of 8 of db serve']), /serve/);
  assert.doesNotMatch(facts([reason, reason], 'resolved'), /serve/);
});

test('many alerts that nobody acknowledged say for how long, if all waited as long', () => {
  const facts = (...times: readonly number[]): string =>
    wordsOfMany(times.map((unacknowledgedMs) => ({ unacknowledgedMs }))).facts.join('\n');
  assert.match(facts(900_000, 900_000), /^not acknowledged for 15 min$/m);
  assert.doesNotMatch(facts(900_000, 1_800_000), /acknowledged/);
});
