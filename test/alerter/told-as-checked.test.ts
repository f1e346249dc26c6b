// Second tier: random configurations, each for two days and a half of passes.
/** Whoever `check` names as told of an alert is told of it by the alerter, and nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { nextOccurrence } from '../../src/alerter/digest/digest-times.ts';
import { type DueDigest, dueDigests } from '../../src/alerter/digest/due-digests.ts';
import { alertRecipients, groupHearers, nextDigests } from '../../src/cli/check/alert-recipients.ts';
import type { Config, Severity } from '../../src/config/config.ts';
import { awayRecipients, namedRecipients } from '../../src/config/recipients/fleet-recipients.ts';
import { worstSeverity } from '../../src/config/recipients/listeners.ts';
import { kindOfRecipient } from '../../src/config/values/recipient-kinds.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { configOf } from './support/config-of.ts';
import { startDispatch } from './support/dispatch-world.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? (isLong ? 400 : isWide ? 160 : 40));

/** An element that names somebody: `<mail>`, `<webhook>`, `<notify>`. */
interface Entry {
  /** The recipient, as it is kept. */
  readonly to: string;
  readonly severity: '' | Severity;
  readonly rules: string;
  readonly hours: string;
  readonly after: string;
}

/** The meaning of `rules`. */
const asked: Readonly<Record<string, (rule: string) => boolean>> = {
  '': () => true,
  disk: (rule) => rule === 'disk',
  'unreachable,no-report': (rule) => rule === 'unreachable' || rule === 'no-report',
  '!disk': (rule) => rule !== 'disk',
  'mail-*,group-*': (rule) => rule.startsWith('mail-') || rule.startsWith('group-'),
  event: (rule) => rule === 'backups',
};
/** The meaning of `hours`: the hours of a day at which somebody is told. */
const isWithin: Readonly<Record<string, (atMs: number) => boolean>> = {
  '': () => true,
  '08:00-18:00': (atMs) => hourOf(atMs) >= 8 && hourOf(atMs) < 18,
  '22:00-06:00': (atMs) => hourOf(atMs) >= 22 || hourOf(atMs) < 6,
};
const hourOf = (atMs: number): number => new Date(atMs).getUTCHours();
/** The meaning of `after`, in hours. */
const afterHours: Readonly<Record<string, number>> = { '': 0, '45m': 0.75, '3h': 3 };

const word = (values: Readonly<Record<string, unknown>>, usual: number) =>
  fc.oneof(
    { weight: usual, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(values)) },
  );
const about = {
  severity: fc.constantFrom<Entry['severity']>('', '', 'critical', 'warning'),
  rules: word(asked, 1),
  hours: word(isWithin, 2),
  after: word(afterHours, 2),
};
const isWritten = ({ severity, after }: Pick<Entry, 'severity' | 'after'>): boolean =>
  severity !== 'warning' || after === '';
const names = ['ops', 'north', 'east', 'boss'].map((name) => `${name}@example.org`);
const mail = fc.record({ to: fc.constantFrom(...names, 'phone@pager.example.net'), ...about }).filter(isWritten);
const chat = fc.record({ to: fc.constant('webhook:chat'), ...about }).filter(isWritten);
const command = fc
  .record({
    ...about,
    to: fc.constantFrom('|/bin/true', '|/bin/page --now'),
    hours: fc.constant(''),
    clients: fc.constantFrom('', '', 'c1', 'c?'),
  })
  .filter(isWritten);
const some = <T>(one: fc.Arbitrary<T>, most: number) => fc.array(one, { maxLength: most });

/** Returns the element of an entry; `more` are further attributes. */
function written(entry: Entry, more = ''): string {
  const { kind, name } = kindOfRecipient(entry.to);
  const [element, attribute] = { mail: ['mail', 'to'], webhook: ['webhook', 'name'], command: ['notify', 'command'] }[
    kind
  ];
  const words = (['severity', 'rules', 'hours', 'after'] as const).map((one) =>
    entry[one] === '' ? '' : ` ${one}="${entry[one]}"`,
  );
  return `<${element} ${attribute}="${name}"${words.join('')}${more}/>`;
}

