/** Sealed rows over a database in memory: batches, keys that are missing, and what is counted. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { ingestStored } from '../../../src/collector/ingest/ingest-stored.ts';
import { openMarks } from '../../../src/collector/ingest/opening-marks.ts';
import { createClientNames } from '../../../src/collector/sealed-reports/client-names.ts';
import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { readHeader } from '../../../src/report/seal/sealed-message.ts';
import type { SealedChoice, SealedPlace, SealedRow, SealedStore } from '../../../src/storage/store/sealed-store.ts';
import type { IngestResult } from '../../../src/storage/store/storage.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import { sampleReport } from '../../report/support/sample-report.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';

const [key, other] = [generateKeyPair(), generateKeyPair()];

interface Row extends SealedRow {
  /** True if an earlier run has seen it. */
  readonly isSeen?: boolean;
  /** The bytes that the database says. */
  readonly sizeBytes?: number;
}

function rowOf(id: number, client = 'web-1', over: Partial<Row> = {}, sealedTo = key): Row {
  const { reportId, sealed } = sealedSample({ key: sealedTo, inside: { client } });
  return { id, client, keyId: readHeader(sealed).keyId, reportId, receivedAtMs: id, clock: null, sealed, ...over };
}

interface Given {
  readonly rows: readonly Row[];
  readonly resultOf?: (id: number) => IngestResult;
}

async function ingested({ rows, resultOf }: Given) {
  const dir = tempFolder();
  const left = new Map(rows.map((row) => [row.id, row]));
  const asked: string[] = [];
  const stored: string[] = [];
  const marked: unknown[] = [];
  const kept: unknown[] = [];
  const faults: string[] = [];
  const waiting = (choice: SealedChoice, after: SealedPlace | null, limit: number) => {
    asked.push(`${choice === 'unseen' ? choice : choice.keyIds.length} ${after?.id ?? '-'} ${limit}`);
    const found = [...left.values()].filter(
      ({ id, isSeen = false }) => isSeen !== (choice === 'unseen') && id > (after?.id ?? 0),
    );
    return Promise.resolve(
      found.map((row) => ({ ...row, sizeBytes: row.sizeBytes ?? row.sealed.length })).slice(0, limit),
    );
  };
  const sealed: Partial<SealedStore> = {
    waiting,
    read: (ids) => Promise.resolve(ids.flatMap((id) => left.get(id) ?? [])),
    mark: (ids, code, message) => Promise.resolve(void marked.push([ids, code, message])),
    remove: (ids) => {
      for (const id of ids) left.delete(id);
      return Promise.resolve();
    },
  };
  const counts = await ingestStored({
    ...{ dir, signal: new AbortController().signal, keys: privateKeysOf([key]), sealed: sealed as SealedStore },
    names: createClientNames(['web-1', 'web-2'].map((name) => ({ name, was: null }))),
    ...{ marks: openMarks(path.join(dir, 'opening-rows')), retentionMs: 1e15, now: () => 7, observe: () => undefined },
    onFault: ({ code, message, advice }) => faults.push(`${code}: ${message}: ${advice}`),
    describeKey: (id) => ({ clause: `key ${id.slice(0, 2)}`, advice: 'Put it there.' }),
    quarantine: {
      keep: ({ place, reportId }, client, { code }) =>
        void kept.push([path.relative(dir, place), reportId, client, code]),
    },
    store: {
      ingest: (items) => {
        const ids = items.map(({ sealedRow }) => sealedRow ?? 0);
        const results = ids.map((id): IngestResult => resultOf?.(id) ?? { kind: 'stored' });
        for (const [at, id] of ids.entries()) if (results[at]?.kind !== 'foreign') left.delete(id);
        stored.push(ids.join(' '));
        return Promise.resolve(results);
      },
    },
  });
  return { counts, asked, stored, marked, kept, faults, left: [...left.keys()] };
}

