/** The names of documents, and what becomes of their files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import * as files from '../../../src/collector/inbox/document-files.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const id = '01234567-89ab-4def-8123-456789abcdef';
const { documentName, hasFailed, isDocumentName, isNamedAsDocument, marked, unmarked } = files;

for (const [atMs, part, name] of [
  [1_795_000_000_123, null, `001795000000123-${id}.json`],
  [1_795_000_000_123.9, 1, `001795000000123-${id}.000001.json`],
  [0, 123_456, `000000000000000-${id}.123456.json`],
  [-5, null, `000000000000000-${id}.json`],
] as const) {
  test(`the document of ${atMs} ms, part ${String(part)}, is called ${name}`, () => {
    assert.equal(documentName(atMs, id, part), name);
    assert.equal(files.documentTime(`/inbox/${name}`), Math.max(0, Math.floor(atMs)));
    assert.ok(isDocumentName(name) && isNamedAsDocument(`/inbox/${name}`));
  });
}

for (const name of [
  `01795000000123-${id}.json`,
  `0001795000000123-${id}.json`,
  `001795000000123-${id.slice(1)}.json`,
  `001795000000123-${id}.00001.json`,
  `001795000000123-${id}.json.part`,
  `.001795000000123-${id}.json`,
  `001795000000123-${id.toUpperCase()}.json`,
  `001795000000123-${id}.fhs`,
]) {
  test(`no document of another machine is called ${name}`, () => {
    assert.equal(isDocumentName(name), false);
  });
}

test('a document that was tried once has a mark, which comes and goes without a trace', () => {
  const name = `001795000000123-${id}.json`;
  const again = `001795000000123-${id}.again.json`;
  assert.deepEqual([marked(name), marked(again), unmarked(again), unmarked(name)], [again, again, name, name]);
  assert.deepEqual([hasFailed(name), hasFailed(again)], [false, true]);
  assert.deepEqual([isDocumentName(again), isNamedAsDocument(again)], [false, true]);
});

test('a name without a time is of the beginning of all times', () => {
  assert.equal(files.documentTime('/inbox/notes.json'), 0);
});

test('a document is written for its owner alone, at once or beside other work', async (t) => {
  const folder = path.join(tempFolder(t), 'inbox', 'collector');
  await files.writeDocument(folder, 'a.json', { visits: [] });
  files.writeDocumentNow(folder, 'b.json', { events: [] });
  assert.deepEqual(
    ['a.json', 'b.json'].map((name) => readFileSync(path.join(folder, name), 'utf8')),
    ['{"visits":[]}', '{"events":[]}'],
  );
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['a.json', 'b.json']);
});

test('a folder that cannot be written to is a full spool, by its name', async (t) => {
  const folder = path.join(tempFolder(t), 'inbox');
  writeFileSync(folder, 'a file in its place');
  const full = { name: 'FleetError', code: 'spool-full', stage: 'spool', message: new RegExp(`^${folder}: `) };
  await assert.rejects(files.writeDocument(folder, 'a.json', {}), full);
  assert.throws(() => files.writeDocumentNow(folder, 'a.json', {}), full);
});

test('of a folder the plain files count that end as asked, sorted; hidden ones only if all are asked for', (t) => {
  const folder = tempFolder(t);
  for (const name of ['b.json', 'a.json', '.c.json', 'd.fhs']) writeFileSync(path.join(folder, name), '');
  mkdirSync(path.join(folder, 'e.json'));
  symlinkSync(path.join(folder, 'a.json'), path.join(folder, 'f.json'));
  assert.deepEqual(files.documentsIn(folder), [path.join(folder, 'a.json'), path.join(folder, 'b.json')]);
  assert.deepEqual(files.filesIn(folder, '.fhs'), ['d.fhs']);
  assert.deepEqual(files.plainFilesIn(folder), ['.c.json', 'a.json', 'b.json', 'd.fhs']);
});

test('a folder that is not there has no documents; one that cannot be read is a fault, but not that of a site', (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, 'file'), '');
  for (const none of ['none', 'file', 'file/below']) assert.deepEqual(files.documentsIn(path.join(folder, none)), []);
  const long = path.join(folder, 'n'.repeat(300));
  assert.throws(() => files.documentsIn(long), { name: 'FleetError', code: 'state-unusable', stage: 'run' });
  assert.deepEqual(files.documentsOfSite(long), []);
});

test('what is gone already is removed without a fault, and nothing else is passed over', (t) => {
  const folder = tempFolder(t);
  const file = path.join(folder, 'a.json');
  writeFileSync(file, '');
  files.removeStored(file);
  files.removeStored(file);
  mkdirSync(file);
  assert.throws(() => files.removeStored(file));
  assert.ok(existsSync(file));
});

test('a document is read up to its bound, and nothing but a plain file is', (t) => {
  const folder = tempFolder(t);
  const file = path.join(folder, 'a.json');
  writeFileSync(file, '12345');
  assert.equal(files.readDocumentFile(file, 5).toString(), '12345');
  const fault = { name: 'FleetError', code: 'spool-full', stage: 'spool' };
  assert.throws(() => files.readDocumentFile(file, 4), { ...fault, message: '5 bytes, at most 4 are allowed' });
  assert.throws(() => files.readDocumentFile(path.join(folder, 'none'), 4), { code: 'ENOENT' });
  mkdirSync(path.join(folder, 'b.json'));
  assert.throws(() => files.readDocumentFile(path.join(folder, 'b.json'), 4), fault);
  assert.deepEqual([files.sizeOf(file), files.sizeOf(path.join(folder, 'none'))], [5, 0]);
});

for (const [maxBytes, kept] of [
  [30, ['1.json', '2.json', '3.json']],
  [29, ['2.json', '3.json']],
  [20, ['2.json', '3.json']],
  [10, ['3.json']],
  [9, []],
] as const) {
  test(`of three documents of 10 bytes the newest ${kept.length} are within ${maxBytes} bytes`, (t) => {
    const folder = tempFolder(t);
    for (const name of ['1.json', '2.json', '3.json']) writeFileSync(path.join(folder, name), 'x'.repeat(10));
    const bounded = files.boundDocuments(folder, maxBytes);
    assert.deepEqual(bounded, { kept: kept.map((name) => path.join(folder, name)), dropped: 3 - kept.length });
    assert.deepEqual(readdirSync(folder), kept);
  });
}
