import { FleetError, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { dearHostKey } from './dear-host-key.ts';
import { fingerprint, hostKeyOf, keyTypeName, type HostKey } from './fingerprint.ts';
import { firstSeenWords } from './known-hosts-line.ts';
import { lookupHost, type KnownHosts, type KnownKey } from './known-hosts.ts';
import type { ServerHostKeyAlgorithm } from '../connection/ssh2.ts';
import { shownShellWord } from '../../text/shell-word.ts';

export interface HostKeyQuestion {
  /** The client's or bastion's name, in messages and in the command that accepts a key. */
  readonly client: string;
  /** The name under which known_hosts holds the key: as `hostName` forms it, or a HostKeyAlias. */
  readonly knownAs: string;
  readonly knownHosts: KnownHosts;
  /**
   * `accept-new` accepts the first key of a host that has no known key. Both policies refuse a key that differs from
   * the known keys.
   */
  readonly policy: 'strict' | 'accept-new';
}

/** The check of one connection's host key. No policy accepts every key. */
export interface HostKeyCheck {
  /**
   * The host key algorithms to request. Algorithms of known keys come first, so that a server with several keys shows a
   * known key. Within each group the order is ssh's, not the order of the known_hosts lines.
   */
  readonly algorithms: ServerHostKeyAlgorithm[];
  /** Returns the fault of the key that the server shows. Returns null if the key is accepted. */
  check(blob: Buffer): FleetError | null;
  /** Records a new key in known_hosts. Call it once the server has proved that it holds the key. Throws FleetError. */
  proved(): void;
}

/**
 * The signature algorithms to request for each key type. SHA-1 signatures (`ssh-rsa`, `ssh-dss`) are never requested.
 */
const algorithmsOf: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};
const allAlgorithms = Object.values(algorithmsOf).flat();

/** Looks the host up in known_hosts and prepares the check. */
export function checkHostKey(question: HostKeyQuestion): HostKeyCheck {
  const { knownAs, knownHosts, policy } = question;
  const match = lookupHost(knownHosts, knownAs);
  const known = [...match.keys, ...match.keysWithoutPort];
  const valid = known.filter(({ key }) => !match.revoked.some((revoked) => revoked.key === key));
  const ofKnown = new Set(valid.flatMap(({ type }) => algorithmsOf[type] ?? []));
  let fresh: HostKey | null = null;
  let first: string | null = null;

  return {
    algorithms: [
      ...allAlgorithms.filter((algorithm) => ofKnown.has(algorithm)),
      ...allAlgorithms.filter((algorithm) => !ofKnown.has(algorithm)),
    ],
    check: (blob) => {
      const shown = hostKeyOf(blob);
      if (shown === null) return failure(question, 'handshake-failed', 'the host key cannot be read');
      const dear = dearHostKey(blob);
      if (dear !== null) return failure(question, 'handshake-failed', dear);
      // A rekey on the same connection must show the same key.
      first ??= shown.key;
      if (first !== shown.key) {
        return failure(question, 'host-key-changed', `${knownAs} shows ${describe(shown)} after another key`);
      }
      const revoked = match.revoked.find(({ key }) => key === shown.key);
      if (revoked)
        return failure(question, 'host-key-revoked', `${describe(shown)} is marked @revoked in ${placeOf(revoked)}`);
      if (known.some(({ key }) => key === shown.key)) return null;
      if (match.keys.length > 0) return changed(question, shown, match.keys);
      const [authority] = match.authorities;
      if (authority !== undefined) return needsCertificate(question, shown, authority);
      if (policy === 'accept-new') {
        fresh = shown;
        return null;
      }
      const places = knownHosts.files.join(' and ');
      const verb = knownHosts.files.length === 1 ? 'has' : 'have';
      return failure(
        question,
        'host-key-unknown',
        `${knownAs} shows ${describe(shown)}; ${places} ${verb} no key for it`,
        `fleet-health trust ${shownShellWord(question.client)}`,
      );
    },
    proved: () => {
      const key = fresh;
      if (key === null) return;
      try {
        // A connection to the same address may have added the key first.
        if (knownHosts.lookup(knownAs).keys.some((other) => other.key === key.key)) return;
        knownHosts.add(knownAs, key, Date.now());
      } catch (thrown) {
        const why = `${describe(key)} is new and cannot be written to ${knownHosts.path}: ${messageOf(thrown)}`;
        throw failure(question, 'host-key-unknown', why, `Make ${knownHosts.path} writable.`);
      }
    },
  };
}

/**
 * True if known_hosts lists only certificate authorities (`@cert-authority`) for the host. OpenSSH can check host
 * certificates, ssh2 cannot.
 */
export function needsHostCertificate({
  knownAs,
  knownHosts,
}: Pick<HostKeyQuestion, 'knownAs' | 'knownHosts'>): boolean {
  const { keys, keysWithoutPort, authorities } = lookupHost(knownHosts, knownAs);
  return keys.length === 0 && keysWithoutPort.length === 0 && authorities.length > 0;
}

/** Returns `ED25519 SHA256:...`. */
function describe(key: HostKey): string {
  return `${keyTypeName(key.type)} ${fingerprint(key.key)}`;
}

function placeOf({ file, line }: KnownKey): string {
  return `${file} line ${line}`;
}

function changed(question: HostKeyQuestion, shown: HostKey, known: readonly KnownKey[]): FleetError {
  const same = known.filter(({ type }) => type === shown.type);
  const expected = (same.length > 0 ? same : known).map(
    (key) => `${key.file} says ${describe(key)} (line ${key.line}${firstSeenWords(key)})`,
  );
  return failure(
    question,
    'host-key-changed',
    `${question.knownAs} shows ${describe(shown)}, but ${expected.join(' or ')}`,
    `If the change is meant to be: fleet-health trust --replace ${shownShellWord(question.client)}`,
  );
}

/**
 * Returns the fault of a plain key of a host that is known by a certificate authority alone. Not even `accept-new`
 * accepts the plain key: the author of the `@cert-authority` line requires certificates.
 */
function needsCertificate(question: HostKeyQuestion, shown: HostKey, authority: KnownKey): FleetError {
  return failure(
    question,
    'host-key-unknown',
    `${question.knownAs} shows ${describe(shown)}, and is known by a certificate authority alone ` +
      `(${placeOf(authority)}), which ssh2 cannot check`,
    `Use transport="openssh" or "auto"; or accept this one key: fleet-health trust ${shownShellWord(question.client)}`,
  );
}

function failure(question: HostKeyQuestion, code: ErrorCode, message: string, advice?: string): FleetError {
  const { client } = question;
  return new FleetError({ client, code, stage: 'handshake', message, advice });
}
