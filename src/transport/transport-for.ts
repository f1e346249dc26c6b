import { userInfo } from 'node:os';

import type { Client, SshSettings } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { loadKnownHosts, type KnownHosts } from './known-hosts.ts';
import { createLocalTransport } from './local.ts';
import type { Credentials } from './login.ts';
import { loadPrivateKey, type LoginKey } from './private-key.ts';
import { SshAgent } from './ssh-agent.ts';
import { createSshTransport } from './ssh.ts';
import type { Transport } from './transport.ts';

/** What the clients of one run share. */
export interface TransportShared {
  /** The known_hosts file of a path, read at its first use. */
  knownHosts(path: string): KnownHosts;
}

/** To be made once a run: known_hosts is read once, whatever the number of clients. */
export function createTransportShared(): TransportShared {
  const files = new Map<string, KnownHosts>();
  return {
    knownHosts: (path) => {
      const known = files.get(path) ?? loadKnownHosts(path);
      files.set(path, known);
      return known;
    },
  };
}

/**
 * The way to a client that its configuration asks for. Never throws: what this version cannot do, and secrets that
 * cannot be read, are refused by `connect` (FleetError `unsupported`, `secret-missing`, `credentials-unusable`).
 */
export function transportFor(client: Client, shared: TransportShared): Transport {
  const { ssh } = client;
  if (ssh.proxyJump !== null) {
    return refusing(client, `proxyJump="${ssh.proxyJump}": connecting through a bastion is not built yet`);
  }
  if (ssh.config !== null) return refusing(client, `config="${ssh.config}": ssh_config files are not read yet`);
  if (ssh.transport === 'openssh') return refusing(client, 'transport="openssh" is not built yet; "ssh2" is');
  if (ssh.transport === 'local') return createLocalTransport(client.name);
  return {
    connect: async (options) => {
      const transport = createSshTransport({
        client: client.name,
        address: client.address,
        port: client.port,
        username: ssh.username ?? userInfo().username,
        knownHosts: shared.knownHosts(ssh.knownHosts),
        policy: ssh.hostKeys,
        credentials: () => revealCredentials(client.name, ssh),
      });
      return await transport.connect(options);
    },
  };
}

function refusing(client: Client, message: string): Transport {
  const error = new FleetError({ client: client.name, code: 'unsupported', stage: 'connect', message });
  return { connect: () => Promise.reject(error) };
}

/** A key or agent that cannot be used is no reason to give up as long as there is something else to offer. */
function revealCredentials(client: string, ssh: SshSettings): Credentials {
  const problems: FleetError[] = [];
  let key: LoginKey | null = null;
  try {
    if (ssh.privateKey !== null) key = loadPrivateKey(ssh.privateKey, ssh.passphrase?.reveal() ?? null);
  } catch (thrown) {
    if (!(thrown instanceof FleetError)) throw thrown;
    problems.push(thrown);
  }
  const socket = ssh.agent === 'env' ? (process.env['SSH_AUTH_SOCK'] ?? '') : ssh.agent;
  if (socket === '') problems.push(unusable(client, 'agent="env", but $SSH_AUTH_SOCK is not set'));
  const onlyPublic = key !== null && key.usable === null;
  if (onlyPublic && !socket) {
    problems.push(unusable(client, `${ssh.privateKey ?? ''} is a public key, which needs an ssh-agent`));
  }
  const password = ssh.password?.reveal() ?? null;
  const [first] = problems;
  if (first !== undefined && password === null && !socket && !key?.usable) {
    const { code, stage, message, advice } = first;
    throw new FleetError({ client, code, stage, message, advice, cause: first });
  }
  return {
    password,
    key,
    agent: socket ? new SshAgent(socket, onlyPublic && key !== null ? key.publicBlob : null) : null,
    problem: problems.length === 0 ? null : problems.map(({ message }) => message).join('; '),
  };
}

function unusable(client: string, message: string): FleetError {
  return new FleetError({ client, code: 'credentials-unusable', stage: 'login', message });
}
