import { randomUUID } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';

import type { Client, Config } from '../../config/config.ts';
import type { FleetError } from '../../platform/errors/errors.ts';
import { pushLimits, pushMarker } from '../../report/seal/push.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { noExit } from '../../transport/transport.ts';
import { takeStream } from '../agent/agent-stream.ts';
import { arrivedReport } from '../sealed-reports/sealed-spool.ts';
import { documentsOf } from '../inbox/origins.ts';
import { keepPushedVisit } from '../inbox/run-documents.ts';
import { reportTaker } from '../visit/take-report.ts';
import { recordOf, VisitProgress } from '../visit/visit-progress.ts';
import { spooledFinder, type RememberedReports } from './known-reports.ts';
import type { Receiver } from './receiver.ts';

export interface ReceiveVisitOptions {
  readonly receiver: Pick<Receiver, 'paths' | 'spool' | 'keyRing' | 'isInboxFull'>;
  readonly config: Config;
  /** The sender, authenticated by sshd through its key, or by the MAC of a request. */
  readonly client: Client;
  readonly input: Readable;
  /** Receives the marker and the acknowledgements. Ended after the last one. */
  readonly output: Writable;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The reports of earlier streams. Default: none. */
  readonly remembered?: RememberedReports;
}

export interface ReceivedVisit {
  readonly record: VisitRecord;
  readonly acknowledged: number;
  readonly fault: FleetError | null;
}

/** The time limit of waiting for the client in total. */
const waitMs = 60_000;

/**
 * Receives one stream of a client that began by itself. Checks its reports, stores them safely and then acknowledges
 * them as in a visit. The visit waits in the inbox for the next run. Reports that are known to be safe are
 * acknowledged again and make no visit, because the stream may be a replayed recording. While the inbox is full, no
 * stream makes a visit. Never throws for the client's behaviour. Throws FleetError `state-unusable` or `spool-full` if
 * the visit cannot be written.
 */
export async function receiveVisit(options: ReceiveVisitOptions): Promise<ReceivedVisit> {
  const { receiver, config, client, input, output, signal, now, remembered } = options;
  const { keyRing, spool, paths } = receiver;
  const progress = new VisitProgress();
  const startedAtMs = now();
  const began = performance.now();
  const runId = randomUUID();
  const isSpooled = spooledFinder(paths.encryptedStats, client.name);
  let news = 0;
  input.on('data', (chunk: Buffer) => (progress.bytesIn += chunk.length));
  const result = await takeStream({
    channel: { stdin: output, stdout: input, stderr: Readable.from([]), exit: Promise.resolve(noExit) },
    marker: pushMarker,
    limits: pushLimits,
    timeoutMs: waitMs,
    signal,
    client: client.name,
    kind: 'visit',
    unsealed: 'refuse',
    runId,
    publicKey: keyRing.sealing.publicKey,
    now,
    dryRun: false,
    onReport: reportTaker({
      client,
      known: keyRing.known,
      progress,
      keep: async (report) => {
        const { sealed, header } = report;
        if (remembered?.has(client.name, sealed) === true || (await isSpooled(header.reportId, sealed))) return;
        news += 1;
        await spool.add(arrivedReport(client.name, report));
        remembered?.add(client.name, sealed);
      },
    }),
  });
  progress.result = result;
  progress.bytesOut = pushMarker.length * (1 + result.acknowledged);
  const fault = result.fault ?? progress.anomaly;
  const durationMs = Math.round(performance.now() - began);
  const context = { config, facts: null, start: { id: runId } };
  const record = recordOf({ context, client, progress, fault, startedAtMs, durationMs });
  if ((news > 0 || fault !== null) && !receiver.isInboxFull) {
    await keepPushedVisit(documentsOf(paths, { kind: 'collector' }), record);
  }
  return { record, acknowledged: result.acknowledged, fault };
}
