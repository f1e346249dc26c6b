import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import { collectStateCapture } from '../../../agent/capture/captured-state.ts';
import { collectCapture } from '../../../agent/capture/collect-capture.ts';
import { maxUnpackedBytes, parseCapture, type Capture } from '../../../agent/capture/parse-capture.ts';
import { probes } from '../../../agent/probes/index.ts';
import { asFleetError, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { encodeReport } from '../../report/encode-report.ts';
import { parseReport } from '../../report/parse-report.ts';
import { ReportFault, reportVersion } from '../../report/report.ts';
import type { Hello, ProbeOptions } from '../../report/wire.ts';
import { sealReport } from '../../report/seal/seal.ts';

const maxPlaceChars = 4096;

export interface CaptureTask {
  /** The visited client. */
  readonly client: string;
  readonly runId: string;
  /** The public key of the collector's newest pair: X25519, raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly probeOptions: ProbeOptions;
  /** True if the state was requested. */
  readonly shellState?: boolean;
}

export interface SealedCapture {
  readonly sealed: Buffer;
  /** The text that the client keeps for the next visit. */
  readonly notes: Buffer;
  /** The folder of the client's files; null if nothing can be kept. */
  readonly place: string | null;
}

/**
 * Runs the probes on the capture of a client without Node and seals the report, because no report is stored in clear.
 * Throws FleetError `report-invalid` and `report-too-large`.
 */
export async function sealCapture(
  payload: Buffer,
  { agent, boot_id: bootId, wall_ms: wallMs }: Hello,
  { client, runId, publicKey, probeOptions: options, shellState = false }: CaptureTask,
): Promise<SealedCapture> {
  const reportId = randomUUID();
  const own = { version: reportVersion, report_id: reportId, run_id: runId, client } as const;
  try {
    const capture = unpacked(payload);
    const given = { capture, agent, bootId, wallMs, options };
    const { report, notes, place } = shellState
      ? { report: await collectStateCapture(given), notes: '', place: capture.facts.get('place')?.[0] ?? null }
      : await collectCapture({ ...given, probes });
    const plaintext = encodeReport(parseReport(encodeReport({ name: 'Daemon report', ...own, ...report })));
    return {
      sealed: sealReport({ publicKey, reportId, client, plaintext }),
      notes: Buffer.from(notes),
      // A part of a text keeps all of it in memory.
      place: place === null ? null : Buffer.from(place.slice(0, maxPlaceChars)).toString(),
    };
  } catch (thrown) {
    if (!(thrown instanceof ReportFault))
      throw asFleetError(thrown, { code: 'report-too-large', stage: 'seal', client });
    const message = `${client}: ${thrown.message}`;
    throw new FleetError({ code: thrown.code, stage: 'report', client, message, cause: thrown });
  }
}

/** Unpacks and parses a capture. Throws ReportFault. */
function unpacked(payload: Buffer): Capture {
  const isPacked = payload[0] === 0x1f && payload[1] === 0x8b;
  let text = payload;
  try {
    if (isPacked) text = gunzipSync(payload, { maxOutputLength: maxUnpackedBytes });
  } catch (thrown) {
    const isLong = (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new ReportFault(
      isLong ? 'report-too-large' : 'report-invalid',
      '$',
      `cannot be unpacked: ${messageOf(thrown)}`,
    );
  }
  return parseCapture(text);
}
