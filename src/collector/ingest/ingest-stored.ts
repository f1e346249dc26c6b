import { setImmediate as nextTurn } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';

import { asFleetError, FleetError } from '../../errors.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import { readHeader } from '../../seal/sealed-message.ts';
import type { IngestItem, ReportStore } from '../../storage/store/storage.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { SealedChoice, SealedPlace, SealedRow, SealedStore } from '../../storage/store/sealed-store.ts';
import { folderOfClient } from '../../state/client-folder.ts';
import type { ClientNames } from '../spool/client-names.ts';
import type { CollectEvent } from '../collect-options.ts';
import { deadlyMessage } from './opening-marks.ts';
import type { OpeningMarks } from './opening-marks.ts';
import { ReportRejected } from './open-sealed.ts';
import type { Quarantine } from '../spool/quarantine.ts';
import { asRejected, openingDoor } from './report-door.ts';
import type { describeMissingKey } from '../keys/retired-keys.ts';
import { tellFew } from './tell-few.ts';

export interface IngestStoredOptions {
  readonly store: ReportStore;
  readonly sealed: SealedStore;
  readonly keys: PrivateKeys;
  readonly names: ClientNames;
  readonly quarantine: Quarantine;
  /** encrypted_stats/ of this machine: where its quarantine is. */
  readonly dir: string;
  readonly retentionMs: number;
  /** Which rows were open when earlier runs died. */
  readonly marks: OpeningMarks;
  readonly aboutKey: (keyId: string) => ReturnType<typeof describeMissingKey>;
  /** Ends it between two batches. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly observe: (event: CollectEvent) => void;
  readonly onFault: (fault: FleetError) => void;
}

export interface IngestStoredCounts {
  readonly stored: number;
  readonly duplicate: number;
  readonly quarantined: number;
  /** That this pass has found to be sealed to a key that is not live here: they wait on. */
  readonly keyless: number;
  /** Whose reports they were. */
  readonly clients: number;
}

/** Measured best at 100 to 500 rows a transaction. */
const batchSize = 200;
/** Sealed bytes that are read at a time, and opened ones that are stored at a time, but for the last report of each. */
const maxSealedBytes = 1024 * 1024;
const maxOpenedBytes = 2 * 1024 * 1024;

/**
 * Opens what a collector without the key has stored sealed, oldest first, and stores it as if it had been opened there: rows
 * and the removal of the sealed one are one transaction. What is not believed goes to this machine's quarantine. What is
 * sealed to a key that is not live here waits in the database, is told of once, and is taken when the key is. Throws
 * FleetError when the database is away.
 */
