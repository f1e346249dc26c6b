/** The sections of a digest by themselves: their titles, their orders, and the words of each count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type GroupState, needingGroups } from '../../../src/alerter/inhibit/group-states.ts';
import { configOf } from '../support/config-of.ts';
import { beganAndEnded, endedSection, openSection } from '../../../src/alerter/digest/alert-sections.ts';
import { changesSection, pendingSection } from '../../../src/alerter/digest/change-sections.ts';
import { digestSection, firstLines, nameList } from '../../../src/alerter/digest/digest-section.ts';
import { forecastSection } from '../../../src/alerter/digest/forecast-section.ts';
import type { DigestFacts } from '../../../src/alerter/digest/read-digest.ts';
import { outlierSection } from '../../../src/alerter/digest/outlier-section.ts';
import {
  availabilityOf,
  availabilitySection,
  costSection,
  undeliveredSection,
} from '../../../src/alerter/digest/visit-sections.ts';
import type { SectionWords } from '../../../src/alerter/compose/mail-words.ts';
import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { badWeek, changesOf, machine, openAlert, quietWeek, spanOf, totals } from '../support/digest-samples.ts';
import { at } from '../support/rows.ts';

const wording = { reader: { zone: 'UTC', nowMs: at('10:00') }, most: 3 };
const week = (over: Partial<DigestFacts>): DigestFacts => ({ ...quietWeek, ...over });
/** Returns the titles of a section, each with its lines below it. */
const linesOf = (section: SectionWords | null): readonly string[] =>
  (section?.lines ?? []).flatMap(({ title, list }) => [title, ...(list ?? []).map((line) => `- ${line}`)]);

test('a list has its first lines and the count of the others, and a line four names', () => {
  const line = (item: number): string => `line ${item}`;
  assert.deepEqual(firstLines([1, 2], 2, line), ['line 1', 'line 2']);
  assert.deepEqual(firstLines([1, 2, 3], 2, line), ['line 1', 'line 2', 'and 1 more']);
  assert.deepEqual(
    firstLines(
      Array.from({ length: 1202 }, (_, index) => index),
      1,
      line,
    ),
    ['line 0', 'and 1,201 more'],
  );
  assert.equal(nameList(['a', 'b', 'c', 'd']), 'a, b, c, d');
  assert.equal(nameList(['a', 'b', 'c', 'd', 'e']), 'a, b, c, d and 1 more');
  assert.equal(nameList(['x'.repeat(25)]), `${'x'.repeat(23)}…`);
});

test('a section with a severity has its color, others have none, and lines are cut to seventy columns', () => {
  const blocks = [{ title: 't', lines: ['x'.repeat(71)] }];
  const plain = digestSection({ heading: 'h', blocks });
  assert.deepEqual(
    [plain.kind, plain.worst, plain.count, plain.lines[0]?.severity],
    ['listed', 'warning', null, 'warning'],
  );
  assert.deepEqual(plain.lines[0]?.list, [`${'x'.repeat(69)}…`]);
  const bad = digestSection({ heading: 'h', blocks, worst: 'critical', count: 3 });
  assert.deepEqual([bad.kind, bad.worst, bad.count, bad.lines[0]?.severity], ['open', 'critical', 3, 'critical']);
});

test('what is open is listed by severity, then the longest first', () => {
  const open = [
    openAlert('a', { severity: 'warning', pendingSinceMs: at('01:00') }),
    openAlert('b', { pendingSinceMs: at('09:00') }),
    openAlert('c', { pendingSinceMs: at('08:00'), value: null, valueText: 'x'.repeat(30) }),
  ];
  const section = openSection(week({ open }), wording);
  assert.deepEqual(linesOf(section), [
    '2 critical, 1 warning',
    '- critical: c disk /var, for 2 hours',
    '- critical: b disk /var 96.2 %, for 1 hour',
    '- warning: a disk /var 96.2 %, for 9 hours',
  ]);
  assert.deepEqual([section?.heading, section?.count, section?.worst], ['Open now', 3, 'critical']);
  assert.equal(openSection(week({ open: open.slice(0, 1) }), wording)?.worst, 'warning');
  assert.equal(openSection(week({}), wording), null);
  const made = openSection(week({ open: open.slice(1, 2), madeMs: at('10:30') }), wording);
  assert.match(linesOf(made)[1] ?? '', /for 1 hour 30 minutes$/);
});

