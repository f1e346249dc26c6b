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
  /** Name in errors. */
  readonly client?: string;
  readonly host: string;
  readonly port: number;
  /** Of the address, where it is dialled from here; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** The key exchanges to offer, as `kex` says it; default: the usual ones. */
  readonly kex?: string | null;
  /** What SSH is spoken over, within so many ms; default: TCP, dialled from here. Throws FleetError. */
  readonly dial?: (timeoutMs: number) => Promise<Wire>;
  /** For each of the three connections, until the key was seen. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A key that a server showed; nobody has vouched for it yet. */
export interface ScannedHostKey extends HostKey {
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** One connection asks for one kind, because a server shows one key a connection. */
const kinds: readonly ServerHostKeyAlgorithm[][] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
];

/**
 * The host keys that a server shows, Ed25519, ECDSA and RSA in this order, each in a connection that is ended before
 * any login. At least one; throws FleetError with stage resolve, connect or handshake otherwise.
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
      reject(new FleetError({ code, stage: 'handshake', message, ...(client === undefined ? {} : { client }) }));
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
        // Nothing is offered, were the server ever to ask.
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
