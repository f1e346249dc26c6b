import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { ingestStored, type IngestStoredCounts } from '../../../src/collector/ingest/ingest-stored.ts';
import { openMarks } from '../../../src/collector/ingest/opening-marks.ts';
import { createClientNames } from '../../../src/collector/sealed-reports/client-names.ts';
import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import type { SealedRow, SealedStore } from '../../../src/storage/store/sealed-store.ts';
import type { IngestResult } from '../../../src/storage/store/storage.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const key = generateKeyPair();

interface Passed {
  readonly counts: IngestStoredCounts;
  /** The ids of the rows of each transaction, in order. */
  readonly stored: readonly (readonly number[])[];
  /** `ID CODE` of each row that went to quarantine. */
  readonly quarantined: readonly string[];
  /** The ids of the rows that wait for the next pass. */
  readonly left: readonly number[];
}

interface PassOptions {
  /** The names of the reports that were open when the pass before died, and the earlier deaths of a report alone. */
  readonly open?: readonly string[];
  readonly deaths?: Readonly<Record<string, number>>;
  readonly resultOf?: (id: number) => IngestResult;
  /** Called with the ids of a transaction. */
  readonly onStored?: (ids: readonly number[]) => void;
  readonly signal?: AbortSignal;
}

/** Stores three sealed reports of a database with the ids 1 to 3. */
async function pass(options: PassOptions): Promise<Passed> {
  const { open = [], deaths = {}, resultOf, onStored, signal = new AbortController().signal } = options;
  const dir = tempFolder();
  const file = path.join(dir, 'opening-rows');
  writeFileSync(file, JSON.stringify({ open, deaths }));
  const rows = new Map([1, 2, 3].map((id) => [id, rowOf(id)]));
  const quarantined: string[] = [];
  const stored: number[][] = [];
  const counts = await ingestStored({
    ...{
      dir,
      signal,
      keys: privateKeysOf([key]),
      sealed: storeOf(rows),
      names: createClientNames([makeClient('web-1')]),
    },
    ...{ marks: openMarks(file), retentionMs: 1e12, now: Date.now, observe: () => undefined, onFault: assert.ifError },
    describeKey: () => assert.fail('the key is here'),
    quarantine: { keep: ({ reportId }, _, { code }) => void quarantined.push(`${idOf(rows, reportId)} ${code}`) },
    store: {
      ingest: (items) => {
        const ids = items.map(({ sealedRow }) => sealedRow ?? 0);
        const results = ids.map((id): IngestResult => resultOf?.(id) ?? { kind: 'stored' });
        for (const [at, id] of ids.entries()) if (results[at]?.kind === 'stored') rows.delete(id);
        stored.push(ids);
        onStored?.(ids);
        return Promise.resolve(results);
      },
    },
  });
  return { counts, stored, quarantined, left: [...rows.keys()] };
}

function rowOf(id: number): SealedRow {
  const { sealed, reportId } = sealedSample({ key });
  return { id, client: 'web-1', reportId, keyId: key.id, receivedAtMs: Date.now() + id, clock: null, sealed };
}

function idOf(rows: ReadonlyMap<number, SealedRow>, reportId: string): number {
  return [...rows.values()].find((row) => row.reportId === reportId)?.id ?? 0;
}

/** Returns the part of a store that a pass uses. */
function storeOf(rows: Map<number, SealedRow>): SealedStore {
  const unused = (): never => assert.fail('a pass does not need it');
  return {
    ...{ mark: unused, removeKeyless: unused, summary: unused, useOf: unused },
    waiting: (choice, after) => {
      const later = [...rows.values()].filter(({ id }) => choice === 'unseen' && id > (after?.id ?? 0));
      return Promise.resolve(
        later.map(({ id, receivedAtMs, sealed }) => ({ id, receivedAtMs, sizeBytes: sealed.length })),
      );
    },
    read: (ids) => Promise.resolve(ids.flatMap((id) => rows.get(id) ?? [])),
    remove: (ids) => {
      for (const id of ids) rows.delete(id);
      return Promise.resolve();
    },
  };
}

test('a report that was open when a run died is opened last and alone, the more deaths the later', async () => {
  const { stored, left } = await pass({ open: ['1', '2'], deaths: { 1: 1 } });
  assert.deepEqual(stored, [[3], [2], [1]]);
  assert.deepEqual(left, []);
});

test('a report with which alone two runs died goes to quarantine, and the others are stored', async () => {
  const { stored, quarantined, left, counts } = await pass({ open: ['2'], deaths: { 2: 1 } });
  assert.deepEqual([stored, quarantined, left], [[[1, 3]], ['2 report-deadly'], []]);
  assert.deepEqual([counts.stored, counts.quarantined], [2, 1]);
});

test('a report that the database refuses goes to quarantine, and the others are stored', async () => {
  const resultOf = (id: number): IngestResult => (id === 2 ? { kind: 'refused', message: 'no' } : { kind: 'stored' });
  const { quarantined, left, counts } = await pass({ resultOf });
  assert.deepEqual([quarantined, left], [['2 report-refused'], []]);
  assert.deepEqual([counts.stored, counts.quarantined], [2, 1]);
});

test('a run that is ended leaves the reports that may have ended another to the next', async () => {
  const ending = new AbortController();
  const { left } = await pass({ open: ['1', '2'], signal: ending.signal, onStored: () => ending.abort() });
  assert.deepEqual(left, [1, 2]);
});