const tuned = (...rules: readonly string[]) =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom(...rules),
        fc.constantFrom(' mail="rule@example.org"', ' mail="none"', ' severity="warning"', ' enabled="no"'),
      ),
      { maxLength: 2 },
    )
    .map((all) => [...new Map(all)].map(([name, more]) => `<alert name="${name}"${more}/>`).join(''));

/** A configuration: three clients in a group, of which one has recipients of its own. */
const fleet = fc.record({
  fallback: fc.constantFrom('', ' fallback="root@example.org"'),
  canary: fc.constantFrom(
    '',
    '',
    '<canary to="canary@example.org"/><replies imap="imap://x@localhost" passwordEnv="P"/>',
  ),
  need: fc.constantFrom('', ' need="2"', ' need="1"', ' need="1" needRules="disk,unreachable"'),
  format: fc.constantFrom('alertmanager', 'pagerduty', 'text'),
  hook: fc.option(chat),
  ofAll: some(mail, 3),
  ofGroup: some(fc.oneof({ weight: 3, arbitrary: mail }, { weight: 1, arbitrary: chat }), 2),
  ofClient: fc.oneof({ weight: 2, arbitrary: some(mail, 0) }, { weight: 1, arbitrary: some(mail, 2) }),
  isMuted: fc.constantFrom(false, false, false, true),
  tuned: tuned(
    'disk',
    'memory',
    'unreachable',
    'no-report',
    'collector-silent',
    'mail-path',
    'state-disk',
    'group-short',
  ),
  ofGroupRule: tuned('group-short'),
  notify: fc.oneof({ weight: 2, arbitrary: some(command, 0) }, { weight: 1, arbitrary: some(command, 2) }),
});
type Fleet = typeof fleet extends fc.Arbitrary<infer T> ? T : never;

function elementsOf(made: Fleet): string {
  const { fallback, canary, need, format, hook, ofAll, isMuted, notify } = made;
  const chatAt = hook === null ? '' : written(hook, ` url="https://chat.example.org/" format="${format}"`);
  const inside = (entries: readonly Entry[]): string => entries.map((one) => written(one)).join('');
  const other = (name: string, last: number): string => `<client name="${name}" ip="192.0.2.${last}" username="u"/>`;
  return (
    `<smtp host="localhost"${fallback}/>${canary}` +
    notify.map((one) => written(one, one.clients === '' ? '' : ` clients="${one.clients}"`)).join('') +
    `<alerts zone="UTC" flapping="no">${inside(ofAll)}${chatAt}${made.tuned}` +
    '<alert name="backups" type="event" service="backup" mail="nightly@example.org"/></alerts>' +
    `<group name="g"${need}>${inside(made.ofGroup)}${made.ofGroupRule}` +
    `<client name="c1" ip="192.0.2.1" username="u"${isMuted ? ' mail="none"' : ''}>${inside(made.ofClient)}</client>` +
    `${other('c2', 2)}${other('c3', 3)}</group>`
  );
}

/** Returns the configuration; null if it is refused, such as one with a severity beside two limits. */
function acceptedConfig(elements: string): Config | null {
  try {
    return configOf(elements);
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'config-invalid') return null;
    throw thrown;
  }
}

/** An alert: of the client c1, of the fleet, or of the group g. */
interface Case {
  readonly rule: string;
  readonly of: 'client' | 'fleet' | 'group';
  readonly level: Severity;
}

const levels = fc.constantFrom<Severity>('warning', 'critical');
const cases = fc.oneof(
  fc.record({
    of: fc.constant('client' as const),
    rule: fc.constantFrom('disk', 'memory', 'unreachable', 'no-report', 'clock-offset', 'backups'),
    level: levels,
  }),
  fc.record({
    of: fc.constant('fleet' as const),
    rule: fc.constantFrom(
      'collector-silent',
      'mail-path',
      'state-disk',
      'database-forgot',
      'collector-isolated',
      'backups',
    ),
    level: levels,
  }),
  fc.record({ of: fc.constant('group' as const), rule: fc.constant('group-short'), level: levels }),
);

