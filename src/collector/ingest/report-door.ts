import { messageOf } from '../../errors.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import { SealFault } from '../../seal/seal-fault.ts';
import { readHeader } from '../../seal/sealed-message.ts';
import type { IngestItem, IngestResult, ReportStore } from '../../storage/store/storage.ts';
import type { SealedItem } from '../../storage/store/sealed-store.ts';
import type { Owner } from '../spool/client-names.ts';
import type { CollectEvent } from '../collect-options.ts';
import { ReportRejected, openSealed } from './open-sealed.ts';
import type { SpooledReport } from '../spool/sealed-spool.ts';

/** What becomes of a sealed file: what is stored of it, and where. */
export interface ReportDoor<Item> {
  /** Throws ReportRejected, or SealFault. */
  readonly admit: (sealed: Buffer, owner: Owner, facts: ArrivalFacts) => Admitted<Item>;
  readonly store: (store: ReportStore, items: readonly Item[]) => Promise<readonly IngestResult[]>;
}

export type ArrivalFacts = Pick<SpooledReport, 'receivedAtMs' | 'clock'>;

export interface Admitted<Item> {
  readonly item: Item;
  readonly reportId: string;
  /** What it takes in memory until it is stored. */
  readonly sizeBytes: number;
}

export interface OpeningDoorOptions {
  readonly keys: PrivateKeys;
  readonly retentionMs: number;
  readonly observe: (event: CollectEvent) => void;
}

/** Of a machine with the private keys: reports are opened and become rows. */
export function openingDoor({ keys, retentionMs, observe }: OpeningDoorOptions): ReportDoor<IngestItem> {
  const noted = new Set<string>();
  return {
    admit: (sealed, owner, { receivedAtMs, clock }) => {
      const oldestMs = receivedAtMs - retentionMs;
      const { item, sizeBytes, doubts } = openSealed({ sealed, keys, owner, receivedAtMs, clock, oldestMs });
      const [doubt] = doubts;
      if (doubt !== undefined && !noted.has(owner.client)) {
        noted.add(owner.client);
        const message = `${owner.client}: ${doubts.length} values out of any sense are stored as unknown: ${doubt.path}: ${doubt.reason}`;
        observe({ kind: 'note', message });
      }
      return { item, reportId: item.report.report_id, sizeBytes };
    },
    store: (store, items) => store.ingest(items),
  };
}

/** Of a machine without: whose report it is stands in the header, and the rest is for `ingest` to find out. */
export function sealedDoor({ runId }: { readonly runId: string }): ReportDoor<SealedItem> {
  return {
    admit: (sealed, owner, { receivedAtMs, clock }) => {
      const { reportId, keyId, client } = readHeader(sealed);
      if (!owner.names.includes(client)) {
        throw new ReportRejected('report-foreign', `it is sealed as a report of ${client}`);
      }
      const item: SealedItem = { client: owner.client, reportId, keyId, runId, receivedAtMs, clock, sealed };
      return { item, reportId, sizeBytes: sealed.length };
    },
    store: (store, items) => store.saveSealed(items),
  };
}

/** Whose a sealed file is. Throws SealFault when its folder does not say and its header cannot. */
export function ownerOfFile(
  names: { ownerOf(client: string): Owner; ownerOfFolder(file: string, headerName: string): Owner },
  report: SpooledReport,
  sealed: Buffer,
): Owner {
  return report.client === null
    ? names.ownerOfFolder(report.file, readHeader(sealed).client)
    : names.ownerOf(report.client);
}

/** What was thrown while a report was admitted, as the reason why it is not. */
export function asRejected(thrown: unknown, aboutKey?: (keyId: string) => string): ReportRejected {
  if (thrown instanceof ReportRejected) {
    const keyId = thrown.cause instanceof SealFault ? thrown.cause.keyId : null;
    if (keyId === null || aboutKey === undefined) return thrown;
    return new ReportRejected(thrown.code, `it is sealed to ${aboutKey(keyId)}`, thrown.cause);
  }
  if (thrown instanceof SealFault) return new ReportRejected(thrown.code, thrown.message, thrown);
  return new ReportRejected('report-invalid', messageOf(thrown), thrown);
}
