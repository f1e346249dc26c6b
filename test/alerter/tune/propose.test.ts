import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Acted } from '../../../src/alerter/tune/noise.ts';
import { propose, type TuneLine } from '../../../src/alerter/tune/propose.ts';
import { editText, openElements } from '../../../src/config/rules/rule-edit.ts';
import { findRule } from '../../../src/config/rules/rule-matcher.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { rememberedWeakly } from '../../../src/platform/remembered.ts';
import type { MailedNotification, PastAlert } from '../../../src/storage/store/alert-history.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { applyEdits } from './support/apply-edit.ts';
import { beginMs, everyMs, pastAlert } from './support/past-alerts.ts';
import { loadWithTree } from './support/planted-fleet.ts';
import { createWatches } from '../../../src/alerter/inhibit/watches.ts';

const dayMs = 86_400_000;
const dir = tempFolder();
let files = 0;

interface Story {
  readonly alerts?: string;
  readonly mail?: string;
  readonly clients?: string;
  readonly rule?: string;
  readonly subject?: string;
  /** The bad rows of the alerts, of one a day. */
  readonly bad: readonly number[];
  /** The clients of the alerts. Default: web-1. */
  readonly of?: readonly string[];
  /** The number of the first alerts that had another limit. */
  readonly earlier?: number;
  /** The acts by the place of their alerts. */
  readonly acted?: Readonly<Record<number, Acted>>;
}

const usual =
  '<group name="web">\n<client name="web-1" ip="192.0.2.1" username="u"/>' +
  '<client name="web-2" ip="192.0.2.2" username="u"/>\n</group>\n' +
  '<client name="db-1" ip="192.0.2.9" username="u"/>';

/** The mails of the begin and of the end of an alert. */
const mailsOf = rememberedWeakly(({ id: alertId }: PastAlert): readonly MailedNotification[] =>
  [0, 1].map((end) => ({ alertId, mailId: alertId * 2 + end, recipient: 'ops@example.org', createdAtMs: beginMs })),
);

/** Proposes, makes the edits in the file, and loads the file. */
function proposed({
  alerts = '',
  mail = '<mail to="ops@example.org" severity="critical"/><mail to="all@example.org"/>',
  clients = usual,
  rule: name = 'memory',
  ...story
}: Story): readonly TuneLine[] {
  const file = path.join(dir, `config-${(files += 1)}.xml`);
  writeFileSync(file, `<config>\n<alerts>\n${mail}\n${alerts}\n</alerts>\n${clients}\n</config>`, {
    mode: 0o600,
  });
  const { config, tree } = loadWithTree(file);
  const { of = ['web-1'], subject = '', earlier = 0 } = story;
  const rule = findRule(config.clients[0]?.rules ?? [], name) ?? assert.fail(name);
  const past = story.bad.map((bad, index): PastAlert =>
    pastAlert(rule, beginMs + index * dayMs, bad, {
      ...{ id: index, client: of[index % of.length] ?? '', subject },
      ...(index < earlier ? { limitText: '95 %' } : {}),
    }),
  );
  const elements = openElements(tree, config.clients);
  const lines = propose(
    {
      ...{
        config,
        elements,
        sinceMs: beginMs,
        untilMs: beginMs + past.length * dayMs,
      },
      ...{ withinMs: 3_600_000, everyMsOf: () => everyMs, watchOf: createWatches(config) },
      actedOf: ({ id }) => story.acted?.[id] ?? null,
      mailsOf,
    },
    {
      ...{ rule, name, subject: subject === '' ? null : subject, alerts: past },
      element: elements.alertOf(rule, of[0] ?? ''),
    },
  );
  applyEdits(
    file,
    lines.flatMap(({ proposal }) => proposal?.edit ?? []),
  );
  loadConfig({ file });
  return lines;
}

function idsOfLost(key: string, value: unknown): unknown {
  return key === 'lost' ? (value as readonly (readonly [PastAlert])[]).map(([{ id }]) => id) : value;
}

/** Returns the lines in short: clients, the element and the edit, and the mails left; or the reason. */
function shown(story: Story): readonly string[] {
  return proposed(story).map(({ clients, proposal, why }) => {
    if (proposal === null) return `${clients.join()}: ${JSON.stringify(why, idsOfLost)}`;
    const { element } = proposal.edit;
    return `${clients.join()}: ${element.name}:${element.line} ${editText(proposal.edit)} ${proposal.mailsLeft} ${proposal.laterMs / 60_000}`;
  });
}

