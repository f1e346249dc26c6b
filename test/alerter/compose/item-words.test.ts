/** The names of alerts and of lines for many clients, and values in a word or two: one row for each form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  countBySeverity,
  foldTitle,
  labelOf,
  nameOfLine,
  pageOf,
  sharedLabel,
  shortText,
  shortValue,
  subjectValue,
  textBeside,
  titleOf,
} from '../../../src/alerter/compose/item-words.ts';
import type { Fold, Line, SectionKind } from '../../../src/alerter/dispatch/notification-plan.ts';
import { configOf } from '../support/config-of.ts';
import { itemFor, type Said } from '../support/due-mails.ts';
import { config } from '../support/mail-samples.ts';

const said = (over: Partial<Said> = {}): Said => ({
  ...{ client: 'web-1', rule: 'disk', subject: '/var', transition: 'firing', severity: 'critical' },
  ...over,
});
const item = (over: Partial<Said> = {}) => itemFor(config, said(over));

/** Returns a line of a mail with one item for each client. */
function lineOf(fold: Fold | null, clients: readonly string[], over: Partial<Said> = {}): Line {
  return { fold, clients, items: clients.map((client) => item({ client, ...over })) };
}

test('a label is the rule with its subject, without the selectors that the subject repeats', () => {
  assert.equal(labelOf({ rule: 'disk', subject: '/var' }), 'disk /var');
  assert.equal(labelOf({ rule: 'disk mount=/srv', subject: '/srv' }), 'disk /srv');
  assert.equal(labelOf({ rule: 'unreachable', subject: '' }), 'unreachable');
});

const shortValues: readonly (readonly [rule: string, text: string, value: number | null, short: string | null])[] = [
  ['disk', '96 % used, 4 of 100 GiB free', 96, '96 %'],
  ['memory', '96 %, 1 GiB of swap', 96, '96 %'],
  ['load', '2.4 (9.6 on 4 CPUs)', 2.4, '2.4'],
  ['service', 'failed', null, 'failed'],
  ['service', 'failed, twice', null, 'failed, twice'],
  ['service', '', null, null],
  ['service', 'x'.repeat(24), null, 'x'.repeat(24)],
  ['service', 'x'.repeat(25), null, null],
  ['disk', `${'9'.repeat(24)} used, none free`, 9, '9'.repeat(24)],
  ['disk', `${'9'.repeat(25)} used, none free`, 9, null],
  ['unreachable', 'network: connect ETIMEDOUT', null, 'network'],
  ['unreachable', 'login refused: root was refused', null, 'login refused'],
  ['unreachable', 'agent failed', null, 'agent failed'],
  ['unreachable', 'networks are slow', null, null],
  ['unreachable', 'no: network: x', null, null],
];
for (const [rule, text, value, short] of shortValues) {
  test(`short value: ${rule} ${text.slice(0, 40)}`, () => {
    assert.equal(shortValue({ rule, alert: item({ value, valueText: text }).alert }), short);
    if (rule !== 'unreachable') assert.equal(shortText(text, value), short);
  });
}

/** The value of a subject about one alert: as many clauses as fit in forty columns. */
const clauses: readonly (readonly [text: string, value: string | null])[] = [
  ['the disk is gone, the mount hangs, and nobody knows why', 'the disk is gone, the mount hangs'],
  ['the disk is gone; the mount hangs, and nobody knows why', 'the disk is gone; the mount hangs'],
  ['the disk is gone: the mount hangs (and nobody knows why)', 'the disk is gone: the mount hangs'],
  [`${'x'.repeat(40)}, y`, 'x'.repeat(40)],
  [`${'x'.repeat(41)}, y`, null],
  ['x'.repeat(40), 'x'.repeat(40)],
  ['x'.repeat(41), null],
];
for (const [text, value] of clauses) {
  test(`value of a subject: ${text}`, () => {
    assert.equal(subjectValue(item({ rule: 'check', subject: 'app', valueText: text })), value);
  });
}

test('a number repeats nothing of its title, and a text loses the names and states of its title', () => {
  const title = { severity: 'warning', client: 'web-1', rule: 'check', subject: 'app' } as const;
  assert.equal(textBeside(title, { value: 3, valueText: 'WARNING: 3 left' }), 'WARNING: 3 left');
  for (const text of ['WARNING: 3 left', 'WARN: 3 left', 'warn: 3 left', 'app warning: 3 left']) {
    assert.equal(textBeside(title, { value: null, valueText: text }), '3 left', text);
  }
  assert.equal(textBeside(title, { value: null, valueText: 'CRITICAL: 3 left' }), 'CRITICAL: 3 left');
  assert.equal(textBeside({ ...title, severity: 'critical' }, { value: null, valueText: 'CRIT: 3 left' }), '3 left');
});

