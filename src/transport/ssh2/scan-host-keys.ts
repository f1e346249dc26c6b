import { FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { dial } from '../connection/dial.ts';
import { connectSsh2 } from './connect-ssh2.ts';
import { dearHostKey } from '../known-hosts/dear-host-key.ts';
import { fingerprint, hostKeyOf, type HostKey } from '../known-hosts/fingerprint.ts';
import { newClient, type ServerHostKeyAlgorithm } from '../connection/ssh2.ts';
import { noticeBytes, sshdRejection } from '../connection/sshd-rejection.ts';
import type { Wire } from '../connection/wire.ts';

export interface ScanOptions {
  /** The name in errors. */
  readonly client?: string;
  readonly host: string;
  readonly port: number;
  /** The address family, for a direct TCP connection; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** The value of the `kex` setting; default: the usual key exchanges. */
  readonly kex?: string | null;
  /** Opens the connection that carries SSH, within `timeoutMs`; default: a direct TCP connection. Throws FleetError. */
  readonly dial?: (timeoutMs: number) => Promise<Wire>;
  /** The limit of each of the three connections, until the server has shown its key. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
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
  const startedMs = performance.now();
  const socket = await (options.dial?.(options.timeoutMs) ?? dial(options));
  try {
    return await firstKey(options, algorithms, socket, options.timeoutMs - (performance.now() - startedMs));
  } finally {
    socket.destroy();
  }
}

function firstKey(
  options: ScanOptions,
  algorithms: ServerHostKeyAlgorithm[],
  socket: Wire,
  leftMs: number,
): Promise<ScannedHostKey> {
  const { client, signal } = options;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (code: ErrorCode, message: string): void => {
      stop();
      reject(new FleetError({ code, stage: 'handshake', message, client }));
    };
    const onAbort = (): void => {
      stop();
      reject(abortedError(signal, 'handshake', client ?? null));
    };
    const late = `no host key within ${options.timeoutMs} ms`;
    const timer = setTimeout(() => fail('handshake-timeout', late), Math.max(1, leftMs));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    const ssh = newClient();
    let greeting = '';
    const onData = (data: Buffer): void => {
      greeting += data.toString('latin1', 0, noticeBytes);
      if (greeting.length >= noticeBytes) socket.removeListener('data', onData);
    };
    socket.on('data', onData);
    const localAddress = socket.localAddress ?? null;
    const failHandshake = (message: string): void => {
      const broken = socket.brokenBy ?? null;
      if (broken !== null) {
        stop();
        reject(broken);
        return;
      }
      const notice = sshdRejection(greeting, localAddress);
      if (notice === null) fail('handshake-failed', message);
      else fail('sshd-rejection', notice);
    };
    ssh.on('error', (error) => failHandshake(messageOf(error)));
    socket.once('close', () => failHandshake('the connection was closed during the handshake'));
    ssh.on('end', () => socket.destroy());
    try {
      connectSsh2(ssh, {
        sock: socket,
        username: 'nobody',
        kex: options.kex,
        hostKeyAlgorithms: algorithms,
        // Offers no credentials, even if the server asks for a login.
        authHandler: [],
        judgeHostKey: (blob) => {
          const key = hostKeyOf(blob);
          const wrong = key === null ? 'the host key cannot be read' : dearHostKey(blob);
          if (key === null || wrong !== null) {
            fail('handshake-failed', wrong ?? 'the host key cannot be read');
          } else {
            stop();
            resolve({ ...key, fingerprint: fingerprint(blob) });
          }
          return false;
        },
      });
    } catch (thrown) {
      fail('handshake-failed', messageOf(thrown));
    }
  });
}