const twelve = [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2];
const limit = '<alert type="memory" limit="90%"/>';

test('the least `for` that quiets the noise is proposed at the line of the rule', () => {
  assert.deepEqual(shown({ alerts: limit, bad: twelve }), ['web-1: alert:4 for="4x" 0 15']);
  assert.deepEqual(shown({ alerts: limit, bad: [...twelve, 20], acted: { 12: 'lasted' } }), [
    'web-1: alert:4 for="4x" 2 15',
  ]);
});

test('nothing is proposed that loses what somebody acted on, and the line has what blocks it', () => {
  assert.deepEqual(shown({ alerts: limit, bad: [...twelve, 20], acted: { 3: 'mended', 12: 'lasted' } }), [
    'web-1: {"kind":"loses","rows":4,"counts":{"mended":1},"lost":[3],"mailsLeft":2}',
  ]);
});

test('nothing is proposed from few alerts, or if the last third is different', () => {
  assert.deepEqual(shown({ alerts: limit, bad: twelve.slice(0, 10) }), ['web-1: {"kind":"few"}']);
  const later = [...twelve.slice(0, 8), 7, 7, 7, 7];
  const alerts = limit.replace('/>', ' severity="warning"/>');
  assert.deepEqual(shown({ alerts, bad: later }), ['web-1: {"kind":"later-part","rows":4}']);
});

test('a critical rule on which nobody acted becomes a warning if no `for` quiets it, and somebody hears none', () => {
  const long = { alerts: limit, bad: twelve.map(() => 12) };
  assert.deepEqual(shown(long), ['web-1: alert:4 severity="warning" 0 0']);
  const [heard] = proposed({ ...long, mail: '<mail to="ops@example.org"/>' });
  assert.deepEqual(heard?.why, { kind: 'lasts', lasted: 0, told: 12 });
  const acts = shown({ alerts: limit, bad: twelve.map(() => 12), acted: { 1: 'acknowledged' } });
  assert.deepEqual(acts, ['web-1: {"kind":"acted","counts":{"acknowledged":1}}']);
  const lasted = Object.fromEntries(twelve.map((_, index) => [index, 'lasted'] as const));
  assert.deepEqual(shown({ alerts: limit, bad: twelve.map(() => 40), acted: lasted }), [
    'web-1: {"kind":"lasts","lasted":12,"told":12}',
  ]);
  const [line] = proposed({ alerts: '<alert type="memory" warning="90%"/>', bad: twelve.map(() => 12) });
  assert.deepEqual(line?.why, { kind: 'lasts', lasted: 0, told: 12 });
});

test('a default is tuned in the group that has just these clients, else in <alerts>', () => {
  const bad = twelve.map((rows) => rows + 2);
  const text = '<alert name="memory" for="6x"/> 0 15';
  assert.deepEqual(shown({ bad, of: ['web-1', 'web-2'] }), [`web-1,web-2: group:6 ${text}`]);
  assert.deepEqual(shown({ bad, of: ['db-1'] }), [`db-1: client:9 ${text}`]);
  assert.deepEqual(shown({ bad, of: ['web-1', 'db-1'] }), [`db-1,web-1: alerts:2 ${text}`]);
});

test('a check gets a rule of its own, unless it is about a device', () => {
  const bad = twelve.map((rows) => rows + 1);
  assert.deepEqual(shown({ rule: 'check', subject: 'mailq', bad, of: ['db-1'] }), [
    'db-1: client:9 <alert type="check" check="mailq" for="5x"/> 0 15',
  ]);
  assert.deepEqual(shown({ rule: 'check', subject: 'md:md0', bad }), ['web-1: {"kind":"never"}']);
  assert.deepEqual(shown({ rule: 'read-only', bad }), ['web-1: {"kind":"never"}']);
});

const apart =
  '<group name="web">\n<client name="web-1" ip="192.0.2.1" username="u"/>\n' +
  '<client name="web-2" ip="192.0.2.2" username="u"/>\n</group>\n<client name="db-1" ip="192.0.2.9" username="u"/>';