const titles: readonly (readonly [over: Partial<Said>, title: string])[] = [
  [{}, 'web-1: disk /var'],
  [{ rule: 'unreachable', subject: '' }, 'web-1: unreachable'],
  [{ client: '', rule: 'collector-silent', subject: 'c0ffee', host: 'mon-1' }, 'collector mon-1 is silent'],
  [{ client: '', rule: 'collector-silent', subject: 'c0ffee' }, 'collector c0ffee is silent'],
  [{ client: '', rule: 'collector-isolated', subject: 'c', host: 'mon-1' }, 'collector mon-1 is cut off'],
  [
    { client: '', rule: 'collector-isolated', subject: 'c', host: 'mon-1', transition: 'resolved' },
    'collector mon-1 was cut off',
  ],
  [{ client: '', rule: 'database-forgot', subject: '' }, 'database-forgot'],
];
for (const [over, title] of titles) test(`title: ${title}`, () => assert.equal(titleOf(item(over)), title));

const many = ['web-1', 'web-2', 'db-2'];
const unreachable = { rule: 'unreachable', subject: '' };
const parent = { kind: 'parent', name: 'hv-1', names: ['hv-1'], isBastion: false, behind: 3, still: [] } as const;
const group = { kind: 'group', name: 'rack-7', size: 12 } as const;

/** Lines for many clients, with their titles. */
const folds: readonly (readonly [fold: Fold, clients: readonly string[], over: Partial<Said>, title: string])[] = [
  [group, many, {}, 'rack-7: disk /var (3 of 12 clients)'],
  [{ ...group, size: 2 }, many, {}, 'rack-7: disk /var (3 of 3 clients)'],
  [{ ...group, size: 1 }, ['web-1'], {}, 'rack-7: disk /var (1 of 1 clients)'],
  [group, many, unreachable, 'rack-7: 3 of 12 unreachable'],
  [{ kind: 'export', source: 'nas:/srv' }, many, {}, 'nas:/srv: disk /var (3 clients)'],
  [{ kind: 'export', source: 'nas:/srv' }, ['web-1'], {}, 'nas:/srv: disk /var (1 client)'],
  [{ kind: 'reason' }, many, unreachable, '3 clients unreachable'],
  [{ kind: 'reason' }, ['web-1'], unreachable, '1 client unreachable'],
  [{ kind: 'all' }, many, { rule: 'not-trusted', subject: '' }, 'not-trusted (3 clients)'],
  [{ kind: 'left', name: 'hv-1' }, many, unreachable, 'hv-1 is back, still away: web-1, web-2, db-2'],
  [
    { kind: 'left', name: 'hv-1' },
    [...many, 'a', 'b', 'c', 'd'],
    unreachable,
    'hv-1 is back, still away: web-1, web-2, db-2, a, b and 2 more',
  ],
  [parent, many, unreachable, 'hv-1: 3 of 3 on it unreachable'],
  [parent, ['hv-1', ...many], unreachable, 'hv-1: unreachable with 3 of 3 on it'],
  [
    { ...parent, name: 'hv-1 and hv-2', names: ['hv-1', 'hv-2'] },
    many,
    unreachable,
    'hv-1 and hv-2: 3 of 3 on them unreachable',
  ],
  [
    { ...parent, name: 'gate', isBastion: true, names: ['gate'] },
    many,
    unreachable,
    'bastion gate: 3 of 3 behind it unreachable',
  ],
];
for (const [fold, clients, over, title] of folds) {
  test(`line of many: ${title}`, () => assert.equal(foldTitle(lineOf(fold, clients, over), 'critical'), title));
}

/** The words of a state by rule and section; a rule without words of its own is named. */
const states: readonly (readonly [rule: string, kind: SectionKind, words: string])[] = [
  ['unreachable', 'critical', '3 clients unreachable'],
  ['unreachable', 'open', '3 clients unreachable'],
  ['unreachable', 'resolved', '3 clients reachable again'],
  ['unreachable', 'ended', 'unreachable (3 clients)'],
  ['unreachable', 'past', 'unreachable (3 clients)'],
  ['unreachable', 'listed', 'unreachable (3 clients)'],
  ['rebooted', 'event', '3 clients were booted'],
  ['rebooted', 'past', 'rebooted (3 clients)'],
  ['oom-kill', 'event', '3 clients ran out of memory'],
  ['oom-kill', 'listed', 'oom-kill (3 clients)'],
];
for (const [rule, kind, words] of states) {
  test(`state of many: ${rule} in ${kind}`, () => {
    assert.equal(foldTitle(lineOf({ kind: 'reason' }, many, { rule, subject: '' }), kind), words);
  });
}