/** Returns the rule of a case as it is in force; null if there is none. */
function ruleOf(config: Config, { rule, of }: Case) {
  const lists = {
    client: config.clients[0]?.rules,
    fleet: config.alerts.rules,
    group: [config.needs[0]?.rule ?? null],
  };
  return lists[of]?.find((one) => one?.name === rule) ?? null;
}

/** Returns whom `check` names for an alert that stays for two days and a half. */
function named(config: Config, { rule, of, level }: Case): readonly string[] {
  if (of === 'group') return groupHearers(config).flatMap(({ recipients }) => recipients);
  const all = of === 'client' ? { ...config, clients: config.clients.slice(0, 1) } : config;
  return alertRecipients(all).recipients.flatMap((one) => {
    const isMeant = (one.clients === 0) === (of === 'fleet') && !one.not_heard.includes(rule);
    const isAsked = one.rules.length === 0 || one.rules.includes(rule);
    // `after` counts critical alerts alone.
    const isLevel = level === 'critical' || (one.severity === 'warning' && one.after_seconds === null);
    return isMeant && isAsked && isLevel ? one.recipient : [];
  });
}

interface Told {
  readonly to: string;
  readonly atMs: number;
}

const beginsMs = Date.parse('2026-03-04T08:00:00Z');

/** Returns who is notified of an alert that begins now and stays for two days and a half, and when. */
function toldOf(elements: string, { rule, of, level }: Case): readonly Told[] {
  const world = startDispatch(elements);
  const client = of === 'client' ? 'c1' : '';
  world.at(beginsMs).fires(`${client === '' ? '-' : client} ${rule}${of === 'group' ? ' g' : ''}`, { severity: level });
  for (let hour = 0; hour < 60; hour += 1) {
    // Two of three members serve.
    const reports = new Map(['c2', 'c3'].map((name) => [name, { newestMs: world.now() }]));
    world.add({ reports: new Map([...reports, ['c1', { newestMs: beginsMs }]]) });
    world.pass();
    world.at(world.now() + 3_600_000).row(client);
  }
  return world.mails.map(({ mail: { recipient }, createdAtMs }) => ({ to: recipient, atMs: createdAtMs }));
}

/** Returns the level at which an alert is told: that of a member without which its group has enough is a warning. */
function levelOf({ needs }: Config, one: Case): Severity {
  const isNeeded = needs.some(({ rules, rule }) => rule !== null && rules.includes(one.rule));
  return one.of === 'client' && isNeeded ? 'warning' : one.level;
}

/** Returns the entries of a client's alert, as docs/alerts.md says them. */
function entriesFor({ hook, ofAll, ofGroup, ofClient, isMuted, notify }: Fleet): readonly Entry[] {
  const outer = isMuted ? [] : [...ofAll, ...[hook ?? []].flat(), ...ofGroup];
  return [...outer, ...ofClient, ...notify];
}

const listens = ({ severity, rules, after }: Entry, rule: string, level: Severity): boolean =>
  (asked[rules]?.(rule) ?? false) && (level === 'critical' || (severity !== 'critical' && after === ''));

/** Returns who has to be told of a client's alert, by the entries themselves. */
function expected(made: Fleet, config: Config, one: Case): ReadonlySet<string> {
  const found = ruleOf(config, one);
  const worst = found === null ? 'warning' : worstSeverity(found);
  const ofRule = (found?.mail ?? []).map((to): Entry => ({ to, severity: '', rules: '', hours: '', after: '' }));
  const entries = found?.mail === null ? entriesFor(made) : [...ofRule, ...made.notify];
  const isLeft = found?.origin !== 'file' && found?.mail === null && !(made.isMuted && made.ofClient.length === 0);
  const isReached = entries.some((entry) => listens(entry, one.rule, worst));
  const told = entries.filter((entry) => listens(entry, one.rule, levelOf(config, one)));
  // Who is told at once of a rule is not told later as well; outside of the own hours, later.
  return new Set([
    ...told.map(({ to }) => to),
    ...(isLeft && !isReached && made.fallback !== '' ? ['root@example.org'] : []),
  ]);
}