test('single clients get the edit where another one would lose what somebody acted on', () => {
  const of = ['web-1', 'db-1', 'web-2'];
  const bad = Array.from({ length: 36 }, (_, index) => 3 + ((index + 1) % 3));
  const acted = Object.fromEntries(bad.flatMap((_, index) => (index % 3 === 2 ? [[index, 'mended'] as const] : [])));
  assert.deepEqual(shown({ clients: apart, of, bad, acted }), [
    'web-1: client:7 <alert name="memory" for="5x"/> 0 10',
    'db-1: client:10 <alert name="memory" for="6x"/> 0 15',
    'web-2: {"kind":"acted","counts":{"mended":12}}',
  ]);
  // Without alerts of the third client one edit is enough for all.
  assert.deepEqual(shown({ clients: apart, of: of.slice(0, 2), bad: bad.map((rows) => Math.min(rows, 4)) }), [
    'db-1,web-1: alerts:2 <alert name="memory" for="5x"/> 0 10',
  ]);
});

test('a client that makes nine tenths of the noise gets an edit of its own', () => {
  const of = [...Array<string>(11).fill('web-1'), 'db-1'];
  const lines = shown({ clients: apart, of, bad: of.map(() => 4) });
  assert.deepEqual(lines, ['web-1: client:7 <alert name="memory" for="5x"/> 0 10', 'db-1: {"kind":"few"}']);
});

test('alerts from before the limit was changed neither count nor stand in the line', () => {
  const [line] = proposed({ alerts: limit, bad: [9, 9, ...twelve], earlier: 2 });
  assert.deepEqual([line?.told.length, line?.parts, line?.mails], [12, [8, 4], 24]);
  assert.equal(line?.sinceMs, beginMs + 2 * dayMs);
  assert.deepEqual(shown({ alerts: limit, bad: twelve, earlier: 2 }), ['web-1: {"kind":"few"}']);
  const [unchanged] = proposed({ alerts: limit, bad: twelve });
  assert.equal(unchanged?.sinceMs, null);
});

test('a line says within which time nine tenths of the noise were over', () => {
  const bad = [...twelve.slice(0, 8), 2, 11, 11, 11];
  const [line] = proposed({ alerts: limit, bad, acted: { 9: 'lasted', 10: 'lasted' } });
  assert.deepEqual([line?.noise.length, line?.overWithinMs], [10, 4 * everyMs]);
  const [mended] = proposed({
    alerts: limit,
    bad: twelve,
    acted: Object.fromEntries(twelve.map((_, at) => [at, 'mended'])),
  });
  assert.deepEqual([mended?.noise, mended?.overWithinMs], [[], null]);
});

const withEvent =
  '<client name="web-1" ip="192.0.2.1" username="u"><alert type="event" service="backup" within="1d"/></client>';
/** Rules of which nothing is proposed, with the reason. */
const untouched = [
  ...['host-key-changed', 'not-trusted', 'file-system-errors', 'rebooted', 'reboots', 'oom-kill', 'mount-missing'],
  ...['mount-unresponsive', 'read-only'],
].map((rule) => [rule, {}, 'never'] as const);
const others = [
  ['event service=backup', { clients: withEvent }, 'never'],
  ...['md:md0', 'zfs:tank', 'ecc:mc0', 'bond:bond0', 'textfile:/x'].map(
    (subject) => ['check', { subject }, 'never'] as const,
  ),
  ['disk-full', { alerts: '<alert type="disk-full" limit="3d"/>' }, 'hourly'],
  ['outlier', { alerts: '<alert type="outlier"/>' }, 'hourly'],
  ['check', { subject: 'mail"q' }, 'shared'],
  ['check check=mail*', { subject: 'mailq', alerts: '<alert type="check" check="mail*"/>' }, 'shared'],
] as const;
for (const [rule, story, kind] of [...untouched, ...others]) {
  const subject = 'subject' in story ? ` ${story.subject}` : '';
  test(`nothing is proposed for ${rule}${subject}: ${kind}`, () => {
    assert.deepEqual(shown({ rule, ...story, bad: twelve }), [`web-1: {"kind":"${kind}"}`]);
  });
}

test('who hears of warnings later still gets fewer mails by a milder severity', () => {
  const long = { alerts: limit, bad: twelve.map(() => 12) };
  const mail = '<mail to="all@example.org"/><mail to="ops@example.org" after="1h"/>';
  assert.deepEqual(shown({ ...long, mail }), ['web-1: alert:4 severity="warning" 0 0']);
});
