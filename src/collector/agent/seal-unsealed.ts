import { randomUUID } from 'node:crypto';

import { asFleetError, FleetError } from '../../errors.ts';
import { encodeReport } from '../../report/encode-report.ts';
import { parseReport } from '../../report/parse-report.ts';
import { ReportFault, reportVersion } from '../../report/report.ts';
import { sealReport } from '../../seal/seal.ts';

export interface UnsealedOptions {
  /** The payload of a `U` frame. */
  readonly payload: Buffer;
  /** The visited client. The name in the payload is ignored. */
  readonly client: string;
  readonly runId: string;
  /** The public key of the collector's newest pair: X25519, raw, 32 bytes. */
  readonly publicKey: Uint8Array;
}

const openBrace = '{'.charCodeAt(0);

/**
 * Seals the report of a shell agent, because no report is stored in clear. Replaces id, run and client of the payload
 * by the known values. Throws FleetError `report-invalid` and `report-too-large`.
 */
export function sealUnsealed({ payload, client, runId, publicKey }: UnsealedOptions): Buffer {
  const reportId = randomUUID();
  const own = { name: 'Daemon report', version: reportVersion, report_id: reportId, run_id: runId, client } as const;
  try {
    if (payload[0] !== openBrace) throw new ReportFault('report-invalid', '$', 'not an object');
    const head = `${JSON.stringify(own).slice(0, -1)},`;
    // The fields are set twice, because a payload that repeats them overrides the first ones when it is parsed.
    const report = { ...parseReport(Buffer.concat([Buffer.from(head), payload.subarray(1)])), ...own };
    return sealReport({ publicKey, reportId, client, plaintext: encodeReport(report) });
  } catch (thrown) {
    if (!(thrown instanceof ReportFault))
      throw asFleetError(thrown, { code: 'report-too-large', stage: 'seal', client });
    const message = `${client}: ${thrown.message}`;
    throw new FleetError({ code: thrown.code, stage: 'report', client, message, cause: thrown });
  }
}
