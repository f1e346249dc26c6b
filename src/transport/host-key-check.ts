import { FleetError, messageOf, type ErrorCode } from '../errors.ts';
import { fingerprint, hostKeyOf, keyTypeName, type HostKey } from './fingerprint.ts';
import { hostName, type KnownHosts, type KnownKey } from './known-hosts.ts';
import type { ServerHostKeyAlgorithm } from './ssh2.ts';

export interface HostKeyQuestion {
  readonly client: string;
  /** Under which known_hosts holds the key. */
  readonly address: string;
  readonly port: number;
  readonly knownHosts: KnownHosts;
  /** `accept-new` takes the first key of a host of which none is known; a differing one is refused all the same. */
  readonly policy: 'strict' | 'accept-new';
}

/** The check of one connection's host key. There is no way that accepts any key. */
export interface HostKeyCheck {
  /** To be asked for: those of the known keys first, so that a server with several keys shows one that is known. */
  readonly algorithms: ServerHostKeyAlgorithm[];
  /** What is wrong with the key that the server shows; null: it may go on. */
  judge(blob: Buffer): FleetError | null;
  /** To be called when the server has proved that it holds the key: now a new one is written down. Throws FleetError. */
  proved(): void;
}

/** What each type of key is asked for by. SHA-1 signatures (`ssh-rsa`, `ssh-dss`) are never asked for. */
const algorithmsOf: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};
const allAlgorithms = Object.values(algorithmsOf).flat();

/** Looks the host up and prepares the check. */
export function checkHostKey(question: HostKeyQuestion): HostKeyCheck {
  const { address, port, knownHosts, policy } = question;
  const name = hostName(address, port);
  const match = knownHosts.lookup(name);
  // As ssh does: a key known for the host counts for its other ports too, but never against them.
  const withoutPort = match.keys.length === 0 && port !== 22 ? knownHosts.lookup(hostName(address, 22)).keys : [];
  const known = [...match.keys, ...withoutPort];
  const preferred = known.flatMap(({ type }) => algorithmsOf[type] ?? []);
  let fresh: HostKey | null = null;

  return {
    algorithms: [...new Set([...preferred, ...allAlgorithms])],
    judge: (blob) => {
      const shown = hostKeyOf(blob);
      if (shown === null) return failure(question, 'handshake-failed', 'the host key cannot be read');
      const text = describe(shown);
      const revoked = match.revoked.find(({ key }) => key === shown.key);
      if (revoked) {
        const place = `${knownHosts.path} line ${revoked.line}`;
        return failure(question, 'host-key-revoked', `${text} is marked @revoked in ${place}`);
      }
      if (known.some(({ key }) => key === shown.key)) return null;
      if (match.keys.length > 0) return changed(question, shown, match.keys);
      if (policy === 'accept-new') {
        fresh = shown;
        return null;
      }
      return failure(
        question,
        'host-key-unknown',
        `${name} shows ${text}; ${knownHosts.path} has no key for it`,
        `fleet-health trust ${shellWord(question.client)}`,
      );
    },
    proved: () => {
      if (fresh === null) return;
      const key = fresh;
      fresh = null;
      try {
        // Another client at the same address may have been quicker.
        if (!knownHosts.lookup(name).keys.some((other) => other.key === key.key)) knownHosts.add(name, key);
      } catch (thrown) {
        const why = `${describe(key)} is new and cannot be written to ${knownHosts.path}: ${messageOf(thrown)}`;
        throw failure(question, 'host-key-unknown', why, `Make ${knownHosts.path} writable.`);
      }
    },
  };
}

/** `ED25519 SHA256:...` */
function describe(key: HostKey): string {
  return `${keyTypeName(key.type)} ${fingerprint(key.key)}`;
}

function changed(question: HostKeyQuestion, shown: HostKey, known: readonly KnownKey[]): FleetError {
  const same = known.filter(({ type }) => type === shown.type);
  const expected = (same.length > 0 ? same : known).map((key) => `${describe(key)} (line ${key.line})`).join(' or ');
  const place = question.knownHosts.path;
  return failure(
    question,
    'host-key-changed',
    `${hostName(question.address, question.port)} shows ${describe(shown)}, but ${place} says ${expected}`,
    `If the change is meant to be: fleet-health trust --replace ${shellWord(question.client)}`,
  );
}

function failure(question: HostKeyQuestion, code: ErrorCode, message: string, advice?: string): FleetError {
  const { client } = question;
  return new FleetError({ client, code, stage: 'handshake', message, ...(advice === undefined ? {} : { advice }) });
}

/** A word that a shell takes as it is; quoted where it must be. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
