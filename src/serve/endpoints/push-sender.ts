import type { IncomingHttpHeaders } from 'node:http';

import { forwardingSites } from '../../config/clients/arrival.ts';
import type { Client, Config } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import {
  isSameMac,
  parseContentDigest,
  parsePushHeader,
  pushKeyBytes,
  requestMac,
  siteOfSender,
  type SignedPath,
} from '../../seal/push.ts';
import { statePaths } from '../../state/paths.ts';
import { pushKeyFinder } from '../../state/push-keys.ts';
import { type Refusal, strange } from './push-refusal.ts';

/** The sender of a request, as proven by its headers. */
export interface Sender {
  readonly name: string;
  /** A client, or the name of a site whose collector forwards. */
  readonly from: Client | string;
  readonly config: Config;
  readonly key: Buffer;
  /** The SHA-256 that the headers give for the body. */
  readonly digest: Buffer;
  readonly mac: string;
  /** The time of the sender's clock, in seconds since 1970. */
  readonly time: number;
}

const clientsByName = rememberedWeakly(
  (clients: readonly Client[]) => new Map(clients.map((client) => [client.name, client])),
);
const sitesOf = rememberedWeakly((clients: readonly Client[]) => forwardingSites(clients));

/**
 * Returns a function that identifies the sender of a request to a path by its headers alone. `settings` returns the
 * current configuration.
 */
export function pushSenders(
  settings: () => Config,
): (headers: IncomingHttpHeaders, path: SignedPath) => Sender | Refusal {
  const keyOf = pushKeyFinder(statePaths(settings().stateDir).pushKeys);
  const noKey = Buffer.alloc(pushKeyBytes);
  return (headers, path) => {
    const header = parsePushHeader(String(headers['fleet-health'] ?? ''));
    const digest = parseContentDigest(String(headers['content-digest'] ?? ''));
    const config = settings();
    // The time of the answer reveals nothing: the work is the same for every name and every MAC.
    const name = header?.client ?? '';
    const from = senderOf(config, name);
    const key = keyOf(name);
    const mac = requestMac(key ?? noKey, header?.time ?? 0, (digest ?? noKey).toString('hex'), path);
    const isSame = isSameMac(header?.mac ?? '', mac);
    const isClear = typeof from === 'string' || 'ssh' in from;
    if (isSame && key !== null && digest !== null && isClear) {
      return { name, from, config, key, digest, mac, time: header?.time ?? 0 };
    }
    if (!isClear) return from;
    return strange(key === null ? 'it is not enrolled' : 'the MAC is wrong: its key was rotated, or is another one');
  };
}

function senderOf({ clients }: Config, name: string): Client | string | Refusal {
  const client = clientsByName(clients).get(name);
  const site = siteOfSender(name);
  if (client === undefined && site !== null) {
    return sitesOf(clients).has(site) ? site : strange('config.xml gives no client to this site');
  }
  if (client === undefined) return strange('config.xml has no such client');
  const pushes = client.arrival.kind === 'comes' && client.state !== 'retired';
  return pushes ? client : strange('config.xml has no transport="push" for it');
}