test('events of one client are counted in words of their own, others by their label', () => {
  const line = (rule: string, subject = ''): Line => ({
    ...{ fold: { kind: 'client', name: 'web-1' }, clients: ['web-1'] },
    items: [1, 2].map(() => item({ rule, subject })),
  });
  assert.equal(foldTitle(line('rebooted'), 'event'), 'web-1: booted 2 times');
  assert.equal(foldTitle(line('oom-kill'), 'event'), 'web-1: ran out of memory 2 times');
  assert.equal(foldTitle(line('raid', 'md0'), 'event'), 'web-1: raid md0 (2 times)');
});

test('a line of a parent says who is still away, and counts clients where nothing else says more', () => {
  const still = ['a', 'b', 'c', 'd', 'e'];
  const title = (kind: SectionKind, clients: readonly string[], left: readonly string[] = []): string =>
    foldTitle(lineOf({ ...parent, still: left }, clients, unreachable), kind);
  assert.equal(title('resolved', many, ['a']), 'hv-1: 3 of 3 reachable again; still not: a');
  assert.equal(title('resolved', many, still), 'hv-1: 3 of 3 reachable again; still not: a, b, c, d, e');
  assert.equal(
    title('resolved', many, [...still, 'f']),
    'hv-1: 3 of 3 reachable again; still not: a, b, c, d, e and 1 more',
  );
  assert.equal(title('resolved', ['hv-1', ...many], ['a']), 'hv-1: reachable again with 3 of 3 on it; still not: a');
  assert.equal(title('past', many), 'hv-1: unreachable (3 of 3 clients on it)');
  assert.equal(title('past', ['hv-1', ...many]), 'hv-1: unreachable (with 3 of 3 clients on it)');
});

test('a long name gives way to what is said of it, and eight columns of it stay', () => {
  const long = { ...group, name: 'r'.repeat(60) };
  assert.equal(foldTitle(lineOf(long, many), 'critical', 50), `${'r'.repeat(20)}…: disk /var (3 of 12 clients)`);
  assert.equal(foldTitle(lineOf(long, many), 'critical', 20), `${'r'.repeat(7)}…: disk /var…`);
  const far = { ...parent, name: 'h'.repeat(60) };
  assert.equal(
    foldTitle(lineOf(far, many, unreachable), 'critical', 20),
    `${'h'.repeat(7)}…: 3 of 3 on it unreachable`,
  );
});

test('a line among others is named by client and label, or by the label alone if all are of one client', () => {
  const one = lineOf(null, ['web-1']);
  assert.equal(nameOfLine(one, 'critical', 80), 'web-1 disk /var');
  assert.equal(nameOfLine(one, 'critical', 80, true), 'disk /var');
  assert.equal(nameOfLine(one, 'critical', 8), 'web-1 d…');
  assert.equal(nameOfLine(lineOf(group, many), 'critical', 80), 'rack-7 disk /var (3 of 12 clients)');
  const silent = lineOf(null, [''], { rule: 'collector-silent', subject: 'c', host: 'mon-1' });
  assert.equal(nameOfLine(silent, 'critical', 80), 'collector mon-1 is silent');
  assert.equal(nameOfLine({ fold: null, items: [], clients: [] }, 'critical', 80), '');
});

test('many items share a label: with the subject if it is the same, else the type of their rule alone', () => {
  assert.equal(sharedLabel([item(), item({ client: 'web-2' })]), 'disk /var');
  assert.equal(sharedLabel([item(), item({ subject: '/' })]), 'disk');
  assert.equal(sharedLabel([item({ rule: 'disk mount=/srv/*' }), item({ subject: '/' })]), 'disk');
  assert.equal(sharedLabel([]), '');
});

test('a count by severity leaves out what there is none of', () => {
  const count = (critical: number, warnings: number): string =>
    countBySeverity([
      ...Array.from({ length: critical }, () => ({ severity: 'critical' as const })),
      ...Array.from({ length: warnings }, () => ({ severity: 'warning' as const })),
    ]);
  assert.equal(count(0, 0), '');
  assert.equal(count(1, 0), '1 critical');
  assert.equal(count(0, 1), '1 warning');
  assert.equal(count(2, 2), '2 critical, 2 warnings');
  assert.equal(count(1000, 1200), '1,000 critical, 1,200 warnings');
});

test('the page of one alert is its own, that of several is the list, and one that is not stored has none', () => {
  const { serve } = configOf(
    '<serve url="https://fleet.example.org/"><look/></serve><client name="a" ip="192.0.2.1" username="u"/>',
  );
  const url = 'https://fleet.example.org/alerts';
  assert.equal(pageOf({ serve }, [7]), `${url}/7`);
  assert.equal(pageOf({ serve }, [1, 1]), `${url}/1`);
  assert.equal(pageOf({ serve }, [7, 8]), url);
  for (const ids of [[], [0], [-1]]) assert.equal(pageOf({ serve }, ids), null);
  assert.equal(pageOf({ serve: null }, [7]), null);
});
