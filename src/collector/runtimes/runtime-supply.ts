import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { errnoOf } from '../../errors.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { folderOfClient } from '../../state/client-folder.ts';
import { writeDurably } from '../../state/durable-file.ts';
import type { Platform } from '../agent/platform-sign.ts';
import { listRuntimes, runtimeId, type StoredRuntime } from './runtime-store.ts';
import { targetOfPlatform } from './runtime-targets.ts';

/** The runtimes that a run can upload to clients with runtime="bring". */
export interface RuntimeSupply {
  /** The names by which the loader looks for uploaded runtimes. */
  readonly ids: readonly string[];
  readonly attempts: RuntimeAttempts;
  /** Returns the wish of a client with neither a node of its own nor a runtime that answers. */
  wishOf(client: Client, platform: Platform, nowMs: number): RuntimeWish;
}

export interface RuntimeWish {
  /** The runtime to upload at the end of the run; null for none. */
  readonly runtime: StoredRuntime | null;
  /** The reason, which continues "it has no Node.js of its own, and". */
  readonly words: string;
  /** The advice to the reader; null if no action is needed. */
  readonly advice: string | null;
}

export interface RuntimeSupplyOptions {
  /** The folder `state/runtimes`. */
  readonly dir: string;
  readonly everyMs: number;
  /** True for clients that were named by hand: ignores pauses after failed attempts. */
  readonly ignorePauses: boolean;
}

/** Reads the stored runtimes. Throws FleetError `state-unusable`. */
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

/**
 * The clients whose uploaded runtime has not answered yet, so that a client that cannot run it does not receive 30 MB
 * in every run. One small file for each client, removed once its runtime answers.
 */
export interface RuntimeAttempts {
  /** Returns the time of the next attempt, milliseconds since 1970; null for now. */
  waitsUntilMs(client: string, digest: string, nowMs: number): number | null;
  /** Records an attempt that ended. A hopeless attempt is repeated once a day. Throws errors of fs. */
  note(client: string, attempt: { readonly digest: string; readonly hopeless: boolean; readonly nowMs: number }): void;
  /** Removes the record of a client whose runtime answered. */
  clear(client: string): void;
}

const longestMs = 6 * hourMs;
const hopelessMs = dayMs;
const suffix = '.json';

interface Attempt {
  readonly digest: string;
  readonly attempts: number;
  readonly nextAtMs: number;
}

/** Reads the attempts of earlier runs. Ignores files that cannot be read. Throws errors of readdir. */
export function openRuntimeAttempts(dir: string, everyMs: number): RuntimeAttempts {
  const known = new Set(listNames(dir));
  const fileOf = (client: string): string => path.join(dir, `${folderOfClient(client)}${suffix}`);
  const read = (client: string): Attempt | null => {
    const file = fileOf(client);
    return known.has(path.basename(file)) ? readAttempt(file) : null;
  };
  return {
    waitsUntilMs: (client, digest, nowMs) => {
      const attempt = read(client);
      if (attempt?.digest !== digest || attempt.nextAtMs <= nowMs) return null;
      // A time beyond the longest pause comes from a wrong clock.
      return attempt.nextAtMs - nowMs <= hopelessMs ? attempt.nextAtMs : null;
    },
    note: (client, { digest, hopeless, nowMs }) => {
      const before = read(client);
      const attempts = (before?.digest === digest ? before.attempts : 0) + 1;
      const pauseMs = hopeless ? hopelessMs : Math.min(longestMs, everyMs * 2 ** Math.min(attempts, 20)) - everyMs / 2;
      const content = `${JSON.stringify({ client, digest, attempts, next_at: new Date(nowMs + pauseMs).toISOString() })}\n`;
      const file = fileOf(client);
      writeDurably({ file, content, mode: 0o600 });
      known.add(path.basename(file));
    },
    clear: (client) => {
      const file = fileOf(client);
      if (known.delete(path.basename(file))) rmSync(file, { force: true });
    },
  };
}

function listNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => name.endsWith(suffix));
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function readAttempt(file: string): Attempt | null {
  try {
    const { digest, attempts, next_at } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<string, unknown>>;
    const nextAtMs = Date.parse(String(next_at));
    if (typeof digest !== 'string' || typeof attempts !== 'number' || Number.isNaN(nextAtMs)) return null;
    return { digest, attempts, nextAtMs };
  } catch {
    return null;
  }
}
