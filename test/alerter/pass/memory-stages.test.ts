/** Stages of a pass that read no row, and dry runs, over a storage in memory: what they know, store, and ask for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createDryRunStorage } from '../../../src/alerter/pass/dry-run-storage.ts';
import { foresee } from '../../../src/alerter/pass/foresee.ts';
import { knownGroups } from '../../../src/alerter/pass/known-rules.ts';
import { processAbsence, readStateDisks } from '../../../src/alerter/pass/process-absence.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import type { Alert, RuleState } from '../../../src/storage/store/alert.ts';
import type { ProcessedRows } from '../../../src/storage/store/evaluation-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert, memory as stateOf } from '../../storage/support/alert-samples.ts';
import { times } from '../../support/times.ts';
import { at, day } from '../support/rows.ts';
import { memoryPass } from './support/memory-pass.ts';

const nowMs = at('10:06');
const memory: RuleState = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 9, changes: {} };
const client = '<client name="web-[1-4]" ip="192.0.2.[1-4]" username="u"/>';
const plain = `<collector every="15m"/><alerts><mail to="ops@example.org"/></alerts>${client}`;

/** Returns a pass over a fleet with these memories, read in turn, and what is stored. */
function passWith(memories: readonly Partial<RuleState>[], elements = plain, stores: Record<string, object> = {}) {
  const rows: ProcessedRows[] = [];
  const left = memories.map((one) => ({ ...memory, ...one }));
  const evaluation = {
    ruleStates: () => Promise.resolve(new Map([['', left.length > 1 ? left.shift() : left[0]]])),
    saveProcessed: (_: unknown, processed: ProcessedRows) => Promise.resolve(void rows.push(processed)),
    openAlerts: () => Promise.resolve([]),
    endedAlerts: () => Promise.resolve([]),
    ...stores['evaluation'],
  };
  return { ...memoryPass({ elements, nowMs, stores: { ...stores, evaluation } }), rows };
}

const levels = { levels: { levels: () => Promise.resolve({ todayMs: day, mounts: [] }) } };
const foreseen = (atMs: number): Partial<RuleState> => ({ foreseen: { atMs, configDigest: '' } });

/** The time of the last forecasts, as each of two readings says it, and what a pass does: reads, takes, stores. */
const lastTimes: readonly (readonly [what: string, read: Partial<RuleState>[], log: string])[] = [
  ['none', [{}], 'take store'],
  ['of an hour ago', [foreseen(nowMs - hourMs)], 'take store'],
  ['of less than an hour ago', [foreseen(nowMs - hourMs + 1)], ''],
  ['of an hour to come', [foreseen(nowMs + hourMs)], 'take store'],
  ['of less than an hour to come', [foreseen(nowMs + hourMs - 1)], ''],
  ['that another alerter has made until now', [{}, foreseen(nowMs)], 'take'],
];
for (const [what, read, expected] of lastTimes) {
  test(`forecasts ${what}: ${expected === '' ? 'nothing' : expected}`, async () => {
    const { pass, log, rows } = passWith(read, plain, levels);
    await foresee(pass, {} as Storage['figures']);
    assert.equal([...log, ...rows.map(() => 'store')].join(' '), expected);
    const [stored] = rows;
    if (stored === undefined) return;
    const atMs = { atMs: nowMs, configDigest: pass.config.digest };
    assert.deepEqual(stored.ruleStates, new Map([['', { ...memory, ...read[0], foreseen: atMs }]]));
    assert.deepEqual(stored.forecasts, { asOfMs: nowMs, forecasts: [] });
  });
}

const needing = (need: string, members = '[1-4]'): string =>
  `<alerts><mail to="ops@example.org"/></alerts><group name="web" need="${need}">
  <client name="web-${members}" ip="192.0.2.${members}" username="u"/></group>`;

async function groupsAfter(elements: string, fleet: Partial<RuleState>) {
  const { pass, rows, log } = passWith([fleet], elements);
  const { sinceMs, remember } = await knownGroups(pass);
  await remember();
  assert.equal(log.includes('take'), rows.length > 0);
  return { since: [...sinceMs], groups: rows[0]?.ruleStates.get('')?.groups ?? null };
}