/** True if an entry, or the fallback, allows that somebody is told at that time. */
function isTimely(made: Fleet, one: Case, { to, atMs }: Told): boolean {
  const own = entriesFor(made).filter((entry) => entry.to === to && asked[entry.rules]?.(one.rule) === true);
  const isAllowed = ({ hours, after }: Entry): boolean =>
    isWithin[hours]?.(atMs) === true && atMs - beginsMs >= (afterHours[after] ?? 0) * 3_600_000;
  return own.length === 0 || own.some(isAllowed);
}

test('whoever check names is told, and nobody else', () => {
  fc.assert(
    fc.property(fleet, cases, (made, one) => {
      const elements = elementsOf(made);
      const config = acceptedConfig(elements);
      const found = config === null ? null : ruleOf(config, one);
      fc.pre(config !== null && found !== null);
      const level = one.of === 'group' ? worstSeverity(found) : levelOf(config, one);
      const told = toldOf(elements, { ...one, level: one.of === 'group' ? level : one.level });
      const people = [...new Set(told.map(({ to }) => to))].sort();
      assert.deepEqual(people, [...new Set(named(config, { ...one, level }))].sort());
      const known = namedRecipients(config);
      assert.ok(
        people.every((to) => known.has(to)),
        'a mail to somebody whom config.xml does not name is dropped',
      );
      if (one.of !== 'client') return;
      assert.deepEqual(people, [...expected(made, config, one)].sort());
      if (found.mail === null)
        assert.deepEqual(
          told.filter((mailed) => !isTimely(made, one, mailed)),
          [],
        );
    }),
    { numRuns, includeErrorInReport: true },
  );
});

test('the database away is told to people whom config.xml names', () => {
  fc.assert(
    fc.property(fleet, (made) => {
      const config = acceptedConfig(elementsOf(made));
      fc.pre(config !== null);
      const known = namedRecipients(config);
      assert.deepEqual(
        awayRecipients(config, 'database-away').filter((to) => !known.has(to)),
        [],
      );
    }),
    { numRuns, includeErrorInReport: true },
  );
});

test('whoever check names for a digest gets it at the time that it names, and nobody else', async () => {
  const digest = fc.record({
    to: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
    days: fc.constantFrom('', ' days="mon-fri"', ' days="sun"', ' days="1st"'),
    at: fc.constantFrom('', ' at="08:15"', ' at="23:45"'),
  });
  const one = '<client name="c1" ip="192.0.2.1" username="u"/>';
  const store = {
    madeDigests: () => Promise.resolve([]),
    runTimes: () => Promise.resolve([]),
    storedMessageIds: () => Promise.resolve(new Set<string>()),
  };
  await fc.assert(
    fc.asyncProperty(some(digest, 3), async (made) => {
      const elements = made.map(
        ({ to, days, at }, index) => `<digest name="d${index}" to="${to.join(',')}"${days}${at}/>`,
      );
      const config = acceptedConfig(`<smtp host="localhost"/><alerts zone="UTC">${elements.join('')}</alerts>${one}`);
      fc.pre(config !== null);
      const known = namedRecipients(config);
      for (const [index, { digest: name, to, next }] of nextDigests(config, beginsMs).entries()) {
        assert.equal(Date.parse(next), nextOccurrence(config.digests[index] ?? assert.fail(), 'UTC', beginsMs).dueMs);
        const due: readonly DueDigest[] = (await dueDigests(config, store, Date.parse(next))).filter(
          (one) => one.digest.name === name,
        );
        assert.deepEqual(
          due.flatMap(({ recipients }) => recipients.map((one) => one.to)),
          to,
        );
        assert.ok(to.every((one) => known.has(one)));
      }
    }),
    { numRuns },
  );
});
