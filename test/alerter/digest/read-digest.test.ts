/** The facts of a digest: those of its clients and its span, out of what the storage knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfFleet, keyOfGroup } from '../../../src/about/kinds.ts';
import {
  clientsOf,
  type DigestFacts,
  type DigestStorage,
  readDigest,
} from '../../../src/alerter/digest/read-digest.ts';
import type { Config } from '../../../src/config/config.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';

const [hourMs, dayMs] = [3_600_000, 86_400_000];
const untilMs = Date.parse('2026-11-20T07:00Z');
const sinceMs = untilMs - 7 * dayMs;
const elements = (of: string): string => `<smtp host="mail.example.org" from="f@example.org"/>
  <alerts zone="UTC"><mail to="ops@example.org"/><digest to="ops@example.org" at="07:00" ${of}/></alerts>
  <group name="web"><client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>
    <client name="web-3" ip="192.0.2.3" username="u" state="paused"/></group>
  <group name="db"><client name="db-1" ip="192.0.2.9" username="u"/></group>`;
const whole = configOf(elements(''));
const ofWeb = configOf(elements('groups="web"'));

const seen = (name: string, firstSeenMs: number, lastVisitAtMs: number | null = untilMs) => ({
  ...{ name, firstSeenMs, lastVisitAtMs },
});
const longAgo = sinceMs - dayMs;
const known = ['web-1', 'web-2', 'db-1'].map((name) => seen(name, longAgo));

type Answers = Readonly<Record<string, unknown>>;

/** Returns a storage that answers each question with a list, by default an empty one. */
function storageOf(answers: Answers): DigestStorage {
  const answer = (name: string, none: unknown = []) => [name, () => Promise.resolve(answers[name] ?? none)] as const;
  const lists = [
    'runs',
    'seenClients',
    'endedAlerts',
    'alertSpans',
    'runTotals',
    'inventoryChanges',
    'pendingWork',
    'undelivered',
    'openAlerts',
  ];
  const every = Object.fromEntries([
    ...[...lists, 'forecasts', 'changes'].map((name) => answer(name)),
    ...[answer('knownClients', known), answer('databaseBytes', 1), answer('ruleStates', new Map())],
  ]);
  const parts = ['evaluation', 'mails', 'digest', 'exports', 'figures', 'levels', 'changes', 'fleet'];
  return Object.fromEntries(parts.map((name) => [name, every])) as unknown as DigestStorage;
}

async function read(answers: Answers, config: Config = whole, over: object = {}): Promise<DigestFacts | null> {
  const [digest] = config.digests;
  assert.ok(digest);
  const span = { sinceMs, untilMs, madeMs: untilMs + 60_000, lateSinceMs: null, missedMs: [], ...over };
  // Without groups of some size nothing is compared.
  return await readDigest(config, storageOf(answers), digest, span);
}

test('a digest is of the active clients, or of those of its groups', () => {
  const names = (config: Config): readonly string[] =>
    config.digests.flatMap((digest) => clientsOf(config, digest).map(({ name }) => name));
  assert.deepEqual(names(whole), ['web-1', 'web-2', 'db-1']);
  assert.deepEqual(names(ofWeb), ['web-1', 'web-2']);
  assert.deepEqual(names(configOf(elements('groups="w*,db"'))), ['web-1', 'web-2', 'db-1']);
});

/** Whose facts belong to a digest of the fleet, and to one of the group `web`. */
const owners = [
  [{ client: 'web-1' }, true, true],
  [{ client: 'db-1' }, true, false],
  [{ client: 'gone-1' }, false, false],
  [keyOfFleet('collector-silent', 'c1'), true, false],
  [keyOfGroup('web'), true, true],
  [keyOfGroup('db'), true, false],
] as const;
for (const [owner, ofFleet, ofGroup] of owners) {
  test(`a digest has the alerts of ${Object.values(owner).filter(Boolean).join(' ')} if they are its own`, async () => {
    const answers = { openAlerts: [{ ...alert(owner), state: 'firing' }], alertSpans: [owner] };
    for (const [config, isOwn] of [
      [whole, ofFleet],
      [ofWeb, ofGroup],
    ] as const) {
      const facts = await read(answers, config);
      assert.deepEqual([facts?.open.length, facts?.spans.length], isOwn ? [1, 1] : [0, 0]);
    }
  });
}

test('what only the fleet has is in no digest of groups', async () => {
  const undelivered = [{ error: 'refused' }, { error: null }];
  const answers = { undelivered, runTotals: [{ program: 'collect' }], databaseBytes: 7 };
  const facts = await read(answers);
  assert.deepEqual(facts?.undelivered, [{ error: 'refused' }]);
  assert.deepEqual([facts.runs.length, facts.databaseBytes], [1, 7]);
  const own = await read(answers, ofWeb);
  assert.deepEqual([own?.undelivered, own?.runs, own?.databaseBytes], [[], [], null]);
});

