import assert from 'node:assert/strict';
import { test } from 'node:test';

import { admitDocument } from '../../../src/collector/inbox/admit-document.ts';
import { clientsOfSites, folderOfSite } from '../../../src/collector/inbox/origins.ts';
import { parseVisit } from '../../../src/collector/inbox/parse-records.ts';
import type { Client } from '../../../src/config/config.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import { siteId } from '../../../src/state-folder/collector-id.ts';
import { madeEvent } from '../events/support/event-samples.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { times } from '../../support/times.ts';

const forwarded = (name: string, site: string, was: string | null = null): Client =>
  makeClient(name, { arrival: { kind: 'site', site }, labels: { site }, was });
const clients = [forwarded('web-1', 'fra', 'old-1'), forwarded('web-2', 'ber'), makeClient('hq-1')];
const nowMs = Date.UTC(2026, 10, 20, 10);
const site = clientsOfSites(clients).get(folderOfSite('fra')) ?? null;
const context = { site, retentionMs: 30 * dayMs, nowMs };

type Given = Partial<Parameters<typeof runStart>[0]> & { readonly names?: readonly string[] };

/** Returns a document of a run with a visit of each of these clients. */
function documentOf({ names = ['web-1'], ...changes }: Given = {}): Buffer {
  const start = runStart({ startedAtMs: nowMs - minuteMs, id: 'run-1', host: 'site-1', ...changes });
  const end = runEnd(start, { finishedAtMs: start.startedAtMs + 1000 });
  const visits = names.map((client) => visit({ runId: start.id, client, startedAtMs: start.startedAtMs }));
  return Buffer.from(JSON.stringify({ run: { start, end }, visits, events: [madeEvent('e')] }));
}

const admitted = (given: Given = {}) => admitDocument('site', documentOf(given), context);

test('each origin brings the records of its row in the table, and the others are counted', () => {
  const counts = (['collector', 'site', 'events'] as const).map((origin) => {
    const { run, visits, events, dropped } = admitDocument(origin, documentOf(), context);
    return [origin, run === null ? 0 : 1, visits.length, events.length, dropped];
  });
  assert.deepEqual(counts, [
    ['collector', 1, 1, 0, 1],
    ['site', 1, 1, 0, 1],
    ['events', 0, 0, 1, 2],
  ]);
});

test('a site brings visits of its own clients alone, also under former names, each once a run', () => {
  const { visits, dropped } = admitted({ names: ['web-1', 'old-1', 'web-2', 'hq-1', 'web-1', 'a\nb'] });
  assert.deepEqual([visits.map(({ client }) => client), dropped], [['web-1'], 6]);
  const unknown = admitDocument('site', documentOf(), { ...context, site: null });
  assert.deepEqual([unknown.run, unknown.visits, unknown.dropped], [null, [], 3]);
});

test('of the visits of a site as many are parsed as it has clients, and of events none', () => {
  const parsed: unknown[] = [];
  const parse = (value: unknown) => {
    parsed.push(value);
    return parseVisit(value);
  };
  const { run, visits } = JSON.parse(String(documentOf())) as {
    readonly run: unknown;
    readonly visits: readonly unknown[];
  };
  const many = {
    run,
    visits: [{}, null, { client: 'x' }, ...visits, ...times(9600, () => visits[0])],
    events: times(50, () => 7),
  };
  const { dropped, strange, ...own } = admitDocument('site', Buffer.from(JSON.stringify(many)), context, parse);
  assert.deepEqual([parsed.length, own.visits.length, dropped, strange], [1, 1, 3 + 9600 + 50, 0]);
});

test('the id of a run follows from the site, so that it changes no run of others', () => {
  const { run, visits } = admitted({ id: 'run-7' });
  assert.ok(run !== null);
  assert.deepEqual([visits[0]?.runId, run.end?.id], [run.start.id, run.start.id]);
  assert.equal(run.start.collectorId, siteId('fra'));
  assert.notEqual(run.start.id, 'run-7');
  const ids = ['run-7', 'run-7', 'run-8'].map((id) => admitted({ id }).run?.start.id);
  assert.equal(new Set(ids).size, 2);
});

