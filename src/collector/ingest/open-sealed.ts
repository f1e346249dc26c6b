import type { ErrorCode } from '../../errors.ts';
import { withBoundedSubjects } from '../../report/bounded-subjects.ts';
import { parseReport } from '../../report/parse-report.ts';
import { withPlausibleValues } from '../../report/plausible-values.ts';
import type { Doubt } from '../../report/plausible-values.ts';
import { ReportFault } from '../../report/report.ts';
import type { Report } from '../../report/report.ts';
import { openReport } from '../../seal/open.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import { SealFault } from '../../seal/seal-fault.ts';
import type { IngestItem } from '../../storage/store/storage.ts';
import type { Owner } from '../spool/client-names.ts';
import { collectedAtMs, observedAtMs } from '../spool/clock-facts.ts';
import type { ClockFacts } from '../spool/clock-facts.ts';

/** Why one report is not believed; it goes to quarantine under this code. */
export class ReportRejected extends Error {
  override readonly name = 'ReportRejected';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface OpenSealedOptions {
  readonly sealed: Uint8Array;
  readonly keys: PrivateKeys;
  readonly owner: Owner;
  readonly receivedAtMs: number;
  readonly clock: ClockFacts | null;
  /** What was observed before is not taken, so that what was pruned cannot come twice. */
  readonly oldestMs: number;
}

export interface OpenedSealed {
  readonly item: IngestItem;
  /** The report as it was opened. */
  readonly sizeBytes: number;
  /** Values out of any sense, which are null in the report. */
  readonly doubts: readonly Doubt[];
}

/**
 * Opens and checks one report of a client: verifies, decrypts, parses, compares what it says inside with its header and
 * with whom it came from, and replaces values out of any sense. Throws ReportRejected.
 */
export function openSealed(options: OpenSealedOptions): OpenedSealed {
  const { receivedAtMs, clock } = options;
  try {
    const opened = openAndCompare(options);
    const { report, doubts } = withPlausibleValues(withBoundedSubjects(opened.report));
    const observed = observedAtMs(report, receivedAtMs, clock);
    if (observed < options.oldestMs) {
      throw new ReportRejected('report-too-old', `it was made at ${new Date(observed).toISOString()}`);
    }
    const item: IngestItem = {
      client: options.owner.client,
      report,
      receivedAtMs,
      observedAtMs: observed,
      collectedAtMs: collectedAtMs(report),
      clockOffsetMs: clock?.offsetMs ?? null,
    };
    return { item, sizeBytes: opened.sizeBytes, doubts };
  } catch (thrown) {
    if (thrown instanceof SealFault || thrown instanceof ReportFault) {
      throw new ReportRejected(thrown.code, thrown.message, thrown);
    }
    throw thrown;
  }
}

function openAndCompare({ sealed, keys, owner }: OpenSealedOptions): { report: Report; sizeBytes: number } {
  const { header, plaintext } = openReport(sealed, keys);
  if (!owner.names.includes(header.client)) {
    throw new ReportRejected('report-foreign', `it is sealed as a report of ${header.client}`);
  }
  const report = parseReport(plaintext);
  if (report.client !== header.client) {
    throw new ReportRejected('report-foreign', `inside it names ${report.client}, its header ${header.client}`);
  }
  if (report.report_id !== header.reportId) {
    throw new ReportRejected('report-foreign', `inside it has id ${report.report_id}, its header ${header.reportId}`);
  }
  return { report, sizeBytes: plaintext.length };
}