test('an alert that is told as a warning says so, and the groups in need say who serves', () => {
  const config = configOf(
    '<group name="web" need="2"><client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/></group>',
  );
  const [group] = needingGroups(config);
  assert.ok(group);
  const away = openAlert('web-1', { rule: 'unreachable', subject: '', value: null, valueText: 'no route' });
  const open = [away, openAlert('db-1', { pendingSinceMs: at('09:00') })];
  const state: GroupState = { group, lost: [away], lostMembers: 1, unknown: [], serving: 2, state: 'enough' };
  const section = openSection(week({ open, eased: new Set([away]), groups: [state] }), wording);
  assert.deepEqual(linesOf(section), [
    '2 critical',
    '- critical: db-1 disk /var 96.2 %, for 1 hour',
    '- critical, told as a warning: web-1 unreachable no route, for 5 hours',
    'Groups of which a member does not serve',
    '- web 2/3, 2 needed',
  ]);
  assert.equal(section?.worst, 'critical');
  assert.equal(openSection(week({ open: [away], eased: new Set([away]) }), wording)?.worst, 'warning');
  const unknown = openSection(week({ groups: [{ ...state, lost: [], unknown: ['web-2'] }] }), wording);
  assert.deepEqual(linesOf(unknown), [
    'Groups of which a member does not serve',
    '- web at least 2/3, 2 needed, 1 unknown',
  ]);
});

test('what is hidden of open alerts is counted by rule, most first, then by name', () => {
  const open = ['load', 'disk', 'swap', 'load', 'disk'].map((rule) => openAlert('a', { rule }));
  assert.equal(linesOf(openSection(week({ open }), wording)).at(-1), '- by rule: disk 2, load 2, swap 1');
});

test('alerts begin in a span from its first moment on, and before its last, and so they end', () => {
  const { sinceMs, untilMs } = quietWeek;
  const span = (firingSinceMs: number, resolvedAtMs: number | null, rule = 'disk') =>
    spanOf('a', 1, 1, { rule, firingSinceMs, resolvedAtMs });
  const counts = (...spans: ReturnType<typeof span>[]): readonly number[] => {
    const { began, ended } = beganAndEnded({ spans, sinceMs, untilMs });
    return [began.length, ended.length];
  };
  assert.deepEqual(counts(span(sinceMs, sinceMs), span(sinceMs - 1, sinceMs - 1)), [1, 1]);
  assert.deepEqual(counts(span(untilMs - 1, untilMs - 1), span(untilMs, untilMs), span(0, null)), [1, 1]);
  assert.deepEqual(counts(span(sinceMs, sinceMs, 'rebooted')), [0, 0]);
});

test('what began and ended is counted by rule, and the worst that ended is named, the longest first', () => {
  const spans = [
    spanOf('b', 2, 5, { severity: 'warning' }),
    spanOf('c', 1, 5),
    spanOf('a', 1, 5),
    spanOf('d', 3, 5, { rule: 'load' }),
    spanOf('e', 9, 5, { rule: 'cpu', resolvedAtMs: null }),
  ];
  assert.deepEqual(linesOf(endedSection(week({ spans }), { ...wording, most: 4 })), [
    '5 began, 4 ended',
    '- disk: 3 began, 3 ended',
    '- load: 1 began, 1 ended',
    '- cpu: 1 began, 0 ended',
    'The worst that ended',
    '- critical: d load /var, 3 hours from Fri 20 Nov 02:00',
    '- critical: a disk /var, 1 hour from Fri 20 Nov 04:00',
    '- critical: c disk /var, 1 hour from Fri 20 Nov 04:00',
    '- warning: b disk /var, 2 hours from Fri 20 Nov 03:00',
  ]);
  assert.match(linesOf(endedSection(week({ spans, moreSpans: true }), wording))[0] ?? '', /^more than 5 began/);
  assert.equal(endedSection(week({}), wording), null);
  const fleet = [spanOf('', 1, 5, { rule: 'collector-silent', subject: 'c1' })];
  assert.match(
    linesOf(endedSection(week({ spans: fleet }), wording)).at(-1) ?? '',
    /: collector-silent c1, 1 hour from/,
  );
});

const lost = (client: string, hours: number, agoHours: number, rule = 'unreachable') =>
  spanOf(client, hours, agoHours, { rule, subject: '' });

/** The sentence about the visits of a span, and whether every client answered every visit. */
const sentences: readonly (readonly [what: string, over: Partial<DigestFacts>, sentence: string, isWhole: boolean])[] =
  [
    ['no clients', { clients: [] }, 'No client is visited', false],
    ['no runs of the collector', { runs: quietWeek.runs.slice(1) }, 'Nothing was visited', false],
    ['no visits', { runs: [{ ...totals, succeeded: 0 }] }, 'Nothing was visited', false],
    ['one run', { runs: [{ ...totals, fullRuns: 1, succeeded: 400 }] }, '400 of 400 answered the one visit', true],
    ['all visits', {}, '400 of 400 answered all 2,016 visits', true],
    ['a failure', { runs: [{ ...totals, succeeded: 3, failed: 1 }] }, '75 % of 4 visits were answered', false],
    [
      'a client that was away',
      { spans: [lost('web-001', 1, 1)] },
      '99.99 % of 806,400 visits were answered; 1 of 400 were away',
      false,
    ],
  ];
