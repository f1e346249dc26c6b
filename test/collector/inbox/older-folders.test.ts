/** Files that the version before wrote become rows. The texts below are those of that version. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { documentsIn } from '../../../src/collector/inbox/document-files.ts';
import { EventDocuments } from '../../../src/collector/inbox/event-documents.ts';
import { takeOverJournals } from '../../../src/collector/inbox/older-folders.ts';
import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { parseDocument } from '../../../src/collector/inbox/parse-document.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { makeClient, makeFleet } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const atMs = Date.now() - 600_000;
const time = `${String(atMs).padStart(15, '0')}-`;
const start = {
  ...{ id: ids[0], program: 'collect', collectorId: ids[1], host: 'mon-1', scope: 'full' },
  ...{ configDigest: 'a'.repeat(64), startedAtMs: atMs },
};
const visit = {
  ...{ runId: ids[0], client: 'web-1', address: '192.0.2.1', startedAtMs: atMs, durationMs: 12.5, ok: true },
  ...{ stage: null, code: null, message: null, connectMs: 3, bytesIn: 10, bytesOut: 20, uploaded: false },
  ...{ reader: 'node', bootId: 'b', sealedTo: ['0123456789abcdef'], nextAttemptAtMs: null },
};
const end = {
  ...{ id: ids[0], outcome: 'finished', finishedAtMs: atMs + 1000, clients: 1, succeeded: 1, failed: 0, skipped: 0 },
  ...{ cpuMs: 5, maxRssBytes: 1000 },
};
const event = {
  ...{ eventId: 'old-1', receivedAtMs: atMs, host: 'web-1', service: 'backup', instance: '', status: 'OK' },
  ...{ description: '', tags: ['a'], value: 1, ttl: null, raw: null },
};
const linesOf = (...lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

test('journals of the version before are stored by the first run, and damaged ones are set aside', async () => {
  const fleet = makeFleet();
  const { olderJournal, inbox } = statePaths(fleet.stateDir);
  mkdirSync(olderJournal, { recursive: true, mode: 0o700 });
  const put = (name: string, text: string): void => writeFileSync(path.join(olderJournal, name), text);
  put(
    `${time}${ids[0]}.jsonl`,
    linesOf({ kind: 'start', start }, { kind: 'visits', visits: [visit] }, { kind: 'end', end }),
  );
  const killed = { ...start, id: ids[1] };
  put(`${time}${ids[1]}.again.jsonl`, `${linesOf({ kind: 'start', start: killed })}{"kind":"vis`);
  const pushed = { ...visit, runId: 'push-1', client: 'laptop', reader: 'push' };
  put(`${time}push-1.jsonl`, linesOf({ kind: 'visits', visits: [pushed] }));
  const ofSite = { ...start, id: 'site-run', collectorId: 'c', host: 'fra-1 (site fra)' };
  const siteVisit = { ...visit, runId: 'site-run', client: 'web-2' };
  const forwarded = { kind: 'forwarded', start: ofSite, end: { ...end, id: 'site-run' } };
  put(`${time}${ids[0]}.${ids[1]}.jsonl`, linesOf({ kind: 'visits', visits: [siteVisit, 7] }, forwarded));
  const { runId, faults } = await fleet.collect([makeClient('web-1')]);
  assert.deepEqual(faults, []);
  const runs = await fleet.column(
    `SELECT host || ' ' || outcome FROM runs WHERE id <> '${runId}' ORDER BY host, outcome`,
  );
  assert.deepEqual(runs, ['fra-1 (site fra) finished', 'mon-1 failed', 'mon-1 finished']);
  const visited = await fleet.column(`SELECT client FROM visits WHERE run_id <> '${runId}' ORDER BY client`);
  assert.deepEqual(visited, ['laptop', 'web-1', 'web-2']);
  assert.deepEqual(readdirSync(olderJournal), []);
  assert.deepEqual(readdirSync(path.join(inbox, 'collector')), []);
  assert.equal(readdirSync(path.join(statePaths(fleet.stateDir).setAside, 'collector')).length, 1);
  const notes = fleet.events.flatMap((one) =>
    one.kind === 'note' && one.message.includes('set-aside') ? one.message : [],
  );
  assert.equal(notes.length, 1);
});

test('journals of a site name the run of their visits, so that they count at the other collector', (t) => {
  const paths = statePaths(tempFolder(t));
  mkdirSync(paths.olderJournal, { recursive: true, mode: 0o700 });
  const text = linesOf({ kind: 'start', start }, { kind: 'visits', visits: [visit] });
  writeFileSync(path.join(paths.olderJournal, `${time}${ids[0]}.jsonl`), text);
  takeOverJournals(paths, Date.now(), assert.fail);
  const documents = documentsIn(documentsOf(paths, { kind: 'collector' })).map((file) =>
    parseDocument(readFileSync(file)),
  );
  assert.deepEqual(
    documents.map(({ run, visits }) => [run?.start.id, run?.end?.outcome, visits.length]),
    [
      [ids[0], 'failed', 0],
      [ids[0], undefined, 1],
    ],
  );
});

test('events of the version before are stored in front of later ones', async () => {
  const fleet = makeFleet();
  const paths = statePaths(fleet.stateDir);
  mkdirSync(paths.olderEvents, { recursive: true, mode: 0o700 });
  const put = (name: string, text: string): void => writeFileSync(path.join(paths.olderEvents, name), text);
  put('000000000001-1-77.json', JSON.stringify([event]));
  put('000000000002-1-77.json', '[{"eventId":');
  const lines: string[] = [];
  const waiting = new EventDocuments(paths, (line) => lines.push(line));
  assert.deepEqual([waiting.size, lines.length], [1, 1]);
  await waiting.write([{ ...event, eventId: 'new-1', status: 'OK' }]);
  const stored: string[] = [];
  await waiting.takeUp((events) => Promise.resolve(void stored.push(...events.map(({ eventId }) => eventId))));
  assert.deepEqual([stored, waiting.size], [['old-1', 'new-1'], 0]);
  assert.ok(existsSync(path.join(paths.setAside, 'events', '000000000002-1-77.json')));
});
