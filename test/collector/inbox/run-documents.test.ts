/** The documents of one run, from its start to its end, and those that a killed run has left. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { allowances } from '../../../src/collector/inbox/origins.ts';
import { endKilledRuns, keepPushedVisit, killedEnd, runDocuments } from '../../../src/collector/inbox/run-documents.ts';
import { placeAside, setAside } from '../../../src/collector/inbox/set-aside.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';

const id = '01234567-89ab-4def-8123-456789abcdef';
const start = runStart({ id, startedAtMs: 1000 });
const name = `000000000001000-${id}`;
const read = (folder: string, file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));

test('a run has a hidden document until its end, and a numbered one for each batch of visits', async (t) => {
  const folder = tempFolder(t);
  const documents = runDocuments(folder, start);
  documents.begin();
  assert.deepEqual(readdirSync(folder), [`.${name}.json.open`]);
  assert.deepEqual(read(folder, `.${name}.json.open`), { run: { start, end: null } });
  const visits = [visit({})];
  assert.equal(await documents.visits(visits), path.join(folder, `${name}.000001.json`));
  assert.equal(await documents.visits([]), path.join(folder, `${name}.000002.json`));
  assert.deepEqual(read(folder, `${name}.000001.json`), { run: { start, end: null }, visits });
  const end = runEnd(start);
  assert.equal(documents.end(end), path.join(folder, `${name}.json`));
  assert.deepEqual(read(folder, `${name}.json`), { run: { start, end } });
  assert.deepEqual(readdirSync(folder), [`${name}.000001.json`, `${name}.000002.json`, `${name}.json`]);
  documents.close();
});

test('the visit of a push is a document by its time and id, without a run', async (t) => {
  const folder = tempFolder(t);
  const pushed = visit({ runId: id, startedAtMs: 1000 });
  await keepPushedVisit(folder, pushed);
  assert.deepEqual(read(folder, `${name}.json`), { visits: [pushed] });
});

test('a killed run ends as failed, with the visits that it had recorded', async (t) => {
  const folder = tempFolder(t);
  const documents = runDocuments(folder, start);
  documents.begin();
  await documents.visits([visit({ startedAtMs: 2000, durationMs: 300 }), visit({ ok: false, startedAtMs: 1500 })]);
  await runDocuments(folder, runStart({ startedAtMs: 1000 })).visits([visit({})]);
  endKilledRuns(folder, 10_000);
  const counts = { clients: 2, succeeded: 1, failed: 1, skipped: 0, cpuMs: 0, maxRssBytes: 0 };
  const end = { id, outcome: 'failed', finishedAtMs: 2300, ...counts };
  assert.deepEqual(read(folder, `${name}.json`), { run: { start, end } });
  assert.ok(!readdirSync(folder).some((file) => file.startsWith('.')));
});

test('a run that was killed after its end is not ended again, and a damaged beginning is removed', (t) => {
  const folder = tempFolder(t);
  const documents = runDocuments(folder, start);
  documents.begin();
  writeFileSync(path.join(folder, `${name}.json`), '{"run":"whole"}');
  writeFileSync(path.join(folder, '.000000000000002-x.json.open'), '{');
  endKilledRuns(folder, 10_000);
  assert.deepEqual(readdirSync(folder), [`${name}.json`]);
  assert.deepEqual(read(folder, `${name}.json`), { run: 'whole' });
});

for (const [what, visits, nowMs, finishedAtMs] of [
  ['no visit', [], 9000, 1000],
  ['a visit', [visit({ startedAtMs: 3000, durationMs: 500 })], 9000, 3500],
  [
    'a visit before a longer one',
    [3000, 1000].map((durationMs) => visit({ startedAtMs: 2000, durationMs })),
    9000,
    5000,
  ],
  ['a visit in the future', [visit({ startedAtMs: 8000, durationMs: 5000 })], 9000, 9000],
  ['a visit before its start', [visit({ startedAtMs: 10, durationMs: 5 })], 9000, 1000],
] as const) {
  test(`a killed run with ${what} ended at ${finishedAtMs} ms`, () => {
    assert.equal(killedEnd(start, visits, nowMs).finishedAtMs, finishedAtMs);
  });
}

test('what is set aside lies at the same path, without the mark of a failed attempt; the newest hundred stay', (t) => {
  const root = tempFolder(t);
  const paths = { inbox: root, setAside: path.join(root, 'set-aside') };
  const folder = placeAside(paths, path.join(root, 'site-fra', 'collector'));
  assert.equal(folder, path.join(root, 'set-aside', 'site-fra', 'collector'));
  const put = (file: string): string => {
    writeFileSync(path.join(root, file), file);
    return setAside(path.join(root, file), folder);
  };
  assert.equal(put('100.again.json'), path.join(folder, '100.json'));
  for (const at of times(100, (index) => index)) put(`${101 + at}.json`);
  const names = readdirSync(folder);
  assert.deepEqual([names.length, names[0], names.at(-1)], [100, '101.json', '200.json']);
});

test('the newest document is set aside however large it is, and an older one goes then', (t) => {
  const root = tempFolder(t);
  const folder = path.join(root, 'aside');
  for (const file of ['1.json', '2.json']) {
    writeFileSync(path.join(root, file), Buffer.alloc(33 * 1024 * 1024));
    setAside(path.join(root, file), folder);
  }
  assert.deepEqual(readdirSync(folder), ['2.json']);
});

test('who may bring what, and how much of it', () => {
  const mib = 1024 * 1024;
  const own = { isForeign: false, maxRuns: Infinity, maxDocumentBytes: 64 * mib, maxDocuments: Infinity };
  assert.deepEqual(allowances, {
    collector: { ...own, records: ['runs', 'visits'], maxBytes: 256 * mib },
    site: {
      ...{ records: ['runs', 'visits'], isForeign: true, maxRuns: 4, maxBytes: 32 * mib },
      ...{ maxDocumentBytes: 2 * mib, maxDocuments: 500 },
    },
    events: { ...own, records: ['events'], maxBytes: 64 * mib },
  });
});
