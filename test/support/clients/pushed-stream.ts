/** Streams of clients that push, as fleet-health-agent sends them. */
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { pushMarker } from '../../../src/report/seal/push.ts';
import { protocolVersion } from '../../../src/report/wire.ts';

export interface PushedStream {
  readonly sealed: readonly Uint8Array[];
  /** The number of reports that are left on the client. Default: 0. */
  readonly left?: number;
  /** The client's clock minus this machine's, in milliseconds. */
  readonly offsetMs?: number;
}

/** Returns the bytes of one stream with these reports. */
export function pushedStream({ sealed, left = 0, offsetMs = 0 }: PushedStream): Buffer {
  const hello = { v: protocolVersion, agent: 'test', wall_ms: Date.now() + offsetMs, monotonic_ms: 1, boot_id: null };
  return Buffer.concat([
    pushMarker,
    encodeJsonFrame('H', hello),
    ...sealed.map((one) => encodeFrame('R', one)),
    encodeJsonFrame('E', { left, place: null, spool_error: null }),
  ]);
}

/** Returns the report ids that an answer acknowledges. */
export function acknowledgedIn(answer: Buffer): readonly string[] {
  const at = answer.indexOf(pushMarker);
  if (at === -1) return [];
  const hex = answer.subarray(at + pushMarker.length).toString('hex');
  return (hex.match(/.{32}/g) ?? []).map((id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
}
