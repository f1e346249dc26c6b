/** Logins to a server of the tests with given credentials. */
import assert from 'node:assert/strict';

import { FleetError, type ErrorCode, type Stage } from '../../../src/platform/errors/errors.ts';
import { hostName, parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import type { LoginKey } from '../../../src/transport/credentials/private-key.ts';
import { createSshTransport } from '../../../src/transport/ssh2/ssh.ts';
import type { Connection, ConnectOptions } from '../../../src/transport/transport.ts';
import { type SshTarget } from '../../../src/transport/ssh2/target.ts';
import type { Credentials } from '../../../src/transport/credentials/credentials.ts';

/** The common part of sshd.ts and hostile-server.ts. */
export interface TestServer {
  readonly port: number;
  hostKeyLine(address?: string): string;
}

export interface Login {
  readonly server: TestServer;
  readonly username: string;
  /** The credentials. `key` replaces a list `keys` of one key. */
  readonly credentials: Partial<Credentials> & { readonly key?: LoginKey };
  readonly target?: Partial<SshTarget>;
  readonly options?: Partial<ConnectOptions>;
}

export function connectTo({ server, username, credentials, target, options }: Login): Promise<Connection> {
  const { key, ...given } = credentials;
  const keys = key === undefined ? [] : [key];
  const nothing: Credentials = { password: null, keys, agent: null, problem: null, certificates: [] };
  const transport = createSshTransport({
    client: 'web-1',
    address: '127.0.0.1',
    port: server.port,
    username,
    knownAs: hostName('127.0.0.1', server.port),
    knownHosts: parseKnownHosts(`${server.hostKeyLine()}\n`, '/nowhere/known_hosts'),
    policy: 'strict',
    credentials: () => ({ ...nothing, ...given }),
    ...target,
  });
  const signal = new AbortController().signal;
  return transport.connect({ tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal, ...options });
}

/** Logs in, runs `true` and disconnects. */
export async function login(attempt: Login): Promise<void> {
  const connection = await connectTo(attempt);
  const channel = await connection.exec('true');
  assert.deepEqual(await channel.exit, { status: 0, signal: null });
  await connection.leave();
}

/** Returns the FleetError of a failed action. Fails if the action succeeds. */
export async function failure(action: Promise<unknown>): Promise<FleetError> {
  try {
    await action;
  } catch (thrown) {
    assert.ok(thrown instanceof FleetError, String(thrown));
    return thrown;
  }
  return assert.fail('it did not fail');
}

/** Checks code, stage and client (the last two if given) and message of an action's FleetError. Returns the error. */
export async function fails(
  action: Promise<unknown>,
  facts: ErrorCode | `${ErrorCode} ${Stage}` | `${ErrorCode} ${Stage} ${string}`,
  says = /./,
): Promise<FleetError> {
  const error = await failure(action);
  const [code, stage = error.stage, client = error.client] = facts.split(' ');
  assert.deepEqual([error.code, error.stage, error.client], [code, stage, client], error.message);
  assert.match(error.message, says);
  return error;
}

/** Checks that the login is refused with this error. */
export async function refused(attempt: Login, code: ErrorCode, says: RegExp): Promise<void> {
  const error = await fails(login(attempt), `${code} login`, says);
  const { password } = attempt.credentials;
  assert.ok(!password || !error.message.includes(password), 'the password stands in the message');
}
