import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { listSpool, spoolLimits, trimSpool } from '../../../agent/spool/spool.ts';
import { keepReport } from '../../../agent/spool/visit.ts';
import { encodeReport } from '../../report/encode-report.ts';
import type { Report } from '../../report/report.ts';
import { sealReport } from '../../seal/seal.ts';
import { openOwnVisit, type OwnVisit } from '../push/own-visit.ts';
import { openPushBackoff } from '../push/push-backoff.ts';
import type { Enrolment } from '../push/push-settings.ts';
import { pushStreams } from '../push/push-stream.ts';
import type { PushWay } from '../push/push-ways.ts';
import { sendStreams, type StreamsSent } from '../push/send-streams.ts';
import type { AgentSettings } from '../settings.ts';

export interface EdgeReportsOptions {
  readonly settings: AgentSettings;
  readonly enrolment: Enrolment;
  /** The state folder of the mode. */
  readonly place: string;
  /** null: reports are kept, and nothing is sent. */
  readonly way: PushWay | null;
  /** null: changes alone are sent. */
  readonly heartbeatMs: number | null;
  readonly nowMs?: () => number;
}

export interface EdgeReport {
  readonly report: Report;
  /** The first report that the collector needs for what has changed; null: nothing has. */
  readonly sinceMs: number | null;
  readonly signal: AbortSignal;
}

/** The end of a report's round. */
export interface EdgeRound {
  /** null: nothing was to be sent, or a pause after a push that failed is not over. */
  readonly sent: StreamsSent | null;
  /** The reports that wait for a visit or a push. */
  readonly queue: number;
}

/** The memory of what the collector has, kept beside the state of the rules. */
interface Sending {
  /** Reports from then on are to be sent; null: none. */
  readonly wantedSinceMs: number | null;
  readonly sentAtMs: number | null;
}

const sendingFile = 'edge-sent.json';

/**
 * Returns a function that seals each report into the spool of visits, and sends those that a change follows from, and
 * the newest one after every heartbeat. The others stay for the next visit or push.
 */
export function edgeReports(options: EdgeReportsOptions): (round: EdgeReport) => Promise<EdgeRound> {
  const { settings, enrolment, place, way, heartbeatMs, nowMs = Date.now } = options;
  let sending = readSending(place);
  let dropped = 0;
  const keepSending = (next: Sending): void => {
    sending = next;
    isWritten(place, sendingFile, Buffer.from(JSON.stringify(next)), false);
  };
  return async ({ report, sinceMs, signal }) => {
    const own = openOwnVisit(settings, enrolment);
    const { visit } = own;
    const atMs = Date.parse(report.datetime);
    const sealed = keepSealed(own, report, enrolment, atMs);
    dropped += visit.dropped;
    const { sentAtMs, wantedSinceMs } = sending;
    // A time in the future comes from a clock that was set back.
    const isSilent = heartbeatMs !== null && (sentAtMs === null || sentAtMs > atMs || atMs - sentAtMs >= heartbeatMs);
    const wanted = [wantedSinceMs, sinceMs, isSilent ? atMs : null].filter((time) => time !== null);
    const fromMs = wanted.length === 0 ? null : Math.min(...wanted);
    if (fromMs !== wantedSinceMs) keepSending({ sentAtMs, wantedSinceMs: fromMs });
    const backoff = openPushBackoff(visit.dirs);
    const queue = (): number => listSpool([...visit.dirs, ...visit.formerDirs]).length;
    if (way === null || fromMs === null || backoff.until(nowMs()) !== null) return { sent: null, queue: queue() };
    visit.dropped = dropped;
    const unspooled = visit.spoolError === null ? null : sealed;
    const { failures } = backoff;
    const nextStream = pushStreams({ ...own, fault: null, unspooled, failures, sinceMs: fromMs });
    const sent = await sendStreams({ nextStream, way, signal });
    if (sent.failure === null) {
      dropped = 0;
      backoff.succeeded();
      keepSending({ wantedSinceMs: null, sentAtMs: atMs });
    } else if (!signal.aborted) backoff.failed(nowMs());
    return { sent, queue: queue() };
  };
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
  const time = (value: unknown): number | null => (Number.isSafeInteger(value) ? Number(value) : null);
  try {
    const kept = JSON.parse(String(readPrivateFile(`${place}/${sendingFile}`, 1024))) as Partial<Sending> | null;
    return { wantedSinceMs: time(kept?.wantedSinceMs), sentAtMs: time(kept?.sentAtMs) };
  } catch {
    return { wantedSinceMs: null, sentAtMs: null };
  }
}