for (const [what, over, sentence, isWhole] of sentences) {
  test(`availability: ${what}`, () => {
    const found = availabilityOf(week(over));
    assert.deepEqual([found.sentence, found.isWhole], [sentence, isWhole]);
  });
}

test('a digest of groups speaks of silences alone', () => {
  const digest = { ...quietWeek.digest, groups: ['web'] };
  const quiet = availabilityOf(week({ digest, runs: [] }));
  assert.deepEqual([quiet.sentence, quiet.isWhole], ['400 of 400 were never silent', true]);
  const one = availabilityOf(week({ digest, runs: [], spans: [lost('web-001', 1, 1), lost('web-001', 1, 5)] }));
  assert.deepEqual([one.sentence, one.isWhole], ['399 of 400 were never silent', false]);
});

test('silences of a client that touch are one, within the span, the longest first', () => {
  const { untilMs, sinceMs } = quietWeek;
  const spans = [
    lost('a', 2, 3),
    lost('a', 2, 2, 'no-report'),
    lost('b', 5, 6),
    lost('c', 1, 1, 'disk'),
    lost('', 1, 1),
    spanOf('d', 1, 1, { rule: 'unreachable', pendingSinceMs: sinceMs - hourMs, resolvedAtMs: null }),
  ];
  const found = availabilityOf(week({ spans })).silences;
  assert.deepEqual(
    found.map(({ client, fromMs, toMs }) => [client, (untilMs - fromMs) / hourMs, (untilMs - toMs) / hourMs]),
    [
      ['d', 7 * 24, 0],
      ['b', 11, 6],
      ['a', 5, 2],
    ],
  );
});

test('the section about visits names the longest silence, then clients by their time away', () => {
  const spans = [lost('a', 4, 10), lost('b', 2, 20), lost('b', 3, 30), { ...lost('c', 1, 0), resolvedAtMs: null }];
  const facts = week({ spans });
  const lines = linesOf(availabilitySection(facts, availabilityOf(facts), wording));
  assert.deepEqual(lines.slice(1), [
    '- longest silence: a, 4 hours',
    '- b: away 5 hours in 2 times (longest Thu 19 Nov 01:00 to 04:00)',
    '- a: away 4 hours (Thu 19 Nov 20:00 to Fri 20 Nov 00:00)',
    '- c: away 1 hour (since Fri 20 Nov 09:00)',
  ]);
  const unfinished = (count: number): readonly string[] => {
    const one = week({ runs: [{ ...totals, unfinished: count }] });
    return linesOf(availabilitySection(one, availabilityOf(one), wording));
  };
  assert.deepEqual(unfinished(0), []);
  assert.equal(unfinished(1)[1], '- 1 run of the collector did not finish');
});

test('mails that nobody accepted are counted by recipient, with the newest error', () => {
  const [mail] = badWeek.undelivered;
  assert.ok(mail);
  const undelivered = [
    { ...mail, createdAtMs: at('08:00'), error: 'first' },
    { ...mail, error: 'second' },
    { ...mail, recipient: 'kim@example.org', error: null },
  ];
  const section = undeliveredSection(week({ undelivered }), wording);
  assert.deepEqual(linesOf(section), [
    '3 mails, the oldest of Fri 20 Nov 08:00',
    '- 2 to gone@example.org: second',
    '- 1 to kim@example.org: ',
  ]);
  assert.deepEqual([section?.count, section?.worst], [3, 'critical']);
  assert.equal(undeliveredSection(week({}), wording), null);
});

test('the cost of monitoring is that of a day, at least one, by program', () => {
  const { untilMs } = quietWeek;
  const runs = [
    { ...totals, runs: 1, cpuMs: 70_000, overlapped: 2 },
    { ...totals, program: 'alert', maxRssBytes: null },
  ];
  const lines = linesOf(costSection(week({ runs: runs as DigestFacts['runs'], databaseBytes: null })));
  assert.equal(lines[1], '- collect: 1 run, 10s of CPU a day, at most 190 MiB of memory');
  assert.equal(lines[2], '- collect: 2 runs overlapped');
  assert.match(lines[3] ?? '', /^- alert: 2,016 runs, [^,]* of CPU a day$/);
  assert.equal(lines.length, 4);
  const short = costSection(week({ runs: runs.slice(0, 1) as DigestFacts['runs'], sinceMs: untilMs - minuteMs }));
  assert.match(linesOf(short)[1] ?? '', /1m 10s of CPU a day/);
  assert.equal(linesOf(short).at(-1), '- database: 3.2 GiB');
  assert.equal(costSection(week({ runs: [] })), null);
});

