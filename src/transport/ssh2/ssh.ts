import { FleetError } from '../../platform/errors/errors.ts';
import { dial } from '../connection/dial.ts';
import { corkWrites } from '../connection/cork-writes.ts';
import { sshConnection, type SshSession } from './ssh-connection.ts';
import { Handshake, MustWait } from './ssh-handshake.ts';
import type { ConnectOptions, Transport } from '../transport.ts';
import type { Wire } from '../connection/wire.ts';
import type { SshTarget } from './target.ts';
import { noKeyAdvice, type Credentials } from '../credentials/credentials.ts';

/**
 * Creates a transport that speaks SSH in this process, by ssh2. `connect` throws FleetError with stage resolve,
 * connect, handshake or login. The deadline of each stage ends a connection to a silent client and destroys its socket.
 */
export function createSshTransport(target: SshTarget): Transport {
  return { connect: (options) => logIn(target, options, sshConnection) };
}

/** Logs in and calls `take` with the session in the same turn, because `take` has to listen before the next event. */
export async function logIn<T>(
  target: SshTarget,
  options: ConnectOptions,
  take: (session: SshSession) => T,
): Promise<T> {
  const startedMs = performance.now();
  const credentials = target.credentials();
  try {
    requireSomething(target, credentials);
    const attempt = async (ahead: string | null, withoutFirst: boolean): Promise<T> => {
      let lastAddress: string | null = null;
      const wire = await (target.dial ?? dialHere(target, (address) => (lastAddress = address)))(options);
      const parts = { target, options, credentials, wire, startedMs, take, ahead, withoutFirst };
      return await new Handshake(parts).run().catch((thrown: unknown) => {
        throw atLastAddress(thrown, target, lastAddress);
      });
    };
    try {
      return await attempt(options.ahead ?? null, false);
    } catch (thrown) {
      if (!(thrown instanceof MustWait)) throw thrown;
      return await attempt(null, thrown.firstWasRefused);
    }
  } finally {
    credentials.agent?.close();
  }
}

/** Returns the error of a name that did not resolve in place of a host key's error. Returns other errors unchanged. */
function atLastAddress(thrown: unknown, { client, address }: SshTarget, lastAddress: string | null): unknown {
  if (lastAddress === null || !(thrown instanceof FleetError) || !/^host-key-/.test(thrown.code)) return thrown;
  const message = `${address} did not resolve in time, and its last address ${lastAddress} shows another host key`;
  return new FleetError({ client, code: 'dns', stage: 'resolve', message, cause: thrown });
}

function dialHere(
  { client, address, port, names, family = 0 }: SshTarget,
  onLastAddress: (address: string) => void,
): (options: ConnectOptions) => Promise<Wire> {
  return async ({ tcpTimeoutMs, connectTimeoutMs, signal, onDial }) => {
    const timeoutMs = Math.min(tcpTimeoutMs, connectTimeoutMs);
    return corkWrites(
      await dial({ client, host: address, port, family, timeoutMs, signal, onDial, names, onLastAddress }),
    );
  };
}

function requireSomething(target: SshTarget, { password, keys, agent, problem }: Credentials): void {
  if (password !== null || agent !== null || keys.length > 0) return;
  const { client } = target;
  const message = problem ?? 'neither password nor privateKey nor agent is configured';
  throw new FleetError({ client, code: 'credentials-unusable', stage: 'login', message, advice: noKeyAdvice });
}
