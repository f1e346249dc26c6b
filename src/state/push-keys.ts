import { randomBytes } from 'node:crypto';

import { pushKeyBytes } from '../seal/push.ts';
import { readKeptList, whenChanged, writeKeptList } from './kept-list.ts';

/** The collector's half of an enrolment. */
export interface PushKey {
  readonly client: string;
  /** The secret that client and collector share, base64url. */
  readonly key: string;
  /** The time of the enrolment, ISO 8601. */
  readonly enrolled_at: string;
}

/** Reads the enrolments; none if there is no file. Throws FleetError `state-unusable`. */
export function readPushKeys(file: string): readonly PushKey[] {
  return readKeptList<PushKey>(file, 'clients', ({ key }) => Buffer.from(key, 'base64url').length === pushKeyBytes);
}

/** Replaces the enrolments. Throws the errors of fs. */
export function writePushKeys(file: string, clients: readonly PushKey[]): void {
  writeKeptList(file, 'clients', clients);
}

export function newPushKey(client: string, nowMs: number): PushKey {
  const key = randomBytes(pushKeyBytes).toString('base64url');
  return { client, key, enrolled_at: new Date(nowMs).toISOString() };
}

/**
 * Returns a function that finds the key of a client; null if the client has none. Reads the file again after a change.
 */
export function pushKeyFinder(file: string): (client: string) => Buffer | null {
  const keys = whenChanged(
    file,
    () => new Map(readPushKeys(file).map(({ client, key }) => [client, Buffer.from(key, 'base64url')])),
  );
  return (client) => keys().get(client) ?? null;
}