test('records of a site that are too old, or lie far in the future, are dropped, and no time is later than now', () => {
  for (const startedAtMs of [0, nowMs - 31 * dayMs, nowMs + 2 * dayMs, 9e15]) {
    assert.deepEqual(admitted({ startedAtMs }).run, null, String(startedAtMs));
  }
  const { run, visits } = admitted({ startedAtMs: nowMs + hourMs });
  const times = [run?.start.startedAtMs, run?.end?.finishedAtMs, visits[0]?.startedAtMs];
  assert.deepEqual(times, [nowMs, nowMs, nowMs]);
});

test('a long host does not cut off whose run it is, nor does one that is cut within a character', () => {
  const hostOf = (host: string): string | undefined => admitted({ host }).run?.start.host;
  assert.equal(hostOf('h'.repeat(255)), `${'h'.repeat(100)} (site fra)`);
  assert.equal(hostOf(`${'h'.repeat(99)}${'😀'.repeat(50)}`), `${'h'.repeat(99)} (site fra)`);
});

test('a site says nothing of a time that is far from its run', () => {
  const far = [Date.UTC(3000, 0, 1), 1e300, -1e300, nowMs + dayMs, 0];
  const start = runStart({ startedAtMs: nowMs - minuteMs, id: 'run-1', host: 'site-1' });
  const admittedVisit = (changes: object) => {
    const end = runEnd(start, { finishedAtMs: start.startedAtMs + 1000 });
    const visits = [{ ...visit({ runId: start.id, client: 'web-1', startedAtMs: start.startedAtMs }), ...changes }];
    return admitDocument('site', Buffer.from(JSON.stringify({ run: { start, end }, visits })), context).visits[0];
  };
  for (const atMs of far) assert.equal(admittedVisit({ nextAttemptAtMs: atMs })?.nextAttemptAtMs, null, String(atMs));
  const nextAttemptAtMs = nowMs + hourMs / 2;
  assert.equal(admittedVisit({ nextAttemptAtMs })?.nextAttemptAtMs, nextAttemptAtMs);
  const long = admittedVisit({ durationMs: 2 ** 45, connectMs: 2 ** 45 });
  assert.deepEqual([long?.durationMs, long?.connectMs], [dayMs, dayMs]);
});

for (const [what, startedAtMs, isAdmitted] of [
  ['as old as what is kept', nowMs - 30 * dayMs, true],
  ['a moment older', nowMs - 30 * dayMs - 1, false],
  ['a day ahead', nowMs + dayMs, true],
  ['a moment more ahead', nowMs + dayMs + 1, false],
] as const) {
  test(`a run of a site that is ${what} ${isAdmitted ? 'counts' : 'does not count'}`, () => {
    assert.equal(admitted({ startedAtMs }).run !== null, isAdmitted);
  });
}

for (const [what, afterMs, isKept] of [
  ['at the time of the visit', 0, false],
  ['a moment later', 1, true],
  ['two hours later', 2 * hourMs, true],
  ['a moment after two hours', 2 * hourMs + 1, false],
] as const) {
  test(`the next attempt of a site ${what} ${isKept ? 'is kept' : 'is none'}`, () => {
    const start = runStart({ startedAtMs: nowMs - minuteMs, id: 'run-1' });
    const { startedAtMs } = start;
    const visits = [visit({ client: 'web-1', startedAtMs, nextAttemptAtMs: startedAtMs + afterMs })];
    const bytes = Buffer.from(JSON.stringify({ run: { start, end: null }, visits }));
    const [own] = admitDocument('site', bytes, context).visits;
    assert.equal(own?.nextAttemptAtMs, isKept ? startedAtMs + afterMs : null);
  });
}

test('of a site’s visit the client, its address and the run are ours, and a push is none of a site', () => {
  const start = runStart({ startedAtMs: nowMs - minuteMs, id: 'run-1' });
  const visits = [visit({ client: 'old-1', address: 'elsewhere', reader: 'push', epoch: 7, startedAtMs: 5 })];
  const bytes = Buffer.from(JSON.stringify({ run: { start, end: null }, visits }));
  const {
    visits: [own],
    run,
  } = admitDocument('site', bytes, context);
  assert.deepEqual([own?.client, own?.address, own?.reader, own?.epoch], ['web-1', 'web-1', null, undefined]);
  assert.deepEqual([own?.startedAtMs, own?.runId], [start.startedAtMs, run?.start.id]);
});