test('what has waited for a key goes before what is new, two hundred rows at a time', async () => {
  const rows = [rowOf(1), rowOf(2, 'web-2'), rowOf(3, 'web-1', { isSeen: true })];
  const { counts, asked, stored, left } = await ingested({ rows });
  assert.deepEqual(stored, ['3', '1 2']);
  assert.deepEqual(asked, ['1 - 200', '1 3 200', 'unseen - 200', 'unseen 2 200']);
  assert.deepEqual([counts, left], [{ stored: 3, duplicate: 0, quarantined: 0, keyless: 0, clients: 2 }, []]);
});

test('sealed rows are read a mebibyte at a time, one at least', async () => {
  const sizes = [600_000, 400_000, 100_000, 2_000_000, 1];
  const { stored } = await ingested({
    rows: sizes.map((sizeBytes, index) => rowOf(index + 1, 'web-1', { sizeBytes })),
  });
  assert.deepEqual(stored, ['1 2', '3', '4', '5']);
});

test('opened reports are stored two mebibytes at a time, and the rest follows', async () => {
  const rows = times(4, (index) => {
    const reportId = idFrom(`${index}`);
    const report = { ...sampleReport, client: 'web-1', report_id: reportId, datetime: new Date().toISOString() };
    const plaintext = Buffer.from(encodeReport(report).toString() + ' '.repeat(750_000));
    const { sealed } = sealedSample({ key, header: { client: 'web-1', reportId }, plaintext });
    return { ...rowOf(index + 1), reportId, sealed, sizeBytes: 1 };
  });
  const { stored, counts } = await ingested({ rows });
  assert.deepEqual([stored, counts.stored], [['1 2 3', '4'], 4]);
});

test('reports for a key that is not here wait, with one fault a key for one client or a number', async () => {
  const rows = [rowOf(1, 'web-1', {}, other), rowOf(2, 'web-1', { isSeen: true }, other), rowOf(3)];
  const one = await ingested({ rows });
  const { keyId } = rows[0] ?? { keyId: '' };
  const clause = `key ${keyId.slice(0, 2)}`;
  const said = (whose: string): string =>
    `seal-no-key: reports of ${whose} are sealed to ${clause}; they wait in the database: Put it there. They are taken then.`;
  assert.deepEqual([one.faults, one.left, one.stored], [[said('web-1')], [1, 2], ['3']]);
  const words = `it is sealed to ${clause}`;
  assert.deepEqual(one.marked, [
    [[2], 'seal-no-key', words],
    [[1], 'seal-no-key', words],
  ]);
  assert.deepEqual(one.counts, { stored: 1, duplicate: 0, quarantined: 0, keyless: 2, clients: 1 });
  const two = await ingested({ rows: [...rows.slice(0, 1), rowOf(2, 'web-2', { isSeen: true }, other)] });
  assert.deepEqual([two.faults, two.stored], [[said('2 clients')], []]);
});

test('a duplicate is counted, and a row with another id or key than its header goes to quarantine', async () => {
  const [same, wrongId, wrongKey, foreign] = [rowOf(1), rowOf(2), rowOf(3), rowOf(4)];
  const rows = [same, { ...wrongId, reportId: '../x' }, { ...wrongKey, keyId: 'f'.repeat(16) }, foreign];
  const resultOf = (id: number): IngestResult =>
    id === 4 ? { kind: 'foreign', owner: 'db-1' } : { kind: 'duplicate' };
  const { counts, kept, left } = await ingested({ rows, resultOf });
  assert.deepEqual(counts, { stored: 0, duplicate: 1, quarantined: 3, keyless: 0, clients: 1 });
  const [[, odd] = []] = kept as (readonly string[])[];
  assert.match(odd ?? '', /^[0-9a-f]{36}$/);
  assert.deepEqual(kept, [
    [path.join('web-1', 'quarantine'), odd, 'web-1', 'seal-corrupt'],
    [path.join('web-1', 'quarantine'), wrongKey.reportId, 'web-1', 'seal-corrupt'],
    [path.join('web-1', 'quarantine'), foreign.reportId, 'web-1', 'report-foreign'],
  ]);
  assert.deepEqual(left, []);
});
