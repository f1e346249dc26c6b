import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { fingerprint, type HostKey } from '../../transport/known-hosts/fingerprint.ts';
import { type KnownHosts, type KnownKey, lookupHost } from '../../transport/known-hosts/known-hosts.ts';
import type { TrustSource } from '../../transport/known-hosts/trust-source.ts';
import type { TrustMachine, TrustRoute } from './trust-machines.ts';

/** The keys of one machine, and whether they may be written. */
export interface TrustPlan {
  readonly machine: TrustMachine;
  /** `new` and `differs` may be written; `known` needs nothing; `local` has no host key; `failed` has a fault. */
  readonly kind: 'new' | 'differs' | 'known' | 'local' | 'failed';
  /** The keys that were shown or that the file of --from holds. */
  readonly keys: readonly HostKey[];
  /** The known keys if the shown ones differ from them. */
  readonly knownKeys: readonly KnownKey[];
  readonly fault: FleetError | null;
}

export interface TrustSurroundings {
  /** The file of --from and its path. */
  readonly source: { readonly file: string; readonly content: TrustSource } | null;
  readonly knownHosts: (files: readonly string[]) => KnownHosts;
  /** Reads the keys from the machine itself. Throws FleetError. */
  readonly scan: (route: TrustRoute) => Promise<readonly HostKey[]>;
}

/** Compares the keys of one machine with the known ones. Changes nothing and never throws. */
export async function planTrust(machine: TrustMachine, surroundings: TrustSurroundings): Promise<TrustPlan> {
  const plan = { machine, keys: [], knownKeys: [], fault: null };
  const { route, name } = machine;
  if (route === null) {
    return machine.fault === null ? { ...plan, kind: 'local' } : { ...plan, kind: 'failed', fault: machine.fault };
  }
  try {
    const known = lookupHost(surroundings.knownHosts(route.hop.knownHosts), route.hop.knownAs);
    // The machine cannot be asked, and nothing contradicts its known keys.
    if (machine.fault !== null && surroundings.source === null && known.keys.length > 0)
      return { ...plan, kind: 'known', keys: known.keys };
    const keys = await candidates(machine, route, surroundings);
    const revoked = known.revoked.find((other) => keys.some(({ key }) => key === other.key));
    if (revoked !== undefined) {
      const place = `${revoked.file} line ${revoked.line}`;
      throw fault(name, 'host-key-revoked', `${fingerprint(revoked.key)} is marked @revoked in ${place}`);
    }
    const isKnown = (key: HostKey): boolean => known.keys.some((other) => other.key === key.key);
    const contradicts = (key: HostKey): boolean => !isKnown(key) && known.keys.some((other) => other.type === key.type);
    if (known.keys.length === 0) return { ...plan, kind: 'new', keys };
    if (keys.some(isKnown) && !keys.some(contradicts)) return { ...plan, kind: 'known', keys };
    return { ...plan, kind: 'differs', keys, knownKeys: known.keys };
  } catch (thrown) {
    const failure = thrown instanceof FleetError ? thrown : fault(name, 'internal', messageOf(thrown));
    return { ...plan, kind: 'failed', fault: failure };
  }
}

/** Returns the keys that may be trusted: the machine's own, or those that the file of --from vouches for. */
async function candidates(
  { name, address, port, fault: unasked }: TrustMachine,
  route: TrustRoute,
  { source, scan }: TrustSurroundings,
): Promise<readonly HostKey[]> {
  if (source === null) {
    if (unasked !== null) throw unasked;
    return await scan(route);
  }
  const host = { client: name, address, port };
  const held = source.content.keys(host);
  if (held.length > 0) return held;
  const vouched = source.content.fingerprints(host);
  if (vouched.length === 0) {
    throw fault(name, 'host-key-unknown', `${source.file} does not name it`, `Add it to ${source.file}.`);
  }
  if (unasked !== null) throw unasked;
  const shown = await scan(route);
  const matching = shown.filter(({ key }) => vouched.includes(fingerprint(key)));
  if (matching.length > 0) return matching;
  const prints = shown.map(({ key }) => fingerprint(key)).join(', ');
  throw fault(
    name,
    'host-key-changed',
    `it shows ${prints}, and ${source.file} vouches for ${vouched.join(', ')}`,
    'Find out which of the two is right.',
  );
}

function fault(client: string, code: FleetError['code'], message: string, advice?: string): FleetError {
  return new FleetError({ code, stage: 'handshake', client, message, advice });
}
