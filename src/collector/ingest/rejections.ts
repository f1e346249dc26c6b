import { asFleetError, changedFault, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { ReportFault } from '../../report/report.ts';
import { isOfFolder } from '../../state-folder/held-folder.ts';
import { SealFault } from '../../report/seal/seal-fault.ts';
import type { IngestResult } from '../../storage/store/storage.ts';
import type { MissingKey } from '../keys/retired-keys.ts';
import type { QuarantineReason } from '../sealed-reports/quarantine.ts';
import type { IngestOptions } from './ingest-options.ts';

/** The reason why a report is rejected. The report goes to quarantine under this code. */
export class ReportRejected extends Error {
  override readonly name = 'ReportRejected';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Returns the reason why a report is not admitted. `describeKey` describes a key that is not live here. */
export function asRejected(thrown: unknown, describeKey?: (keyId: string) => MissingKey): ReportRejected {
  if (thrown instanceof ReportRejected) return thrown;
  if (thrown instanceof SealFault && thrown.keyId !== null && describeKey !== undefined) {
    return new ReportRejected(thrown.code, `it is sealed to ${describeKey(thrown.keyId).clause}`, thrown);
  }
  const code = thrown instanceof SealFault || thrown instanceof ReportFault ? thrown.code : 'report-invalid';
  return new ReportRejected(code, messageOf(thrown), thrown);
}

/** Returns why the database does not store a report; null if the report is stored. */
export function refusalOf(result: IngestResult): ReportRejected | null {
  switch (result.kind) {
    case 'stored':
    case 'duplicate':
      return null;
    case 'foreign':
      return new ReportRejected('report-foreign', `its id is that of a report of ${result.owner}`);
    case 'refused':
      return new ReportRejected('report-refused', result.message);
  }
}

/** The quarantined reports of one client that a run names. Further reports are only counted. */
const maxNamed = 20;

type RejectionOptions = Pick<IngestOptions, 'now' | 'observe' | 'onFault' | 'passedOver'>;

/** Counts the reports that one run moves to quarantine, and those that it cannot even move. */
export function createRejections({ now, observe, onFault, passedOver = [] }: RejectionOptions) {
  const perClient = new Map<string, number>();
  /** The folders of sites, and the clients, that a line of this run names. */
  const named = new Set(passedOver.map(({ origin }) => origin));
  let count = 0;
  let unmovable = 0;
  /** Reports a file that stays. A folder of a site or a client that cannot be used has one line, and fails no run. */
  const stay = (thrown: unknown, client: string, origin: string | null): void => {
    unmovable++;
    const fault = asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client });
    const of = origin ?? client;
    if (origin === null && !isOfFolder(thrown)) onFault(fault);
    else if (!named.has(of)) observe({ kind: 'fault', fault: changedFault(fault, { code: 'inbox-strange' }) });
    named.add(of);
  };
  return {
    stay,
    unmovable: (): number => unmovable,
    /**
     * Calls `keep` to quarantine a report, and reports this. Returns false, after a fault, if `keep` throws. `origin`
     * is the folder of the site that brought the report, or null.
     */
    add: (
      client: string,
      { code, message }: ReportRejected,
      keep: (reason: QuarantineReason) => void,
      origin: string | null = null,
    ): boolean => {
      try {
        keep({ code, message, atMs: now() });
      } catch (thrown) {
        stay(thrown, client, origin);
        return false;
      }
      count++;
      const ofClient = (perClient.get(client) ?? 0) + 1;
      perClient.set(client, ofClient);
      const more = ofClient === maxNamed ? '; further reports of it are only counted' : '';
      if (ofClient <= maxNamed) observe({ kind: 'quarantined', client, code, message: `${message}${more}` });
      return true;
    },
    count: (): number => count,
  };
}
