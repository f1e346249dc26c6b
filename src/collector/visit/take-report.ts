import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError } from '../../platform/errors/errors.ts';
import type { SealedHeader } from '../../report/seal/sealed-message.ts';
import { printable } from '../agent/agent-faults.ts';
import type { RunAgentOptions, ReceivedReport } from '../agent/agent-stream.ts';
import type { KnownKeys } from '../keys/key-ring.ts';
import type { VisitProgress } from './visit-progress.ts';

export interface ReportTaking {
  readonly client: Client;
  readonly known: KnownKeys;
  readonly progress: Pick<VisitProgress, 'sealedTo' | 'anomaly'>;
  /** Stores one report safely. Its error becomes the visit's fault. */
  readonly keep: (report: ReceivedReport) => Promise<void>;
}

/** Returns the function that decides on each report of a stream: a checked and kept report is acknowledged. */
export function reportTaker({ client, known, progress, keep }: ReportTaking): RunAgentOptions['onReport'] {
  return async (report) => {
    progress.sealedTo.add(report.header.keyId);
    try {
      checkHeader(report.header, client, known);
      await keep(report);
      return 'acknowledge';
    } catch (thrown) {
      progress.anomaly ??= asFleetError(thrown, { code: 'internal', stage: 'spool', client: client.name });
      return 'keep';
    }
  };
}

/**
 * Checks the header of a report before the report is opened: the report belongs to this client and is sealed to a key
 * of ours. Throws FleetError `report-foreign` or `seal-no-key`.
 */
function checkHeader({ keyId, client: named }: SealedHeader, client: Client, keys: KnownKeys): void {
  if (named !== client.name && named !== client.was) {
    const message = `${client.name} sent a report of ${printable(named)}`;
    throw new FleetError({ code: 'report-foreign', stage: 'seal', message, client: client.name });
  }
  if (!keys.has(keyId)) {
    const { clause, advice } = keys.describeMissing(keyId);
    const message = `${client.name} sent a report that is sealed to ${clause}; it stays on the client`;
    throw new FleetError({ code: 'seal-no-key', stage: 'seal', message, client: client.name, advice });
  }
}