test('a group is as old as its members and its need, and as the fleet in the first pass of all', async () => {
  const first = await groupsAfter(needing('2'), {});
  const digest = first.groups?.['web']?.digest ?? '';
  assert.match(digest, /^[A-Za-z0-9+/]{16}$/);
  assert.deepEqual(first, { since: [], groups: { web: { digest, sinceMs: null } } });
  const known = (sinceMs: number | null) => ({ rules: [], groups: { web: { digest, sinceMs } } });
  // Nothing is written while nothing changes, and the order of members changes nothing.
  assert.deepEqual(await groupsAfter(needing('2'), known(5)), { since: [['web', 5]], groups: null });
  assert.deepEqual(await groupsAfter(needing('2'), known(null)), { since: [], groups: null });
  const turned = needing('2').replace(/<client .*\/>/, (text) =>
    ['[3-4]', '[1-2]'].map((range) => text.replaceAll('[1-4]', range)).join(''),
  );
  assert.deepEqual(await groupsAfter(turned, known(5)), { since: [['web', 5]], groups: null });
  const rules = needing('2').replace('need="2"', 'need="2" needRules="unreachable"');
  for (const elements of [needing('3'), needing('2', '[1-5]'), rules]) {
    const { since, groups } = await groupsAfter(elements, known(5));
    assert.deepEqual([since, groups?.['web']?.sinceMs], [[['web', nowMs]], nowMs]);
    assert.notEqual(groups?.['web']?.digest, digest);
  }
  const other = { ...known(5), groups: { ...known(5).groups, old: { digest: 'x', sinceMs: 5 } } };
  assert.deepEqual((await groupsAfter(needing('2'), other)).groups, { web: { digest, sinceMs: 5 } });
  assert.deepEqual(await groupsAfter(plain, known(5)), { since: [], groups: null });
});

test('the disks of state folders are those of lately, and this machine measures its own', async () => {
  const asked: number[] = [];
  const reported = (host: string, path: string) => ({
    ...{ host, path, sizeBytes: 1, availableBytes: 1, freePercent: 1, observedAtMs: 7 },
  });
  const { pass } = passWith([{}]);
  const { stateDir } = pass.config;
  const all = [reported('mon-2', stateDir), reported('hq', '/other'), reported('hq', stateDir)];
  const stateDisks = (sinceMs: number) => Promise.resolve((asked.push(sinceMs), all));
  const storage = { ...pass.storage, fleet: { stateDisks } } as unknown as Storage;
  const found = await readStateDisks({ ...pass, storage });
  assert.deepEqual(
    found.slice(0, 3).map(({ host, path, observedAtMs }) => [host, path, observedAtMs]),
    [
      ['mon-2', stateDir, 7],
      ['hq', '/other', 7],
      ['hq', stateDir, nowMs],
    ],
  );
  assert.deepEqual(asked, [nowMs - 45 * minuteMs]);
});

const fleetStore = {
  ...{ seenClients: () => Promise.resolve([]), stateDisks: () => Promise.resolve([]) },
  ...{ sealedWaiting: () => Promise.resolve([]) },
};

test('alerts of no row are evaluated again after the lease was taken, and stored once', async () => {
  const gone = alert({ id: 3, client: 'gone-1' });
  let reads = 0;
  const openAlerts = () => Promise.resolve((reads += 1) > 0 ? [gone] : []);
  const { pass, rows, log } = passWith([{}], plain, { evaluation: { openAlerts }, fleet: fleetStore });
  await processAbsence(pass);
  assert.deepEqual(log, ['take']);
  const stored = rows.flatMap(({ alerts, noLongerAcknowledged }) => [alerts.map(({ id }) => id), noLongerAcknowledged]);
  assert.deepEqual([stored, reads], [[[3], []], 3]);
  const idle = passWith([{}], plain, { fleet: fleetStore });
  await processAbsence(idle.pass);
  assert.deepEqual([idle.rows, idle.log], [[], []]);
});

test('a canary and a mailbox that cannot be read are conditions of the fleet', async () => {
  const elements = `<smtp host="mail.example.org" from="fleet@example.org"/>
    <replies imap="imap://fleet@127.0.0.1:1/INBOX" password="x"/><canary to="canary@example.org" at="08:00"/>${plain}`;
  const found = { kind: 'lost', roundMs: 1, ofMs: 1, atMs: nowMs, afterMs: 0, copies: 0, reason: 'x' } as const;
  const state = { to: 'canary@example.org', roundMs: 1, tries: [], newest: null, unreadSinceMs: null };
  const after = async (fleet: Partial<RuleState>): Promise<readonly string[]> => {
    const { pass, rows } = passWith([fleet], elements, { fleet: fleetStore });
    // The database has answered for hours, so that what is missing is missing.
    const runs = times(60, (index) => ({
      program: 'alert',
      outcome: 'finished',
      startedAtMs: nowMs - index * 5 * minuteMs,
    }));
    await processAbsence({ ...pass, runs: runs as unknown as typeof pass.runs });
    return rows.flatMap(({ alerts }) => alerts.map(({ rule }) => rule));
  };
  assert.deepEqual(await after({ canary: { ...state, found } }), ['mail-path']);
  assert.deepEqual(await after({ repliesUnread: { sinceMs: nowMs - dayMs, why: 'x' } }), ['replies-unread']);
});