test('updates and reboots that wait are counted by group, the largest first', () => {
  const one = (client: string, updates: number | null, securityUpdates: number | null, rebootRequired = false) => ({
    ...{ client, updates, securityUpdates, rebootRequired },
  });
  const pending = [
    one('web-001', 3, 1),
    one('web-002', 1, 0, true),
    one('web-301', 1200, 0),
    one('stranger', null, null, true),
  ];
  assert.deepEqual(linesOf(pendingSection(week({ pending }), wording)), [
    '1,204 updates on 3 (1 for security), 2 to be rebooted',
    '- web: 4 updates on 2 (1 for security), 1 to be rebooted',
    '- stranger: 1 to be rebooted',
    '- db: 1,200 updates on 1',
  ]);
  assert.equal(pendingSection(week({}), wording), null);
});

test('changes stand in the order of boots, keys, configuration, clients, then the most frequent of each kind', () => {
  const event = { rule: 'rebooted', subject: '', closedReason: 'event' } as const;
  const facts = week({
    spans: [spanOf('a', 0, 1, event), spanOf('a', 0, 2, event), spanOf('b', 0, 3, { rule: 'host-key-changed' })],
    runs: [{ ...totals, configs: 2 }],
    joined: ['new-1'],
    left: ['old-1', 'old-2'],
    changes: [...changesOf('c', ['file', '/etc/a', null, null]), ...changesOf('d', ['system', 'boot', '1', '2'])],
  });
  assert.deepEqual(linesOf(changesSection(facts, wording)), [
    '6 kinds of change',
    '- booted 3 times (2): a, d',
    '- host key changed: b',
    '- config.xml: 2 versions were in use',
    '- new client: new-1',
    '- left config.xml (2): old-1, old-2',
    '- new /etc/a: c',
  ]);
  assert.equal(changesSection(week({}), wording), null);
});

test('parts of machines that are not known have not changed, nor has memory by less than a hundredth', () => {
  const changed = (before: object, after: object): readonly string[] =>
    linesOf(
      changesSection(
        week({ inventories: [{ client: 'a', before: { ...machine, ...before }, after: { ...machine, ...after } }] }),
        wording,
      ),
    ).slice(1);
  assert.deepEqual(changed({ os: null }, {}), []);
  assert.deepEqual(changed({}, { os: null, disks: null, cards: null, memoryBytes: null }), []);
  assert.deepEqual(changed({}, { memoryBytes: (machine.memoryBytes ?? 0) * 1.005 }), []);
  assert.deepEqual(changed({ cpus: null }, { cpus: null, cpuModel: 'x' }), ['- CPU AMD EPYC 7402P to x: a']);
  assert.deepEqual(changed({}, { cpuModel: null }), ['- CPU 48 x AMD EPYC 740… to 48 x CPU: a']);
  assert.deepEqual(changed({ disks: ['s1'] }, { disks: ['s1', 's2'] }), ['- disk came: s2: a']);
});

test('forecasts are listed to the thirtieth day, the nearest first, as a warning within a week', () => {
  const [near] = badWeek.forecasts;
  assert.ok(near);
  const { untilMs } = quietWeek;
  const of = (...days: readonly number[]) =>
    forecastSection(week({ forecasts: days.map((daysLeft) => ({ ...near, asOfMs: untilMs, daysLeft })) }), wording);
  assert.deepEqual(linesOf(of(30, 30.1, 8)).length, 3);
  assert.match(linesOf(of(30, 8))[0] ?? '', /^2 file systems, if they grow as they do$/);
  assert.match(linesOf(of(30, 8))[1] ?? '', /in 8 days/);
  assert.deepEqual([of(7.1)?.kind, of(7)?.kind, of(7)?.worst], ['listed', 'open', 'warning']);
  assert.match(linesOf(of(1))[1] ?? '', /: in 1 day \(Sat 21 Nov\), grows 11 GiB a day$/);
  const inodes = { ...near, asOfMs: untilMs, daysLeft: 3, kind: 'inodes' as const, growthPerDay: 1.234 };
  assert.match(
    linesOf(forecastSection(week({ forecasts: [inodes] }), wording))[1] ?? '',
    /grows 1\.23 % of inodes a day$/,
  );
  assert.equal(of(), null);
});

test('outliers are counted as figures and kinds', () => {
  const { figures, kinds } = badWeek.outliers;
  const title = (some: typeof figures, others: typeof kinds) =>
    linesOf(outlierSection(week({ outliers: { figures: some, kinds: others } }), wording))[0];
  assert.equal(title(figures, kinds), '2 figures, 1 kind');
  assert.equal(title(figures.slice(1), []), '1 figure');
  assert.equal(title([], [...kinds, ...kinds]), '2 kinds');
  assert.equal(outlierSection(week({}), wording), null);
});
