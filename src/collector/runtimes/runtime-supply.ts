import path from 'node:path';

import type { Client } from '../../config/config.ts';
import type { Platform } from '../agent/platform-sign.ts';
import { openRuntimeAttempts, type RuntimeAttempts } from './runtime-attempts.ts';
import { listRuntimes, runtimeId, type StoredRuntime } from './runtime-store.ts';
import { targetOfPlatform } from './runtime-targets.ts';

/** The runtimes that a run can upload to clients with runtime="bring". */
export interface RuntimeSupply {
  /** The names by which the loader looks for uploaded runtimes. */
  readonly ids: readonly string[];
  readonly attempts: RuntimeAttempts;
  /** Returns the wish for a client with neither a node of its own nor a runtime that answers. */
  wishOf(client: Client, platform: Platform, nowMs: number): RuntimeWish;
}

export interface RuntimeWish {
  /** The runtime to upload at the end of the run; null for none. */
  readonly runtime: StoredRuntime | null;
  /** The reason, which completes "it has no Node.js of its own, and". */
  readonly words: string;
  /** The advice to the reader; null if nothing is to be done. */
  readonly advice: string | null;
}

export interface RuntimeSupplyOptions {
  /** `state/runtimes`. */
  readonly dir: string;
  readonly everyMs: number;
  /** For clients that were named by hand: pauses after failed attempts are not looked at. */
  readonly ignorePauses: boolean;
}

/** Reads what is kept. Throws FleetError `state-unusable`. */
export function openRuntimeSupply({ dir, everyMs, ignorePauses }: RuntimeSupplyOptions): RuntimeSupply {
  const runtimes = listRuntimes(dir);
  const attempts = openRuntimeAttempts(path.join(dir, 'attempts'), everyMs);
  return {
    ids: runtimes.map(runtimeId),
    attempts,
    wishOf: (client, platform, nowMs) => {
      const target = targetOfPlatform(platform);
      if (target === null) {
        const what = `${platform.system} ${platform.machine}`;
        return {
          runtime: null,
          words: `none can be uploaded to this platform (${what})`,
          advice: 'Install Node.js there, or allow unsealed="allow".',
        };
      }
      const runtime = runtimes.find((kept) => kept.target === target.name);
      if (runtime === undefined) {
        const command = `fleet-health runtimes add ${target.name}`;
        const words = `none was added for ${target.name} (${command})`;
        return { runtime: null, words, advice: `Run \`${command}\`.` };
      }
      const untilMs = ignorePauses ? null : attempts.waitsUntilMs(client.name, runtime.digest, nowMs);
      if (untilMs !== null) {
        const until = new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ');
        return {
          runtime: null,
          words: `the uploaded one has not answered; it is tried again after ${until} UTC`,
          advice: `Run \`fleet-health collect ${client.name}\`, which tries at once.`,
        };
      }
      return { runtime, words: `the one for ${target.name} is still to be uploaded`, advice: null };
    },
  };
}
