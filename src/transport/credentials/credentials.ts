import { readFileSync } from 'node:fs';

import { errnoOf, FleetError } from '../../errors.ts';
import type { HopCredentials } from '../route/hop.ts';
import { EncryptedKey, loadPrivateKey, type LoginKey } from './private-key.ts';
import { SshAgent } from './ssh-agent.ts';
import { certificateBeside } from './user-certificate.ts';

/**
 * Reads the credentials that may be offered to a machine. `problem` names an unusable key or agent if there are other
 * credentials. Throws FleetError `credentials-unusable` if there are none, or `secret-missing`.
 */
export function revealCredentials(machine: string, wanted: HopCredentials): Credentials {
  const problems: FleetError[] = [];
  const socket = wanted.agent === 'env' ? (process.env['SSH_AUTH_SOCK'] ?? '') : wanted.agent;
  if (socket === '') problems.push(unusable(machine, 'agent="env", but $SSH_AUTH_SOCK is not set'));

  const keys: LoginKey[] = [];
  const named: Buffer[] = [];
  let picked = false;
  for (const { path, optional } of wanted.privateKeys) {
    try {
      const key = loadPrivateKey(path, wanted.passphrase?.reveal() ?? null);
      if (key.usable !== null) keys.push(key);
      else if (!socket) problems.push(unusable(machine, `${path} is a public key, which needs an ssh-agent`));
      else {
        named.push(key.publicBlob);
        picked = true;
      }
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      if (optional && errnoOf(thrown.cause) === 'ENOENT') continue;
      // The agent may hold the decrypted key.
      const half = socket && thrown.cause instanceof EncryptedKey ? publicHalf(path) : null;
      if (half === null) problems.push(thrown);
      else named.push(half);
    }
  }

  const password = wanted.password?.reveal() ?? null;
  const [first] = problems;
  if (first !== undefined && password === null && !socket && keys.length === 0) {
    const { code, stage, message, advice } = first;
    throw new FleetError({ client: machine, code, stage, message, advice, cause: first });
  }
  const certificates = wanted.privateKeys.map(({ path }) => certificateBeside(path)).filter((file) => file !== null);
  const agent = socket
    ? new SshAgent(socket, {
        named,
        namedOnly: wanted.identitiesOnly || picked,
        except: keys.map(({ publicBlob }) => publicBlob),
      })
    : null;
  return {
    password,
    keys,
    agent,
    problem: problems.length === 0 ? null : problems.map(({ message }) => message).join('; '),
    certificates,
  };
}

/** Removes the password if there is a key or agent, even one that cannot be read. */
export function besideKeys(credentials: Credentials): Credentials {
  const { keys, agent, problem } = credentials;
  const hasKey = keys.length > 0 || agent !== null || problem !== null;
  return hasKey ? { ...credentials, password: null } : credentials;
}

function publicHalf(path: string): Buffer | null {
  try {
    const [, base64 = ''] = readFileSync(`${path}.pub`, 'utf8').trim().split(/\s+/);
    const blob = Buffer.from(base64, 'base64');
    return blob.length > 0 ? blob : null;
  } catch {
    return null;
  }
}

function unusable(client: string, message: string): FleetError {
  return new FleetError({ client, code: 'credentials-unusable', stage: 'login', message });
}

/** The decrypted credentials that may be offered to a client. Default keys and unnamed agents are never offered. */
export interface Credentials {
  readonly password: string | null;
  /** The private keys in the order in which they are offered. */
  readonly keys: readonly LoginKey[];
  readonly agent: SshAgent | null;
  /** The reason why something that is configured is missing here; null if nothing is. */
  readonly problem: string | null;
  /** The certificate files beside the keys, which ssh2 cannot offer. */
  readonly certificates: readonly string[];
}
