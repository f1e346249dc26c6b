import { createHash } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { append, groupBy } from '../../platform/group-by.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import type { PrivateKeys } from '../../report/seal/open.ts';
import { readHeader, type SealedMessage } from '../../report/seal/sealed-message.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import type { SealedChoice, SealedPlace, SealedRow, SealedStore } from '../../storage/store/sealed-store.ts';
import type { IngestItem, ReportStore } from '../../storage/store/storage.ts';
import type { ClientNames } from '../sealed-reports/client-names.ts';
import type { Quarantine } from '../sealed-reports/quarantine.ts';
import type { IngestCounts, IngestOptions } from './ingest-options.ts';
import { openingIntake, storeOpened } from './intake.ts';
import { deadlyMessage } from './opening-marks.ts';
import { asRejected, createRejections, refusalOf, ReportRejected } from './rejections.ts';

type SharedOptions = 'retentionMs' | 'marks' | 'describeKey' | 'now' | 'observe' | 'onFault';

/** The options of a run. The names in `marks` are ids of rows. */
export interface IngestStoredOptions extends Pick<IngestOptions, SharedOptions> {
  readonly store: Pick<ReportStore, 'ingest'>;
  readonly sealed: SealedStore;
  readonly keys: PrivateKeys;
  readonly names: Pick<ClientNames, 'ownerOf'>;
  readonly quarantine: Pick<Quarantine, 'keep'>;
  /** The folder encrypted_stats/ of this machine, which holds its quarantine. */
  readonly dir: string;
  /** Ends the run between two batches. */
  readonly signal: AbortSignal;
}

export interface IngestStoredCounts extends Omit<IngestCounts, 'waiting'> {
  /** The reports of this run that are sealed to a key that is not live here. They wait. */
  readonly keyless: number;
  /** The number of clients that sent the reports. */
  readonly clients: number;
}

/** The number of rows of one transaction. */
const batchSize = 200;
/** The sealed bytes that are read at a time, not counting the last report. */
const maxSealedBytes = 1024 * 1024;
/** The opened bytes that are stored at a time, not counting the last report. */
const maxOpenedBytes = 2 * 1024 * 1024;

/**
 * Opens and stores reports that a collector without the private key has stored sealed, oldest first. One transaction
 * adds the rows and removes the sealed row. Rejected reports go to this machine's quarantine. Reports sealed to a key
 * that is not live here wait in the database and are reported once. Throws FleetError if the database is away.
 */
export async function ingestStored(options: IngestStoredOptions): Promise<IngestStoredCounts> {
  return await new StoredIngest(options).run();
}

/** A run over the sealed rows of the database. */
class StoredIngest {
  readonly #options: IngestStoredOptions;
  readonly #rejections: ReturnType<typeof createRejections>;
  readonly #intake: ReturnType<typeof openingIntake>;
  readonly #suspects: number[] = [];
  readonly #counts = { stored: 0, duplicate: 0, keyless: 0 };
  readonly #clients = new Set<string>();
  readonly #keyless = new Map<string, Set<string>>();

  constructor(options: IngestStoredOptions) {
    this.#options = options;
    this.#rejections = createRejections(options);
    this.#intake = openingIntake(options);
  }

