import { append } from '../../platform/group-by.ts';
import { fingerprint, type HostKey } from './fingerprint.ts';
import { hostName, lookupHost, parseKnownHosts } from './known-hosts.ts';
import { comparableHost } from '../../config/values/networks.ts';

export interface TrustHost {
  /** The client's name. A file may use the name instead of the address. */
  readonly client: string;
  readonly address: string;
  readonly port: number;
}

/** The host keys and fingerprints in a file that the operator trusts. */
export interface TrustSource {
  /** Skipped lines, as one sentence each with the line number. */
  readonly notes: readonly string[];
  /** Returns the keys that the file holds for a host. Returns an empty list if the file holds only fingerprints. */
  keys(host: TrustHost): readonly HostKey[];
  /**
   * Returns the fingerprints (`SHA256:...`) of a host in the file, with those of its keys. Returns an empty list if the
   * file does not name the host.
   */
  fingerprints(host: TrustHost): readonly string[];
}

const fingerprintPattern = /^SHA256:[A-Za-z0-9+/]{43}$/;

/**
 * Parses the file of `trust --from`: known_hosts lines, lines `name SHA256:...`, and lines as `ssh-keygen -l` prints
 * them (`256 SHA256:... name (ED25519)`), in any mixture. A name is the client's name, its address, `address:port` or
 * `[address]:port`. `file` is the file name in the notes.
 */
export function parseTrustSource(text: string, file: string): TrustSource {
  const notes: string[] = [];
  const prints = new Map<string, string[]>();
  // Fingerprint lines are blanked, so that the lines of known_hosts keep their numbers.
  const rest = text.split('\n').map((raw, index) => {
    const fields = raw.trim().split(/\s+/);
    const at = fields.findIndex((field) => field.startsWith('SHA256:'));
    if (at === -1 || raw.trim().startsWith('#')) return raw;
    const print = (fields[at] ?? '').replace(/=+$/, '');
    const names = at === 0 ? [] : /^\d+$/.test(fields[0] ?? '') && at === 1 ? fields.slice(2, 3) : fields.slice(0, 1);
    const [name] = names;
    if (name === undefined || !fingerprintPattern.test(print)) {
      notes.push(`${file} line ${index + 1}: not \`name SHA256:...\`; passed over`);
      return '';
    }
    for (const one of name.split(',').map(comparableHost)) {
      const known = prints.get(one);
      if (known === undefined) prints.set(one, [print]);
      else known.push(print);
    }
    return '';
  });
  const known = parseKnownHosts(rest.join('\n'), file);
  append(notes, known.notes);

  const keys = ({ client, address, port }: TrustHost): readonly HostKey[] => {
    const names = new Set([hostName(address, port), client.toLowerCase()]);
    const found = [...names].map((name) => lookupHost(known, name));
    const revoked = new Set(found.flatMap((match) => match.revoked.map(({ key }) => key)));
    const byKey = new Map(found.flatMap((match) => match.keys).map(({ type, key }) => [key, { type, key }]));
    return [...byKey.values()].filter(({ key }) => !revoked.has(key));
  };
  return {
    notes,
    keys,
    fingerprints: (host) => {
      const address = comparableHost(host.address);
      const names = [comparableHost(host.client), address, `${address}:${host.port}`, hostName(address, host.port)];
      const named = [...new Set(names)].flatMap((name) => prints.get(name) ?? []);
      return [...new Set([...named, ...keys(host).map(({ key }) => fingerprint(key))])];
    },
  };
}
