import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';

import * as v from 'valibot';

import { pushKeyBytes } from '../report/seal/push.ts';
import { folderOfClient } from './client-folder.ts';
import type { StatePaths } from './paths.ts';
import { readKeptList, whenChanged, writeKeptList } from './kept-list.ts';

const pushKey = v.object({
  client: v.string(),
  /** The secret that client and collector share, base64url. */
  key: v.pipe(
    v.string(),
    v.check((key) => Buffer.from(key, 'base64url').length === pushKeyBytes),
  ),
  /** The time of the enrolment, ISO 8601. */
  enrolled_at: v.string(),
});

/** The collector's half of an enrolment. */
export type PushKey = Readonly<v.InferOutput<typeof pushKey>>;

/** Reads the enrolments; none if there is no file. Throws FleetError `state-unusable`. */
export function readPushKeys(file: string): readonly PushKey[] {
  return readKeptList(file, 'clients', pushKey);
}

/** Replaces the enrolments. Throws the errors of fs. */
export function writePushKeys(file: string, clients: readonly PushKey[]): void {
  writeKeptList(file, 'clients', clients);
}

/** Returns the file with the newest time of a client's pushes. */
export function pushTimeFile({ pushTimes }: Pick<StatePaths, 'pushTimes'>, client: string): string {
  return path.join(pushTimes, folderOfClient(client));
}

/** Removes the newest time of a client's pushes, which belongs to its key. Throws the errors of fs. */
export function removePushTime(paths: Pick<StatePaths, 'pushTimes'>, client: string): void {
  rmSync(pushTimeFile(paths, client), { force: true });
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