export async function ingestStored(options: IngestStoredOptions): Promise<IngestStoredCounts> {
  const { keys, sealed, signal, marks } = options;
  const observe = tellFew(options.observe);
  const suspects: number[] = [];
  const deathsOf = (id: number): number => marks.deathsOf(String(id)) ?? -1;
  const isSuspect = (id: number): boolean => deathsOf(id) >= 0 || marks.isDeadly(String(id));
  const counts = { stored: 0, duplicate: 0, quarantined: 0, keyless: 0 };
  const clients = new Set<string>();
  const keyless = new Map<string, Set<string>>();
  const door = openingDoor(options);

  const setAside = async (row: SealedRow, client: string, rejected: ReportRejected): Promise<void> => {
    const { code, message } = rejected;
    try {
      const place = path.join(options.dir, folderOfClient(client), 'quarantine');
      const { sealed: bytes, receivedAtMs } = row;
      const reportId = fileNameOf(row);
      options.quarantine.keep({ place, reportId, receivedAtMs, sealed: bytes }, client, {
        code,
        message,
        atMs: options.now(),
      });
    } catch (thrown) {
      // It stays where it is, and those behind it are taken all the same.
      options.onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client }));
      return;
    }
    await sealed.remove([row.id]);
    counts.quarantined += 1;
    observe({ kind: 'quarantined', client, code, message });
  };

  const waitForKeys = async (waiting: readonly Keyless[]): Promise<void> => {
    for (const [keyId, ofKey] of groupBy(waiting, (one) => one.keyId)) {
      const message = `it is sealed to ${options.aboutKey(keyId).clause}`;
      await sealed.mark(
        ofKey.map(({ id }) => id),
        'seal-no-key',
        message,
      );
      counts.keyless += ofKey.length;
      keyless.set(keyId, new Set([...(keyless.get(keyId) ?? []), ...ofKey.map(({ client }) => client)]));
    }
  };

  /** Returns how many of the rows, from the first on, it is done with. */
  const takeBatch = async (rows: readonly SealedRow[]): Promise<number> => {
    const items: { readonly row: SealedRow; readonly item: IngestItem }[] = [];
    const waiting: Keyless[] = [];
    let bytes = 0;
    let taken = 0;
    for (const row of rows) {
      if (bytes > maxOpenedBytes) break;
      taken += 1;
      const owner = options.names.ownerOf(row.client);
      clients.add(owner.client);
      try {
        const bytesOfRow = Buffer.from(row.sealed.buffer, row.sealed.byteOffset, row.sealed.length);
        const keyId = checkedKeyId(row, bytesOfRow);
        if (!keys.has(keyId)) {
          waiting.push({ id: row.id, client: owner.client, keyId });
          continue;
        }
        const { item, sizeBytes } = door.admit(bytesOfRow, owner, row);
        items.push({ row, item: { ...item, sealedRow: row.id } });
        bytes += sizeBytes;
      } catch (thrown) {
        if (thrown instanceof FleetError) throw thrown;
        await setAside(row, owner.client, asRejected(thrown));
      }
    }
    await waitForKeys(waiting);
    if (items.length === 0) return taken;
    const results = await options.store.ingest(items.map(({ item }) => item));
    for (const [index, { row, item }] of items.entries()) {
      const result = results[index];
      if (result?.kind === 'stored' || result?.kind === 'duplicate') counts[result.kind] += 1;
      else if (result?.kind === 'foreign') {
        const message = `its id is that of a report of ${result.owner}`;
        await setAside(row, item.client, new ReportRejected('report-foreign', message));
      } else if (result !== undefined) {
        await setAside(row, item.client, new ReportRejected('report-refused', result.message));
      }
    }
    return taken;
  };

  const takeMarked = async (rows: readonly SealedRow[]): Promise<number> => {
    await marks.begin(rows.map(({ id }) => String(id)));
    try {
      return await takeBatch(rows);
    } finally {
      marks.end();
    }
  };

  /** After all others, each alone. */
  const takeSuspects = async (): Promise<void> => {
    for (const id of suspects.sort((a, b) => deathsOf(a) - deathsOf(b))) {
      if (signal.aborted) return;
      for (const row of await sealed.read([id])) {
        if (!marks.isDeadly(String(id))) await takeMarked([row]);
        else {
          const { client } = options.names.ownerOf(row.client);
          await setAside(row, client, new ReportRejected('report-deadly', deadlyMessage));
        }
      }
    }
  };

  const takeAll = async (choice: SealedChoice): Promise<void> => {
    let after: SealedPlace | null = null;
    while (!signal.aborted) {
      const places: readonly SealedPlace[] = await sealed.waiting(choice, after, batchSize);
      const batch = firstBytes(places);
      const last = batch.at(-1);
      if (last === undefined) return;
      const ids = batch.map(({ id }) => id);
      const usual = ids.filter((id) => !isSuspect(id));
      suspects.push(...ids.filter(isSuspect));
      const rows = await sealed.read(usual);
      const taken = await takeMarked(rows);
      const lastTaken = rows[taken - 1];
      // Another ingest may have taken some of them meanwhile.
      after = lastTaken === undefined || taken === rows.length ? last : placeOf(batch, lastTaken);
      await nextTurn();
    }
  };

  // Those that have waited for a key are older than what comes.
  await takeAll({ keyIds: [...keys.keys()] });
  await takeAll('unseen');
  await takeSuspects();
  for (const [keyId, whose] of keyless) options.onFault(keylessFault(options, keyId, whose));
  return { ...counts, clients: clients.size };
}

interface Keyless {
  readonly id: number;
  readonly client: string;
  readonly keyId: string;
}

function firstBytes(places: readonly SealedPlace[]): readonly SealedPlace[] {
  let bytes = 0;
  const past = places.findIndex(({ sizeBytes }) => (bytes += sizeBytes) > maxSealedBytes);
  return past === -1 ? places : places.slice(0, Math.max(1, past));
}

function placeOf(batch: readonly SealedPlace[], { id }: SealedRow): SealedPlace | null {
  return batch.find((place) => place.id === id) ?? null;
}

/** The key that the header names. Throws ReportRejected or SealFault when the row says otherwise. */
function checkedKeyId(row: SealedRow, sealed: Buffer): string {
  const { keyId, reportId } = readHeader(sealed);
  if (keyId !== row.keyId || reportId !== row.reportId) {
    throw new ReportRejected('seal-corrupt', `its header names report ${reportId} and key ${keyId}, its row others`);
  }
  return keyId;
}

/** Whatever a row says: what it says may not be a name of a file. */
function fileNameOf({ reportId, sealed }: SealedRow): string {
  return /^[0-9a-f-]{36}$/.test(reportId) ? reportId : createHash('sha256').update(sealed).digest('hex').slice(0, 36);
}

function keylessFault({ aboutKey }: IngestStoredOptions, keyId: string, clients: ReadonlySet<string>): FleetError {
  const { clause, advice } = aboutKey(keyId);
  const [first = ''] = clients;
  const whose = clients.size === 1 ? first : `${clients.size} clients`;
  return new FleetError({
    code: 'seal-no-key',
    stage: 'seal',
    message: `reports of ${whose} are sealed to ${clause}; they wait in the database`,
    advice: `${advice} They are taken then.`,
  });
}
