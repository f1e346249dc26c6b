import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { pushKeyBytes } from '../../seal/push.ts';
import { writeDurably } from '../../state/durable-file.ts';

/** The collector's half of an enrolment. */
export interface PushKey {
  readonly client: string;
  /** The secret that client and collector share, base64url. */
  readonly key: string;
  /** ISO 8601. */
  readonly enrolled_at: string;
}

/** Reads the enrolments; none if there is no file. Throws FleetError `state-unusable`. */
export function readPushKeys(file: string): readonly PushKey[] {
  try {
    const { clients } = JSON.parse(readFileSync(file, 'utf8')) as { clients: readonly PushKey[] };
    return clients.filter(({ key }) => Buffer.from(key, 'base64url').length === pushKeyBytes);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    const message = `${file} cannot be read: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'state-unusable', stage: 'run', message, cause: thrown });
  }
}

/** Replaces the enrolments. Throws what fs throws. */
export function writePushKeys(file: string, clients: readonly PushKey[]): void {
  writeDurably({ file, content: `${JSON.stringify({ clients }, null, 2)}\n`, mode: 0o600 });
}

export function newPushKey(client: string, nowMs: number): PushKey {
  const key = randomBytes(pushKeyBytes).toString('base64url');
  return { client, key, enrolled_at: new Date(nowMs).toISOString() };
}

/** Returns a function that finds the key of a client; null: it has none. Reads the file again when it has changed. */
export function pushKeyFinder(file: string): (client: string) => Buffer | null {
  let known = new Map<string, Buffer>();
  let state = '';
  return (client) => {
    const facts = statSync(file, { throwIfNoEntry: false });
    const now = facts === undefined ? '' : `${facts.ino} ${facts.mtimeMs} ${facts.size}`;
    if (now !== state) {
      known = new Map(readPushKeys(file).map((one) => [one.client, Buffer.from(one.key, 'base64url')]));
    }
    state = now;
    return known.get(client) ?? null;
  };
}
