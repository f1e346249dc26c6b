/** Which rows a kept file has, and which of them a database lacks. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { documentName } from '../../../src/collector/inbox/document-files.ts';
import { folderOfSite } from '../../../src/collector/inbox/origins.ts';
import {
  clientOfReport,
  countRows,
  idsOf,
  missingRows,
  readKept,
  type Kept,
  type KeptRows,
} from '../../../src/collector/run/kept-rows.ts';
import { createClientNames } from '../../../src/collector/sealed-reports/client-names.ts';
import type { Client } from '../../../src/config/config.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import type { PresentIds } from '../../../src/storage/store/storage.ts';
import { runEnd, runStart, visit as visitOf } from '../../storage/support/samples.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const none: KeptRows = { report: null, run: null, visits: [], events: [] };
const kept = (rows: Partial<KeptRows>): Kept => ({
  ...{ file: '/f', from: 'inbox/f', isVisit: false, atMs: 1, rows: { ...none, ...rows } },
});
const nothing: PresentIds = { reports: new Set(), runs: new Map(), visits: new Map(), events: new Set() };

const report = { id: 'p', atMs: 1 };
const run = { id: 'r', atMs: 1, isEnded: true };
const visit = { id: 'r', atMs: 1, client: 'web-1', name: 'web-old' };
const event = { id: 'e', atMs: 1 };

const cases: readonly (readonly [what: string, rows: Partial<KeptRows>, has: Partial<PresentIds>, missing: number])[] =
  [
    ['a report that is not there', { report }, {}, 1],
    ['a report that is there', { report }, { reports: new Set(['p']) }, 0],
    ['a run that is not there', { run }, {}, 1],
    ['a run that is there with its end', { run }, { runs: new Map([['r', true]]) }, 0],
    ['a run whose end is not there', { run }, { runs: new Map([['r', false]]) }, 1],
    ['a run without an end, which is there', { run: { ...run, isEnded: false } }, { runs: new Map([['r', false]]) }, 0],
    ['a run without an end, which is not there', { run: { ...run, isEnded: false } }, {}, 1],
    ['a visit of a run that has none', { visits: [visit] }, {}, 1],
    ['a visit of a run with others', { visits: [visit] }, { visits: new Map([['r', new Set(['db-1'])]]) }, 1],
    ['a visit under its present name', { visits: [visit] }, { visits: new Map([['r', new Set(['web-1'])]]) }, 0],
    ['a visit under its old name', { visits: [visit] }, { visits: new Map([['r', new Set(['web-old'])]]) }, 0],
    [
      'a visit of an unknown client, where its run has any',
      { visits: [{ ...visit, client: null, name: '' }] },
      { visits: new Map([['r', new Set(['db-1'])]]) },
      0,
    ],
    ['an event that is not there', { events: [event] }, { events: new Set(['f']) }, 1],
    ['an event that is there', { events: [event] }, { events: new Set(['e']) }, 0],
    [
      'an event whose blanks the database ignores',
      { events: [{ ...event, id: 'e  ' }] },
      { events: new Set(['e']) },
      0,
    ],
    ['everything, and nothing is there', { run, visits: [visit, visit], events: [event] }, {}, 4],
  ];
for (const [what, rows, has, missing] of cases) {
  test(`missing: ${what}`, () => {
    const found = missingRows(kept(rows), { ...nothing, ...has });
    assert.equal(countRows(found), missing);
    if (missing === countRows(kept(rows).rows)) assert.deepEqual(found, { ...none, ...rows });
  });
}

test('the ids of files are those of all their rows, each once', () => {
  const ids = idsOf([kept({ report }), kept({ run, visits: [visit], events: [event] }), kept({ visits: [visit] })]);
  assert.deepEqual(
    Object.fromEntries(Object.entries(ids).map(([kind, all]) => [kind, [...(all as Iterable<string>)]])),
    { reports: ['p'], runs: ['r'], runsOfVisits: ['r'], events: ['e'] },
  );
});

const dir = tempFolder();
const key = generateKeyPair();
const clients = [
  { name: 'web-1', was: 'web-old' },
  { name: 'far-1', was: null, arrival: { kind: 'site', site: 'fra' } },
] as unknown as readonly Client[];
const options = {
  config: { clients, retention: { rawMs: 1e15 } as never },
  names: createClientNames(clients),
  nowMs: 9,
};
const read = (from: string, content: Buffer | object | null, more: object = {}, isVisit = false): Kept => {
  const file = path.join(dir, path.basename(from));
  if (content !== null) writeFileSync(file, Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return readKept({ file, from, isVisit }, { ...options, ...more });
};
const sealed = (client: string) => sealedSample({ key, header: { client } });

test('a report is known by its name, and by its header if an earlier version has named it', () => {
  const { reportId, sealed: bytes } = sealed('web-1');
  const id = idFrom('named');
  const named = read(`encrypted_stats/web-1/${id}.700.-.-.-.fhs`, null);
  assert.deepEqual([named.rows, named.atMs], [{ ...none, report: { id, atMs: 700 } }, 700]);
  const old = read(`encrypted_stats/web-1/${reportId}.fhs`, bytes);
  assert.deepEqual([old.rows, old.atMs], [{ ...none, report: { id: reportId, atMs: 0 } }, 0]);
  const damaged = read(`encrypted_stats/web-1/${id}.fhs`, Buffer.from('x'));
  assert.deepEqual([damaged.rows, damaged.atMs], [none, 0]);
  assert.equal(clientOfReport({ file: '', from: 'encrypted_stats/web%2F1/x.fhs', isVisit: false }), 'web/1');
  const hashed = { file: old.file, from: `encrypted_stats/%h${'0'.repeat(64)}/x.fhs`, isVisit: false };
  assert.equal(clientOfReport(hashed), 'web-1');
});

const start = runStart({ id: idFrom('run'), startedAtMs: 4 });
const visits = [visitOf({ runId: start.id, client: 'web-old', startedAtMs: 5 })];
const ofRun = (client: string) => ({ id: start.id, client, name: client, atMs: 5 });
const ended = { start, end: runEnd(start) };
const atSite = idFrom(`fra ${start.id}`);
const newEvent = {
  ...{ eventId: 'e', receivedAtMs: 6, host: 'h', service: 's', instance: '', status: null, description: '', tags: [] },
  ...{ value: null, ttl: null, raw: null },
};

interface Document {
  readonly folder: string;
  readonly content: object;
  readonly rows: Partial<KeptRows>;
}
const documents: Readonly<Record<string, Document>> = {
  'of a run, under the present names of its clients': {
    ...{ folder: 'collector', content: { run: ended, visits } },
    rows: { run: { id: start.id, atMs: 4, isEnded: true }, visits: [{ ...ofRun('web-old'), client: 'web-1' }] },
  },
  'of a run without its end, which is another document': {
    ...{ folder: 'collector', content: { run: { start, end: null } }, rows: {} },
  },
  'of a run at a site, which has no other': {
    folder: folderOfSite('fra'),
    content: { run: { start, end: null }, visits: [visitOf({ runId: start.id, client: 'far-1', startedAtMs: 5 })] },
    rows: { run: { id: atSite, atMs: 4, isEnded: false }, visits: [{ ...ofRun('far-1'), id: atSite }] },
  },
  'of a site that brings a foreign client': { folder: folderOfSite('fra'), content: { visits }, rows: {} },
  'of events': { folder: 'events', content: { events: [newEvent], visits }, rows: { events: [{ id: 'e', atMs: 6 }] } },
  'that holds nothing': { folder: 'collector', content: {}, rows: {} },
};
for (const [what, { folder, content, rows }] of Object.entries(documents)) {
  test(`the rows of a document ${what}`, () => {
    const kept = read(`inbox/${folder}/${documentName(3, start.id)}`, content);
    assert.deepEqual({ rows: kept.rows, atMs: kept.atMs }, { rows: { ...none, ...rows }, atMs: 3 });
  });
}

test('the document of one visit is known by its name, unless it is read as a whole', () => {
  const from = `inbox/collector/${documentName(3, start.id)}`;
  const named = read(from, { visits }, {}, true);
  assert.deepEqual(named.rows.visits, [{ id: start.id, atMs: 3, client: null, name: '' }]);
  const whole = read(from, { visits }, { isWhole: true }, true);
  assert.deepEqual(whole.rows.visits, [{ ...ofRun('web-old'), client: 'web-1' }]);
});