test('only what fires is open, and changes, inventories and updates are those of its clients', async () => {
  const clients = [{ client: 'web-1' }, { client: 'db-1' }];
  const changes = clients.map((one) => ({ ...one, latestAtMs: untilMs - 1 }));
  const late = { client: 'web-1', latestAtMs: untilMs };
  const openAlerts = ['firing', 'pending'].map((state) => ({ ...alert({ client: 'web-1' }), state }));
  const facts = await read(
    { openAlerts, inventoryChanges: clients, pendingWork: clients, changes: [...changes, late] },
    ofWeb,
  );
  assert.equal(facts?.open.length, 1);
  assert.deepEqual([facts.inventories, facts.pending], [[{ client: 'web-1' }], [{ client: 'web-1' }]]);
  assert.deepEqual(facts.changes, changes.slice(0, 1));
  assert.deepEqual([facts.moreSpans, facts.moreChanges, facts.newOutliers], [false, false, false]);
});

test('a digest says if it read only a part', async () => {
  const many = Array.from({ length: 50_000 }, () => ({ client: 'gone' }));
  const facts = await read({ alertSpans: many, changes: many });
  assert.deepEqual([facts?.moreSpans, facts?.moreChanges], [true, true]);
});

test('a forecast counts for two days', async () => {
  const forecasts = [untilMs + 60_000 - 2 * dayMs, untilMs + 60_001 - 2 * dayMs].map((asOfMs) => ({ asOfMs }));
  assert.deepEqual((await read({ forecasts }))?.forecasts, forecasts.slice(1));
});

test('there is no digest of clients of which none was known when it was due', async () => {
  const knownClients = [seen('web-1', untilMs - 1)];
  assert.ok(await read({ knownClients }));
  assert.equal(await read({ knownClients }, whole, { lateSinceMs: untilMs - 1 }), null);
  assert.equal(await read({ knownClients: [] }), null);
  const none = configOf(
    elements('').replace(/<group.*/s, '<client name="a" ip="192.0.2.1" username="u" state="paused"/>'),
  );
  assert.ok(await read({ knownClients: [] }, none));
});

test('a client joined if its first visit was in the span, and others were known before', async () => {
  const joined = async (...firsts: readonly number[]): Promise<readonly string[] | undefined> =>
    (await read({ knownClients: firsts.map((atMs, index) => seen(`web-${index + 1}`, atMs)) }))?.joined;
  assert.deepEqual(await joined(longAgo, sinceMs), ['web-2']);
  assert.deepEqual(await joined(longAgo, untilMs - 1), ['web-2']);
  assert.deepEqual(await joined(longAgo, untilMs), []);
  assert.deepEqual(await joined(sinceMs, sinceMs + 1), []);
  assert.deepEqual(await joined(sinceMs - 1, sinceMs - 1), []);
});

test('a client left if config.xml lacks it, and an hour without a visit ended in the span', async () => {
  const left = async (lastMs: number | null, name = 'old', config = whole): Promise<readonly string[] | undefined> =>
    (await read({ knownClients: [...known, seen(name, longAgo, lastMs)] }, config))?.left;
  assert.deepEqual(await left(sinceMs), ['old']);
  assert.deepEqual(await left(sinceMs - hourMs), ['old']);
  assert.deepEqual(await left(sinceMs - hourMs - 1), []);
  assert.deepEqual(await left(untilMs - hourMs), []);
  assert.deepEqual(await left(null), []);
  assert.deepEqual(await left(sinceMs, 'web-3'), []);
  assert.deepEqual(await left(sinceMs, 'old', ofWeb), []);
  const rare = configOf(`<collector every="30m"/>${elements('')}`);
  assert.deepEqual(await left(sinceMs - 1.5 * hourMs, 'old', rare), ['old']);
});

test('an alert of a group that has enough is eased, and the group is named while one does not serve', async () => {
  const config = configOf(elements('').replace('name="web"', 'name="web" need="2"').replace(' state="paused"', ''));
  const lost = alert({ client: 'web-1', rule: 'unreachable', subject: '', firingSinceMs: sinceMs, changedByRun: null });
  const disk = alert({ client: 'web-2', firingSinceMs: sinceMs });
  const memory = { newestReportMs: untilMs, newestVisitMs: untilMs, bootId: null, rows: 9, changes: {} };
  const ruleStates = new Map(['web-1', 'web-2', 'web-3'].map((name) => [name, memory]));
  const facts = await read({ openAlerts: [lost, disk], ruleStates }, config);
  assert.deepEqual([...(facts?.eased ?? [])], [lost]);
  assert.deepEqual(
    facts?.groups.map(({ group: { need }, serving }) => [need.name, serving]),
    [['web', 2]],
  );
  const all = await read({ openAlerts: [disk], ruleStates }, config);
  assert.deepEqual([all?.eased.size, all?.groups.length], [0, 0]);
  const elsewhere = await read(
    { openAlerts: [lost], ruleStates },
    configOf(elements('groups="db"').replace('name="web"', 'name="web" need="2"').replace(' state="paused"', '')),
  );
  assert.deepEqual([elsewhere?.eased.size, elsewhere?.groups.length], [0, 0]);
});
