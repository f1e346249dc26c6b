import * as v from 'valibot';

import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { listSpool, spoolLimits, trimSpool } from '../../../agent/spool/spool.ts';
import { keepReport } from '../../../agent/spool/visit.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { encodeReport } from '../../report/encode-report.ts';
import type { Report } from '../../report/report.ts';
import { sealReport } from '../../report/seal/seal.ts';
import { openOwnVisit, type OwnVisit } from '../push/own-visit.ts';
import { openPushBackoff } from '../push/push-backoff.ts';
import type { Enrolment } from '../push/push-settings.ts';
import { pushStreams } from '../push/push-stream.ts';
import type { PushTransport } from '../push/push-transports.ts';
import { sendStreams, type StreamsSent } from '../push/send-streams.ts';
import type { AgentSettings } from '../settings.ts';

export interface EdgeReportsOptions {
  readonly settings: AgentSettings;
  readonly enrolment: Enrolment;
  /** The state folder of the mode. */
  readonly place: string;
  /** The transport; null if reports are kept and nothing is sent. */
  readonly transport: PushTransport | null;
  /** The interval of heartbeats; null if only changes are sent. */
  readonly heartbeatMs: number | null;
  readonly nowMs?: () => number;
}

export interface EdgeReport {
  readonly report: Report;
  /** The first report that the collector needs for the changes; null if nothing has changed. */
  readonly sinceMs: number | null;
}

/** The reports of `edge` for a collector. */
export interface EdgeReports {
  /** Seals a report into the spool of visits, and records the first report that the collector needs. */
  readonly keep: (report: EdgeReport) => void;
  /**
   * Sends the reports that caused a change, and the newest report after every heartbeat. The others stay for the next
   * visit or push. Reports may be kept during a send; a second send must not begin. Returns null if there is nothing to
   * send, or if the pause after a failed push is not over.
   */
  readonly send: (signal: AbortSignal) => Promise<StreamsSent | null>;
  /** Returns the number of reports that wait for a visit or a push. */
  readonly queue: () => number;
}

const timeOrNull = v.fallback(v.nullable(v.pipe(v.number(), v.safeInteger())), null);

const sendingForm = v.object({
  /** The time of the first report to send; null if there is none. */
  wantedSinceMs: timeOrNull,
  sentAtMs: timeOrNull,
});

/** The reports that the collector has and needs, stored beside the state of the rules. */
type Sending = Readonly<v.InferOutput<typeof sendingForm>>;

const sendingFile = 'edge-sent.json';

/** The newest report, with the visit that stored it. */
interface Newest {
  readonly own: OwnVisit;
  readonly atMs: number;
  /** The report if it could not be spooled. */
  readonly unspooled: Buffer | null;
}

export function edgeReports(options: EdgeReportsOptions): EdgeReports {
  const { settings, enrolment, place, transport, heartbeatMs, nowMs = Date.now } = options;
  let sending = readSending(place);
  let dropped = 0;
  let newest: Newest | null = null;
  /** The newest report of an unfinished send. */
  let inFlightMs: number | null = null;
  /** The time of the first report to send that was added since the last send began. */
  let newlyWantedMs: number | null = null;
  const keepSending = (next: Sending): void => {
    sending = next;
    isWritten(place, sendingFile, Buffer.from(JSON.stringify(next)), false);
  };
  return {
    keep: ({ report, sinceMs }) => {
      const own = openOwnVisit(settings, enrolment);
      const { visit } = own;
      const atMs = Date.parse(report.datetime);
      const sealed = keepSealed(own, report, enrolment, atMs);
      dropped += visit.dropped;
      newest = { own, atMs, unspooled: visit.spoolError === null ? null : sealed };
      const { sentAtMs, wantedSinceMs } = sending;
      const lastMs = inFlightMs ?? sentAtMs;
      // A time in the future comes from a clock that was set back.
      const isSilent = heartbeatMs !== null && (lastMs === null || lastMs > atMs || atMs - lastMs >= heartbeatMs);
      newlyWantedMs = earliest(newlyWantedMs, sinceMs, isSilent ? atMs : null);
      const fromMs = earliest(wantedSinceMs, newlyWantedMs);
      if (fromMs !== wantedSinceMs) keepSending({ sentAtMs, wantedSinceMs: fromMs });
    },
    send: async (signal) => {
      const { wantedSinceMs } = sending;
      if (transport === null || newest === null || wantedSinceMs === null) return null;
      const { own, atMs, unspooled } = newest;
      const backoff = openPushBackoff(own.visit.dirs);
      if (backoff.until(nowMs()) !== null) return null;
      const reported = dropped;
      own.visit.dropped = reported;
      newlyWantedMs = null;
      inFlightMs = atMs;
      try {
        const { failures } = backoff;
        const nextStream = pushStreams({ ...own, fault: null, unspooled, failures, sinceMs: wantedSinceMs });
        const sent = await sendStreams({ nextStream, transport, signal });
        if (sent.failure === null) {
          dropped -= reported;
          backoff.succeeded();
          keepSending({ wantedSinceMs: newlyWantedMs, sentAtMs: atMs });
        } else if (!signal.aborted) backoff.failed(nowMs());
        return sent;
      } finally {
        inFlightMs = null;
      }
    },
    queue: () => {
      if (newest === null) return 0;
      const { dirs, formerDirs } = newest.own.visit;
      return listSpool([...dirs, ...formerDirs]).length;
    },
  };
}

function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Writes the sealed report, and removes the oldest ones beyond the bounds of the spool. */
function keepSealed({ visit }: OwnVisit, report: Report, { publicKey }: Enrolment, atMs: number): Buffer {
  const sealed = sealReport({
    publicKey: Buffer.from(publicKey, 'base64url'),
    reportId: report.report_id,
    client: report.client,
    plaintext: encodeReport(report),
  });
  const { kept, dropped } = trimSpool(visit.spooled, spoolLimits, atMs);
  visit.spooled = kept;
  visit.dropped = dropped;
  keepReport(visit, report.report_id, sealed, atMs);
  return sealed;
}

function readSending(place: string): Sending {
  const content = readPrivateFile(`${place}/${sendingFile}`, 1024);
  return parseJson(sendingForm, content ?? '') ?? { wantedSinceMs: null, sentAtMs: null };
}
