import { FleetError, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { abortedError } from '../connection/aborted.ts';
import { type DialOptions, dial } from '../connection/dial.ts';
import { connectSsh2 } from './connect-ssh2.ts';
import { dearHostKey } from '../known-hosts/dear-host-key.ts';
import { fingerprint, hostKeyOf, type HostKey } from '../known-hosts/fingerprint.ts';
import { newClient, type ServerHostKeyAlgorithm } from '../connection/ssh2.ts';
import { noticeBytes, sshdRejection } from '../connection/sshd-rejection.ts';
import type { Wire } from '../connection/wire.ts';
import { sharesNoAlgorithm } from './server-offer.ts';

export interface ScanOptions extends DialOptions {
  /** The value of the `kex` setting; default: the usual key exchanges. */
  readonly kex?: string | null;
  /**
   * Opens the connection that carries SSH, within `timeoutMs`, the limit of each of the three connections until the
   * server has shown its key; default: a direct TCP connection. Throws FleetError.
   */
  readonly dial?: (timeoutMs: number) => Promise<Wire>;
}

/** A host key that a server showed and that nobody has confirmed yet. */
export interface ScannedHostKey extends HostKey {
  /** The fingerprint in the format of `ssh-keygen -l`. */
  readonly fingerprint: string;
}

/** The host key algorithms by connection: a server shows only one key in a connection. */
const kinds: readonly ServerHostKeyAlgorithm[][] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
];

/**
 * Returns the host keys of a server in the order Ed25519, ECDSA and RSA. Ends each connection before any login. Returns
 * at least one key; otherwise throws FleetError with stage resolve, connect or handshake.
 */
export async function scanHostKeys(options: ScanOptions): Promise<ScannedHostKey[]> {
  const found: ScannedHostKey[] = [];
  let last: unknown = null;
  for (const algorithms of kinds) {
    try {
      found.push(await scanOne(options, algorithms));
    } catch (thrown) {
      last = thrown;
      if (!(thrown instanceof FleetError && thrown.code === 'handshake-failed')) throw thrown;
    }
  }
  if (found.length === 0) throw last;
  return found;
}

async function scanOne(options: ScanOptions, algorithms: ServerHostKeyAlgorithm[]): Promise<ScannedHostKey> {
  const { client, signal, timeoutMs } = options;
  const startedMs = performance.now();
  const socket = await (options.dial?.(timeoutMs) ?? dial(options));
  try {
    const limits = {
      timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedMs)),
      signal,
      late: () => fault(client, 'handshake-timeout', `no host key within ${timeoutMs} ms`),
      aborted: () => abortedError(signal, 'handshake', client ?? null),
    };
    return await withDeadline(limits, () => firstKey(options, algorithms, socket));
  } finally {
    socket.destroy();
  }
}

function firstKey(
  { client, kex }: ScanOptions,
  algorithms: ServerHostKeyAlgorithm[],
  socket: Wire,
): Promise<ScannedHostKey> {
  return new Promise((resolve, reject) => {
    // The kinds of host keys are tried one after the other.
    const isFinal = (message: string): boolean => sharesNoAlgorithm(message) && !message.endsWith('host key format');
    const fail = (message: string): void =>
      reject(fault(client, isFinal(message) ? 'no-common-algorithm' : 'handshake-failed', message));
    const ssh = newClient();
    let greeting = '';
    const onData = (data: Buffer): void => {
      greeting += data.toString('latin1', 0, noticeBytes);
      if (greeting.length >= noticeBytes) socket.removeListener('data', onData);
    };
    socket.on('data', onData);
    const localAddress = socket.localAddress ?? null;
    const broken = (message: string): void => {
      const notice = sshdRejection(greeting, localAddress);
      if (socket.brokenBy) reject(socket.brokenBy);
      else if (notice === null) fail(message);
      else reject(fault(client, 'sshd-rejection', notice));
    };
    ssh.on('error', (error) => broken(messageOf(error)));
    socket.once('close', () => broken('the connection was closed during the handshake'));
    ssh.on('end', () => socket.destroy());
    try {
      connectSsh2(ssh, {
        ...{ sock: socket, kex, username: 'nobody', hostKeyAlgorithms: algorithms },
        // Offers no credentials, even if the server asks for a login.
        authHandler: [],
        acceptHostKey: (blob) => {
          const key = hostKeyOf(blob);
          const wrong = key === null ? 'the host key cannot be read' : dearHostKey(blob);
          if (key === null || wrong !== null) fail(wrong ?? '');
          else resolve({ ...key, fingerprint: fingerprint(blob) });
          return false;
        },
      });
    } catch (thrown) {
      fail(messageOf(thrown));
    }
  });
}

function fault(client: string | undefined, code: ErrorCode, message: string): FleetError {
  return new FleetError({ client, code, stage: 'handshake', message });
}