  async run(): Promise<IngestStoredCounts> {
    const { keys, onFault } = this.#options;
    // The reports that have waited for a key are older than new ones.
    await this.#takeAll({ keyIds: [...keys.keys()] });
    await this.#takeAll('unseen');
    await this.#takeSuspects();
    for (const [keyId, whose] of this.#keyless) onFault(keylessFault(this.#options, keyId, whose));
    return { ...this.#counts, quarantined: this.#rejections.count(), clients: this.#clients.size };
  }

  async #takeAll(choice: SealedChoice): Promise<void> {
    const { sealed, signal } = this.#options;
    let after: SealedPlace | null = null;
    while (!signal.aborted) {
      const places: readonly SealedPlace[] = await sealed.waiting(choice, after, batchSize);
      const batch = firstBytes(places);
      const last = batch.at(-1);
      if (last === undefined) return;
      const ids = batch.map(({ id }) => id);
      append(
        this.#suspects,
        ids.filter((id) => this.#isSuspect(id)),
      );
      const rows = await sealed.read(ids.filter((id) => !this.#isSuspect(id)));
      const taken = await this.#takeMarked(rows);
      const lastTaken = rows[taken - 1];
      // Another ingest may have stored some of the rows meanwhile.
      after = lastTaken === undefined || taken === rows.length ? last : placeOf(batch, lastTaken);
      await nextTurn();
    }
  }

  /** Stores the suspects after all other reports, each alone. */
  async #takeSuspects(): Promise<void> {
    const { sealed, signal, marks, names } = this.#options;
    for (const id of this.#suspects.sort((a, b) => this.#deathsOf(a) - this.#deathsOf(b))) {
      if (signal.aborted) return;
      for (const row of await sealed.read([id])) {
        const { client } = names.ownerOf(row.client);
        if (!marks.isDeadly(String(id))) await this.#takeMarked([row]);
        else await this.#reject(row, client, new ReportRejected('report-deadly', deadlyMessage));
      }
    }
  }

  async #takeMarked(rows: readonly SealedRow[]): Promise<number> {
    const { marks } = this.#options;
    await marks.begin(rows.map(({ id }) => String(id)));
    try {
      return await this.#takeBatch(rows);
    } finally {
      marks.end();
    }
  }

  /** Stores a batch. Returns the number of finished rows, from the first on. */
  async #takeBatch(rows: readonly SealedRow[]): Promise<number> {
    const { keys, names, store, observe } = this.#options;
    const items: { readonly row: SealedRow; readonly item: IngestItem }[] = [];
    const waiting: Keyless[] = [];
    let bytes = 0;
    let taken = 0;
    for (const row of rows) {
      if (bytes > maxOpenedBytes) break;
      taken += 1;
      const owner = names.ownerOf(row.client);
      this.#clients.add(owner.client);
      try {
        const message = headerOf(row);
        const { id } = row;
        if (!keys.has(message.keyId)) {
          waiting.push({ id, client: owner.client, keyId: message.keyId });
          continue;
        }
        const { item, sizeBytes } = this.#intake.admit({ ...row, message, owner });
        items.push({ row, item: { ...item, sealedRow: id } });
        bytes += sizeBytes;
      } catch (thrown) {
        await this.#reject(row, owner.client, asRejected(thrown));
      }
    }
    await this.#waitForKeys(waiting);
    if (items.length === 0) return taken;
    const opened = items.map(({ item }) => item);
    const results = await storeOpened(store, opened, observe);
    for (const [index, { row, item }] of items.entries()) {
      const result = results[index];
      const refusal = result === undefined ? null : refusalOf(result);
      if (result?.kind === 'stored' || result?.kind === 'duplicate') this.#counts[result.kind] += 1;
      if (refusal !== null) await this.#reject(row, item.client, refusal);
    }
    return taken;
  }

  async #waitForKeys(waiting: readonly Keyless[]): Promise<void> {
    const { sealed, describeKey } = this.#options;
    for (const [keyId, ofKey] of groupBy(waiting, (one) => one.keyId)) {
      const ids = ofKey.map(({ id }) => id);
      await sealed.mark(ids, 'seal-no-key', `it is sealed to ${describeKey(keyId).clause}`);
      this.#counts.keyless += ids.length;
      this.#keyless.set(keyId, new Set([...(this.#keyless.get(keyId) ?? []), ...ofKey.map(({ client }) => client)]));
    }
  }

  async #reject(row: SealedRow, client: string, rejected: ReportRejected): Promise<void> {
    const { dir, sealed, quarantine } = this.#options;
    const place = path.join(dir, folderOfClient(client), 'quarantine');
    const report = { place, reportId: fileNameOf(row), receivedAtMs: row.receivedAtMs, sealed: row.sealed };
    const isKept = this.#rejections.add(client, rejected, (reason) => quarantine.keep(report, client, reason));
    if (isKept) await sealed.remove([row.id]);
  }

  #deathsOf(id: number): number {
    return this.#options.marks.deathsOf(String(id)) ?? -1;
  }

  #isSuspect(id: number): boolean {
    return this.#deathsOf(id) >= 0 || this.#options.marks.isDeadly(String(id));
  }
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

/** Returns the report's parts. Throws ReportRejected or SealFault if the row and the report name different ids. */
function headerOf({ keyId, reportId, sealed }: SealedRow): SealedMessage {
  const message = readHeader(sealed);
  if (message.keyId === keyId && message.reportId === reportId) return message;
  throw new ReportRejected(
    'seal-corrupt',
    `its header names report ${message.reportId} and key ${message.keyId}, its row others`,
  );
}

/** Returns a file name for a row: its report id if that is a valid file name. */
function fileNameOf({ reportId, sealed }: SealedRow): string {
  return /^[0-9a-f-]{36}$/.test(reportId) ? reportId : createHash('sha256').update(sealed).digest('hex').slice(0, 36);
}

function keylessFault({ describeKey }: IngestStoredOptions, keyId: string, clients: ReadonlySet<string>): FleetError {
  const { clause, advice } = describeKey(keyId);
  const [first = ''] = clients;
  const whose = clients.size === 1 ? first : `${clients.size} clients`;
  return new FleetError({
    code: 'seal-no-key',
    stage: 'seal',
    message: `reports of ${whose} are sealed to ${clause}; they wait in the database`,
    advice: `${advice} They are taken then.`,
  });
}
