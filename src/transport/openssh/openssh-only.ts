import { readFileSync } from 'node:fs';

import type { Client } from '../../config/config.ts';
import { comparableHost } from '../../config/values/networks.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { dayMs } from '../../platform/units.ts';
import { writeDurably } from '../../state/durable-file.ts';

/** The time after which the built-in transport is tried again: the server may offer other algorithms by then. */
const forgottenMs = 7 * dayMs;

type Server = Pick<Client, 'name' | 'address' | 'port'>;

/**
 * The servers that share no algorithm with the built-in transport, by client, address and port. `transport="auto"`
 * visits them by OpenSSH.
 */
export interface OpensshOnly {
  /** Returns the time at which the server was noted; null if it is not noted, or was a week ago. */
  sinceMs(server: Server): number | null;
  note(server: Server): void;
  /** Writes the file if a server was noted. Throws FleetError `state-unusable`. */
  save(): void;
}

/** A record that stays empty. */
export const noOpensshOnly: OpensshOnly = { sinceMs: () => null, note: () => undefined, save: () => undefined };

/** Reads the file, a JSON object from server to time. A damaged file is empty. Throws FleetError `state-unusable`. */
export function loadOpensshOnly(file: string, nowMs: number): OpensshOnly {
  const known = new Map(readTimes(file).filter(([, atMs]) => atMs <= nowMs && nowMs - atMs < forgottenMs));
  let isChanged = false;
  return {
    sinceMs: (server) => known.get(keyOf(server)) ?? null,
    note: (server) => {
      known.set(keyOf(server), nowMs);
      isChanged = true;
    },
    save: () => {
      if (!isChanged) return;
      try {
        writeDurably({ file, content: Buffer.from(JSON.stringify(Object.fromEntries(known))), mode: 0o600 });
        isChanged = false;
      } catch (thrown) {
        throw unusable(file, thrown);
      }
    },
  };
}

function keyOf({ name, address, port }: Server): string {
  return JSON.stringify([name, comparableHost(address), port]);
}

function readTimes(file: string): readonly (readonly [server: string, atMs: number])[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw unusable(file, thrown);
  }
  try {
    const times = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return Object.entries(times).flatMap(([server, atMs]) =>
      typeof atMs === 'number' ? [[server, atMs] as const] : [],
    );
  } catch {
    return [];
  }
}

function unusable(file: string, cause: unknown): FleetError {
  const message = `${file}: ${messageOf(cause)}`;
  return new FleetError({ code: 'state-unusable', stage: 'connect', message, cause });
}
