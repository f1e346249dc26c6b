import { maxSubjects } from '../../report/limits.ts';
import { parseReport } from '../../report/parse-report.ts';
import { type Doubt, withBoundedSubjects, withPlausibleValues } from '../../report/plausible-report.ts';
import { openReport, type PrivateKeys } from '../../report/seal/open.ts';
import { counted } from '../../text/numbers.ts';
import type { SealedMessage } from '../../report/seal/sealed-message.ts';
import type { IngestItem, IngestResult, ReportStore } from '../../storage/store/storage.ts';
import type { SealedItem } from '../../storage/store/sealed-store.ts';
import type { Owner } from '../sealed-reports/client-names.ts';
import { collectedAtMs, observedAtMs, type ClockFacts } from '../sealed-reports/clock-facts.ts';
import type { IngestOptions } from './ingest-options.ts';
import { ReportRejected } from './rejections.ts';

/** Converts sealed reports for the database: to rows if the private keys are here, otherwise to sealed items. */
export interface Intake<Item> {
  /** Converts a report. Throws ReportRejected, SealFault or ReportFault. */
  readonly admit: (report: SealedArrival) => Admitted<Item>;
  readonly store: (
    store: Pick<ReportStore, 'ingest' | 'saveSealed'>,
    items: readonly Item[],
  ) => Promise<readonly IngestResult[]>;
}

export interface SealedArrival {
  readonly sealed: Uint8Array;
  /** The parsed parts of `sealed`. */
  readonly message: SealedMessage;
  readonly owner: Owner;
  readonly receivedAtMs: number;
  readonly clock: ClockFacts | null;
}

export interface Admitted<Item> {
  readonly item: Item;
  readonly reportId: string;
  /** The memory in bytes that the item takes until it is stored. */
  readonly sizeBytes: number;
}

export interface OpeningIntakeOptions extends Pick<IngestOptions, 'retentionMs' | 'observe'> {
  readonly keys: PrivateKeys;
}

/** Creates the intake of a machine with the private keys, which opens reports and converts them to rows. */
export function openingIntake({ keys, retentionMs, observe }: OpeningIntakeOptions): Intake<IngestItem> {
  const noted = new Set<string>();
  return {
    admit: (report) => {
      const { client } = report.owner;
      const { doubts, ...admitted } = openSealed(report, keys, report.receivedAtMs - retentionMs);
      const [doubt] = doubts;
      if (doubt !== undefined && !noted.has(client)) {
        noted.add(client);
        const message =
          `${client}: ${doubts.length} values out of any sense are stored as unknown: ${doubt.path}: ` + doubt.reason;
        observe({ kind: 'note', message });
      }
      return admitted;
    },
    store: (store, items) => storeOpened(store, items, observe),
  };
}

/** Stores opened reports. Reports once each client that has more series than are kept. */
export async function storeOpened(
  store: Pick<ReportStore, 'ingest'>,
  items: readonly IngestItem[],
  observe: IngestOptions['observe'],
): Promise<readonly IngestResult[]> {
  const results = await store.ingest(items);
  for (const [index, result] of results.entries()) {
    if (result.kind !== 'stored' || result.seriesDropped === undefined) continue;
    const figures = counted(result.seriesDropped, 'figure');
    const client = items[index]?.client ?? '';
    observe({
      kind: 'note',
      message: `${client}: its checks have too many figures: ${figures} beyond ${maxSubjects} are not kept`,
    });
  }
  return results;
}

/** Creates the intake of a machine without private keys. Checks the owner in the header; `ingest` checks the rest. */
export function sealedIntake({ runId }: { readonly runId: string }): Intake<SealedItem> {
  return {
    admit: ({ sealed, message, owner, receivedAtMs, clock }) => {
      checkOwner(message, owner);
      const { reportId, keyId } = message;
      const item: SealedItem = { client: owner.client, reportId, keyId, runId, receivedAtMs, clock, sealed };
      return { item, reportId, sizeBytes: sealed.length };
    },
    store: (store, items) => store.saveSealed(items),
  };
}

export interface OpenedSealed extends Admitted<IngestItem> {
  /** The implausible values, which are null in the report. */
  readonly doubts: readonly Doubt[];
}

/**
 * Opens and checks one report of a client: verifies, decrypts, parses, compares its content with its header and its
 * owner, and replaces implausible values. Refuses reports observed before `oldestMs`, so that pruned rows cannot come
 * back. Throws ReportRejected, SealFault or ReportFault.
 */
export function openSealed(
  { message, owner, receivedAtMs, clock }: Omit<SealedArrival, 'sealed'>,
  keys: PrivateKeys,
  oldestMs: number,
): OpenedSealed {
  const { plaintext } = openReport(message, keys);
  checkOwner(message, owner);
  const parsed = parseReport(plaintext);
  if (parsed.client !== message.client) {
    throw new ReportRejected('report-foreign', `inside it names ${parsed.client}, its header ${message.client}`);
  }
  if (parsed.report_id !== message.reportId) {
    throw new ReportRejected('report-foreign', `inside it has id ${parsed.report_id}, its header ${message.reportId}`);
  }
  const { report, doubts } = withPlausibleValues(withBoundedSubjects(parsed));
  const observed = observedAtMs(report, receivedAtMs, clock);
  if (observed < oldestMs) {
    throw new ReportRejected('report-too-old', `it was made at ${new Date(observed).toISOString()}`);
  }
  const item: IngestItem = {
    client: owner.client,
    report,
    receivedAtMs,
    observedAtMs: observed,
    collectedAtMs: collectedAtMs(report),
    clockOffsetMs: clock?.offsetMs ?? null,
  };
  return { item, reportId: report.report_id, sizeBytes: plaintext.length, doubts };
}

function checkOwner({ client }: SealedMessage, owner: Owner): void {
  if (owner.names.includes(client)) return;
  throw new ReportRejected('report-foreign', `it is sealed as a report of ${client}`);
}
