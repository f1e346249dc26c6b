/**
 * The newest time of each sender's requests. A push that somebody has recorded would be stored again as of now once its
 * rows are gone, so a client's request that is older than its newest one is refused. push-times/ keeps these times.
 */
import path from 'node:path';

import type { Client, Config } from '../../../config/config.ts';
import { errnoOf } from '../../../platform/errors/errors.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../../../platform/units.ts';
import { encodeTime, maxTimeBytes, parseTime, sha256 } from '../../../report/seal/push.ts';
import { makeFolder, writeSynced } from '../../../state-folder/durable-file.ts';
import { readHeld } from '../../../state-folder/held-folder.ts';
import { statePaths } from '../../../state-folder/paths.ts';
import { pushTimeFile } from '../../../state-folder/push-keys.ts';

/** The most that a site's clock may be ahead. */
const maxAheadMs = minuteMs;

/** The most that a client's time may be ahead of ours: otherwise one request could refuse all later ones for ever. */
const maxClientAheadMs = dayMs;

/** The time for which a repeated request is taken: the reports of the first one are known for longer. */
const repeatMs = hourMs;

/** A request whose headers are proven. */
interface Sent {
  readonly name: string;
  /** A client, or the name of a site whose collector forwards. */
  readonly from: Client | string;
  readonly config: Pick<Config, 'stateDir'>;
  readonly key: Uint8Array;
  readonly mac: string;
  /** The time of the sender's clock, in seconds since 1970. */
  readonly time: number;
}

interface Newest {
  /** The digest of the key that proved these requests: another key has times of its own. */
  readonly keyId: string;
  readonly time: number;
  /** The MACs of the complete requests of this second; null if an earlier process has received them. */
  readonly macs: Set<string> | null;
  /** The arrival of the first of these requests, by our clock. */
  readonly arrivedAtMs: number;
}

export class NewestRequests {
  readonly #known = new Map<string, Newest>();

  /** True if a request cannot be a recording: it is newer than all complete ones of its sender. */
  isNew(sent: Sent): boolean {
    const { time, macs } = this.#newestOf(sent);
    return sent.time > time || (sent.time === time && macs !== null && !macs.has(sent.mac));
  }

  /**
   * Records a complete request. Returns null if it may be kept: it is no older than the newest one of its sender, and
   * no late repetition. Otherwise returns the newest time, or ours if its own is too far ahead. Throws errors of fs.
   */
  async take(sent: Sent): Promise<number | null> {
    const { name, from, mac, time } = sent;
    const newest = this.#newestOf(sent);
    if (typeof from === 'string') {
      // The names of a site's files have times of their own, and its requests overtake each other.
      if (time * secondMs > Date.now() + maxAheadMs) return null;
    } else {
      if (isTooFar(time)) return Math.max(newest.time, ourTime());
      if (time < newest.time || (time === newest.time && isLateRepeat(newest, mac))) return newest.time;
      if (time > newest.time) await writeTime(fileOf(sent), time, newest.keyId);
    }
    if (time > newest.time)
      this.#known.set(name, { keyId: newest.keyId, time, macs: new Set([mac]), arrivedAtMs: Date.now() });
    else if (time === newest.time) newest.macs?.add(mac);
    return null;
  }

  #newestOf(sent: Sent): Newest {
    const known = this.#known.get(sent.name);
    const keyId = sha256(sent.key).toString('hex', 0, keyIdBytes);
    if (known?.keyId === keyId) return known;
    const time = (typeof sent.from === 'string' ? null : readTime(fileOf(sent), keyId)) ?? -1;
    // An earlier version took any time.
    const newest = { keyId, time: isTooFar(time) ? ourTime() : time, macs: null, arrivedAtMs: 0 };
    this.#known.set(sent.name, newest);
    return newest;
  }
}

/** True if a request of the newest second came long ago, or may have come to an earlier process. */
function isLateRepeat({ macs, arrivedAtMs }: Newest, mac: string): boolean {
  return macs === null || (macs.has(mac) && Date.now() - arrivedAtMs > repeatMs);
}

function isTooFar(time: number): boolean {
  return time * secondMs > Date.now() + maxClientAheadMs;
}

function ourTime(): number {
  return Math.floor(Date.now() / secondMs);
}

function fileOf({ name, config }: Sent): string {
  return pushTimeFile(statePaths(config.stateDir), name);
}

const keyIdBytes = 8;
const maxFileBytes = maxTimeBytes + 2 * keyIdBytes + 1;

/** Returns the time of a key in a file; null if there is none. Throws the errors of fs. */
function readTime(file: string, keyId: string): number | null {
  try {
    const bytes = readHeld(file, maxFileBytes);
    const timeEnd = bytes.indexOf(10) + 1;
    const writtenFor = bytes.toString('latin1', timeEnd).trim();
    // Earlier versions wrote the time alone.
    return writtenFor === '' || writtenFor === keyId ? parseTime(bytes.subarray(0, timeEnd)) : null;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

async function writeTime(file: string, time: number, keyId: string): Promise<void> {
  makeFolder(path.dirname(file));
  await writeSynced(
    path.dirname(file),
    path.basename(file),
    Buffer.concat([encodeTime(time), Buffer.from(`${keyId}\n`)]),
  );
}
