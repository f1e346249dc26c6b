import type { Client } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import { fingerprint, type HostKey } from '../transport/fingerprint.ts';
import { hostName, type KnownHosts } from '../transport/known-hosts.ts';
import type { TrustSource } from '../transport/trust-source.ts';

/** What is to be done about the keys of one client. */
export interface TrustPlan {
  readonly client: Client;
  /** `new` and `differs` may be written; `known` needs nothing; `local` has no host key; `failed` says why. */
  readonly kind: 'new' | 'differs' | 'known' | 'local' | 'failed';
  /** The keys that were shown or that the file of --from holds. */
  readonly keys: readonly HostKey[];
  /** Of a key that differs: those that are known now. */
  readonly knownKeys: readonly HostKey[];
  readonly fault: FleetError | null;
}

export interface TrustSurroundings {
  /** The file of --from and its path. */
  readonly source: { readonly file: string; readonly content: TrustSource } | null;
  readonly knownHosts: (file: string) => KnownHosts;
  /** Asks the client itself. Throws FleetError. */
  readonly scan: (client: Client) => Promise<readonly HostKey[]>;
}

/** Looks at one client, changes nothing and never throws. */
export async function planTrust(client: Client, surroundings: TrustSurroundings): Promise<TrustPlan> {
  const plan = { client, keys: [], knownKeys: [], fault: null };
  if (client.ssh.transport === 'local') return { ...plan, kind: 'local' };
  try {
    if (client.ssh.proxyJump !== null) {
      throw fault(client, 'unsupported', `proxyJump="${client.ssh.proxyJump}": not built yet`);
    }
    const known = surroundings.knownHosts(client.ssh.knownHosts).lookup(hostName(client.address, client.port));
    const keys = await candidates(client, surroundings);
    const revoked = keys.find(({ key }) => known.revoked.some((other) => other.key === key));
    if (revoked !== undefined) {
      throw fault(client, 'host-key-revoked', `${fingerprint(revoked.key)} is marked @revoked`);
    }
    const isKnown = (key: HostKey): boolean => known.keys.some((other) => other.key === key.key);
    const contradicts = (key: HostKey): boolean => !isKnown(key) && known.keys.some((other) => other.type === key.type);
    if (known.keys.length === 0) return { ...plan, kind: 'new', keys };
    if (keys.some(isKnown) && !keys.some(contradicts)) return { ...plan, kind: 'known', keys };
    return { ...plan, kind: 'differs', keys, knownKeys: known.keys };
  } catch (thrown) {
    const said = thrown instanceof FleetError ? thrown : fault(client, 'internal', messageOf(thrown));
    return { ...plan, kind: 'failed', fault: said };
  }
}

/** The keys that may be trusted: what the client shows, or what the file of --from vouches for. */
async function candidates(client: Client, { source, scan }: TrustSurroundings): Promise<readonly HostKey[]> {
  if (source === null) return await scan(client);
  const host = { client: client.name, address: client.address, port: client.port };
  const held = source.content.keys(host);
  if (held.length > 0) return held;
  const vouched = source.content.fingerprints(host);
  if (vouched.length === 0) {
    throw fault(client, 'host-key-unknown', `${source.file} does not name it`, `Add it to ${source.file}.`);
  }
  const shown = await scan(client);
  const matching = shown.filter(({ key }) => vouched.includes(fingerprint(key)));
  if (matching.length > 0) return matching;
  const prints = shown.map(({ key }) => fingerprint(key)).join(', ');
  throw fault(
    client,
    'host-key-changed',
    `it shows ${prints}, and ${source.file} vouches for ${vouched.join(', ')}`,
    'Find out which of the two is right.',
  );
}

function fault(client: Client, code: FleetError['code'], message: string, advice?: string): FleetError {
  return new FleetError({
    code,
    stage: 'handshake',
    client: client.name,
    message,
    ...(advice === undefined ? {} : { advice }),
  });
}