/** Returns a dry run over a database with these alerts. */
function dryRun(stored: readonly Alert[]) {
  const limits: number[] = [];
  const fail = (): never => assert.fail('a dry run has changed the database');
  const saved = stateOf({ rows: 5 });
  const storage = {
    leases: { takeLease: fail, touchLease: fail, releaseLease: fail, leaseHolder: () => Promise.resolve('other') },
    evaluation: {
      unprocessed: (limit: number) => {
        limits.push(limit);
        return Promise.resolve({ reports: ['row'], visits: [], more: true, next: 'next' });
      },
      openAlerts: () => Promise.resolve(stored.filter(({ state }) => state !== 'resolved')),
      endedAlerts: () => Promise.resolve(stored.filter(({ state }) => state === 'resolved')),
      ruleStates: () => Promise.resolve(new Map([['web-1', saved]])),
      saveProcessed: fail,
    },
    notifications: { state: () => Promise.resolve({ alerts: stored }), saveNotifications: fail, saveCauses: fail },
  };
  return { dry: createDryRunStorage(storage as unknown as Storage), limits };
}

test('a dry run reads all rows once, and its lease is its own', async () => {
  const { dry, limits } = dryRun([]);
  const lease = await dry.leases.takeLease('alerter', 'me');
  assert.deepEqual(lease, { name: 'alerter', epoch: 0, holder: 'me' });
  await dry.leases.touchLease(lease);
  await dry.leases.releaseLease(lease);
  assert.deepEqual(await dry.evaluation.unprocessed(1), { reports: ['row'], visits: [], more: true, next: null });
  assert.deepEqual(await dry.evaluation.unprocessed(1), { reports: [], visits: [], more: false, next: null });
  assert.deepEqual(limits, [50_000]);
  assert.equal(await dry.notifications.saveNotifications(lease, { mails: [], notified: [], closedOut: [] }), 'stored');
  await dry.notifications.saveCauses(lease, new Map());
});

test('what a dry run would store is on top of what is stored', async () => {
  const [open, toEnd, toClose] = [alert({ id: 1 }), alert({ id: 2 }), alert({ id: 3, state: 'resolved' })];
  const { dry } = dryRun([open, toEnd, toClose]);
  const lease = { name: 'alerter', epoch: 0, holder: 'me' };
  const ended: Alert = { ...toEnd, state: 'resolved' };
  const alerts = [alert({ id: null }), ended, { ...toClose, closedOut: true }];
  const ruleStates = new Map([['web-2', stateOf({ rows: 6 })]]);
  await dry.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates });
  const ids = (found: readonly Alert[]) => found.map(({ id }) => id).sort((one, other) => (one ?? 0) - (other ?? 0));
  assert.deepEqual(ids(await dry.evaluation.openAlerts(null)), [-1, 1]);
  assert.deepEqual(ids(await dry.evaluation.endedAlerts()), [2]);
  assert.deepEqual(ids((await dry.notifications.state(nowMs)).alerts), [-1, 1, 2]);
  const states = await dry.evaluation.ruleStates(['web-1', 'web-2']);
  assert.deepEqual(
    [...states].map(([name, { rows }]) => [name, rows]),
    [
      ['web-1', 5],
      ['web-2', 6],
    ],
  );
});

test('groups are remembered once their alerts are stored, and members of open and ended alerts are read', async () => {
  const fleet = { ...fleetStore, runs: () => Promise.resolve([]) };
  const elements = needing('2').replace(
    '<group',
    `<group name="db" need="1"><client name="db-[1-2]" ip="192.0.2.[8-9]"
    username="u"/></group><group`,
  );
  const away = (client: string, over: Partial<Alert> = {}) =>
    alert({ client, rule: 'unreachable', subject: '', ...over });
  const over = { state: 'resolved', resolvedAtMs: nowMs } as const;
  const asked: string[][] = [];
  const evaluation = {
    openAlerts: () => Promise.resolve(['web-1', 'web-2', 'web-3', 'db-1'].map((name) => away(name))),
    endedAlerts: () => Promise.resolve([away('db-2', over)]),
    ruleStates: (names: string[]) => Promise.resolve((asked.push(names), new Map([['', memory]]))),
  };
  const { pass, rows } = passWith([{}], elements, { evaluation, fleet });
  await processAbsence(pass);
  assert.deepEqual(Object.keys(rows.at(-1)?.ruleStates.get('')?.groups ?? {}), ['db', 'web']);
  const members = asked.find((names) => names.length > 1) ?? [];
  assert.deepEqual(members.toSorted(), ['db-1', 'db-2', 'web-1', 'web-2', 'web-3', 'web-4']);
});

test('a disk of a state folder that is nearly full is a condition of the fleet', async () => {
  const disk = {
    host: 'mon-2',
    path: '/state',
    sizeBytes: 2 ** 40,
    availableBytes: 1,
    freePercent: 0,
    observedAtMs: nowMs,
  };
  const fleet = { ...fleetStore, stateDisks: () => Promise.resolve([disk]) };
  const { pass, rows } = passWith([{}], plain, { fleet });
  await processAbsence(pass);
  const found = rows.flatMap(({ alerts }) => alerts.filter(({ rule }) => rule === 'state-disk'));
  assert.ok(found.some(({ subject }) => subject.includes('mon-2')));
});
