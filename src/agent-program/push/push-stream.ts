import { listSpool, readSpooled, type SpooledReport } from '../../../agent/spool/spool.ts';
import { agentVersion } from '../../../agent/spool/make-report.ts';
import type { Visit } from '../../../agent/spool/visit.ts';
import { monotonicMs } from '../../../agent/start/clock.ts';
import { secondMs } from '../../platform/units.ts';
import { encodeFrame, encodeJsonFrame } from '../../report/frames.ts';
import { protocolVersion, type AgentFault } from '../../report/wire.ts';
import { maxSealedBytes, readHeader } from '../../report/seal/sealed-message.ts';
import { pushLimits, pushMarker } from '../../report/seal/push.ts';

/** The limit of one stream, which has to arrive within the five seconds that a server waits. */
const maxBytes = 256 * 1024;
const minBytes = 8 * 1024;
/** The time within which an answer doubles the size of the next stream. */
const quickMs = secondMs;

/** The reports of one stream, and its bytes. */
export interface PushStream {
  readonly body: Buffer;
  /**
   * The files to remove on acknowledgement, by report id in 32 hexadecimal digits. A report that could not be spooled
   * has none.
   */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** The number of spooled reports that wait behind this stream. */
  readonly left: number;
}

export interface PushStreamOptions {
  readonly visit: Visit;
  /** The names that a report may have. */
  readonly clients: readonly string[];
  readonly bootId: string | null;
  /** The fault to send in place of this run's report; null if there is none. */
  readonly fault: AgentFault | null;
  /** This run's report if it could not be spooled. It is the newest. */
  readonly unspooled: Buffer | null;
  /**
   * The number of consecutive failed pushes. Each halves the streams, because the link may be slow. A stream has at
   * least one report.
   */
  readonly failures: number;
  /** The request for the first stream, which is sent even without a report. Default: null, no request. */
  readonly asked?: AskedStream | null;
  /** The time before which reports are left in the spool. Default: all reports are sent. */
  readonly sinceMs?: number;
}

export interface AskedStream {
  /** The id of this run's report, which is sent first; null if there is none. */
  readonly reportId: string | null;
  /** The place in the spool behind which reports are sent; null for all. */
  readonly after: string | null;
}

/**
 * Returns a function that makes one stream after the other, oldest reports first, each report once. That function
 * returns null if nothing is left to send. Sets a damaged file aside and counts it.
 */
export function pushStreams(options: PushStreamOptions): () => PushStream | null {
  const { visit, clients, bootId, fault, unspooled, failures, asked = null, sinceMs = -Infinity } = options;
  let streamBytes = Math.max(minBytes, maxBytes >> Math.min(failures, 30));
  const spooled = listSpool([...visit.dirs, ...visit.formerDirs]);
  const since = spooled.filter(({ timeMs }) => timeMs >= sinceMs);
  const heldBack = spooled.length - since.length;
  const waiting: SpooledReport[] = asked === null ? since : inAskedOrder(since, asked);
  let place = asked?.after ?? null;
  let last: readonly Buffer[] = unspooled === null ? [] : [unspooled];
  let isFirst = true;
  let madeAtMs = performance.now();
  return () => {
    const isQuick = !isFirst && performance.now() - madeAtMs < quickMs;
    if (isQuick) streamBytes = Math.min(maxBytes, streamBytes * 2);
    madeAtMs = performance.now();
    const taken: Buffer[] = [];
    const files = new Map<string, readonly string[]>();
    let bytes = 0;
    const fits = (size: number): boolean =>
      taken.length < pushLimits.maxReports && (taken.length === 0 || bytes + size <= streamBytes);
    const takeLast = (): void => {
      const more = last.filter(({ length }) => fits(length));
      taken.push(...more);
      for (const sealed of more) {
        bytes += sealed.length;
        files.set(readHeader(sealed).reportId.replaceAll('-', ''), []);
      }
      if (more.length > 0) last = [];
    };
    if (asked !== null) takeLast();
    for (let next = waiting[0]; next !== undefined && fits(next.sizeBytes); next = waiting[0]) {
      waiting.shift();
      if (next.id !== asked?.reportId) place = placeOf(next);
      const sealed = readSpooled(next, clients, maxSealedBytes);
      if (sealed === 'dropped') visit.dropped += 1;
      if (sealed === null || sealed === 'dropped') continue;
      bytes += sealed.length;
      taken.push(sealed);
      const id = next.id.replaceAll('-', '');
      files.set(id, [...(files.get(id) ?? []), next.path]);
    }
    if (waiting.length === 0) takeLast();
    const hasFault = isFirst && fault !== null;
    const isWanted = taken.length > 0 || hasFault || (isFirst && asked !== null);
    isFirst = false;
    if (!isWanted) return null;
    const end = {
      ...{ left: waiting.length + last.length + heldBack, place: visit.dirs[0] ?? null, spool_error: visit.spoolError },
      ...(asked === null || place === null ? {} : { next: place }),
    };
    const body = Buffer.concat([
      pushMarker,
      encodeHello(bootId),
      ...(hasFault ? [encodeJsonFrame('F', fault)] : []),
      ...taken.map((sealed) => encodeFrame('R', sealed)),
      encodeJsonFrame('E', visit.dropped === 0 ? end : { ...end, dropped: visit.dropped }),
    ]);
    return { body, files, left: waiting.length };
  };
}

function encodeHello(bootId: string | null): Buffer {
  const times = { wall_ms: Date.now(), monotonic_ms: monotonicMs() };
  return encodeJsonFrame('H', { v: protocolVersion, agent: agentVersion, ...times, boot_id: bootId });
}

/** Returns the reports behind a place of the spool: this run's first, and then the oldest ones first. */
function inAskedOrder(spooled: readonly SpooledReport[], { reportId, after }: AskedStream): SpooledReport[] {
  const isOwn = ({ id }: SpooledReport): boolean => id === reportId;
  const others = spooled.filter((report) => !isOwn(report) && (after === null || placeOf(report) > after));
  others.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  return [...spooled.filter(isOwn), ...others];
}

/** Returns the place of a report in the spool. Places sort as texts. */
function placeOf({ timeMs, id }: SpooledReport): string {
  return `${String(timeMs).padStart(13, '0')}-${id}`;
}

/** Returns the report ids that an answer acknowledges, in 32 hexadecimal digits. Ignores bytes before the marker. */
export function acknowledgedIn(answer: Buffer): ReadonlySet<string> {
  const at = answer.indexOf(pushMarker);
  const hex = at === -1 ? '' : answer.subarray(at + pushMarker.length).toString('hex');
  return new Set(hex.match(/.{32}/g) ?? []);
}
