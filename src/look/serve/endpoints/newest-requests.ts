/**
 * The newest time of each sender's requests. A push that somebody has recorded would be stored again as of now once its
 * rows are gone, so a client's request that is older than its newest one is refused. push-times/ keeps these times.
 */
import path from 'node:path';

import type { Client, Config } from '../../../config/config.ts';
import { errnoOf } from '../../../platform/errors/errors.ts';
import { hourMs, minuteMs, secondMs } from '../../../platform/units.ts';
import { encodeTime, maxTimeBytes, parseTime } from '../../../report/seal/push.ts';
import { folderOfClient } from '../../../state-folder/client-folder.ts';
import { makeFolder, writeSynced } from '../../../state-folder/durable-file.ts';
import { readHeld } from '../../../state-folder/held-folder.ts';
import { statePaths } from '../../../state-folder/paths.ts';

/** The most that a site's clock may be ahead. */
const maxAheadMs = minuteMs;

/** The time for which a repeated request is taken: the reports of the first one are known for longer. */
const repeatMs = hourMs;

/** A request whose headers are proven. */
interface Sent {
  readonly name: string;
  /** A client, or the name of a site whose collector forwards. */
  readonly from: Client | string;
  readonly config: Pick<Config, 'stateDir'>;
  readonly mac: string;
  /** The time of the sender's clock, in seconds since 1970. */
  readonly time: number;
}

interface Newest {
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
   * no late repetition. Otherwise returns the newest time. Throws the errors of fs.
   */
  async take(sent: Sent): Promise<number | null> {
    const { name, from, mac, time } = sent;
    const newest = this.#newestOf(sent);
    if (typeof from === 'string') {
      // The names of a site's files have times of their own, and its requests overtake each other.
      if (time * secondMs > Date.now() + maxAheadMs) return null;
    } else {
      if (time < newest.time || (time === newest.time && isLateRepeat(newest, mac))) return newest.time;
      if (time > newest.time) await writeTime(fileOf(sent), time);
    }
    if (time > newest.time) this.#known.set(name, { time, macs: new Set([mac]), arrivedAtMs: Date.now() });
    else if (time === newest.time) newest.macs?.add(mac);
    return null;
  }

  #newestOf(sent: Sent): Newest {
    const known = this.#known.get(sent.name);
    if (known !== undefined) return known;
    const time = typeof sent.from === 'string' ? null : readTime(fileOf(sent));
    const newest = { time: time ?? -1, macs: null, arrivedAtMs: 0 };
    this.#known.set(sent.name, newest);
    return newest;
  }
}

/** True if a request of the newest second came long ago, or may have come to an earlier process. */
function isLateRepeat({ macs, arrivedAtMs }: Newest, mac: string): boolean {
  return macs === null || (macs.has(mac) && Date.now() - arrivedAtMs > repeatMs);
}

function fileOf({ name, config }: Sent): string {
  return path.join(statePaths(config.stateDir).pushTimes, folderOfClient(name));
}

/** Returns the time in a file; null if there is none. Throws the errors of fs. */
function readTime(file: string): number | null {
  try {
    return parseTime(readHeld(file, maxTimeBytes));
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

async function writeTime(file: string, time: number): Promise<void> {
  makeFolder(path.dirname(file));
  await writeSynced(path.dirname(file), path.basename(file), encodeTime(time));
}
