import type { Client } from '../config/config.ts';
import { changedFault, FleetError } from '../platform/errors/errors.ts';
import { dialThrough, laneOf, limitsOf } from './bastions/bastion-pool.ts';
import { besideKeys, type Credentials } from './credentials/credentials.ts';
import { needsHostCertificate } from './known-hosts/host-key-check.ts';
import { createHttpTransport } from './http/http.ts';
import { withFurtherLogins } from './connection/further-logins.ts';
import { createLocalTransport } from './connection/local.ts';
import { opensshBesideKeys } from './openssh/openssh-arguments.ts';
import { serverName } from './openssh/openssh-only.ts';
import { opensshTarget } from './openssh/openssh-target.ts';
import { createOpensshTransport } from './openssh/openssh.ts';
import { lookupHost } from './known-hosts/known-hosts.ts';
import type { Hop } from './route/hop.ts';
import type { Route } from './route/route.ts';
import { createSshTransport } from './ssh2/ssh.ts';
import type { TransportShared } from './transport-shared.ts';
import type { AnyTransport, Connection, ConnectOptions, Transport } from './transport.ts';

/**
 * Returns the transport to a client that is asked for its reports. `connect` throws FleetError
 * `unsupported`, `config-invalid`, `secret-missing` or `credentials-unusable` for settings that cannot be used and for
 * unreadable secrets.
 */
export function transportFor(client: Client, shared: TransportShared): AnyTransport {
  const { name, arrival } = client;
  if (arrival.kind === 'asked') {
    return createHttpTransport({ client: name, url: arrival.url, key: () => shared.pushKeyOf(name) });
  }
  return commandTransportFor(client, shared);
}

/** Returns the transport to a client that runs commands. Throws as transportFor does. */
export function commandTransportFor(client: Client, shared: TransportShared): Transport {
  const { name, arrival } = client;
  if (arrival.kind === 'local') return createLocalTransport(name);
  if (arrival.kind !== 'ssh') throw new Error(`no commands run on ${name}`);
  return {
    connect: async (options) => {
      const { keyLogins } = shared;
      const keyAlone = [name, client.was].some((one) => one !== null && keyLogins.has(one));
      try {
        const logIn = async (own: ConnectOptions): Promise<Connection> =>
          await connectTo({ client, shared, options: own, keyAlone });
        const connection = await logIn(options);
        if (connection.byKey === true) keyLogins.note(name);
        return withFurtherLogins(connection, {
          logIn: (command) => logIn(options.ahead === undefined ? options : { ...options, ahead: command }),
          isOneChannel: () => shared.oneChannel.has(serverName(client)),
          noteOneChannel: () => shared.oneChannel.note(serverName(client)),
          signal: options.signal,
        });
      } catch (thrown) {
        const fault = unresolvedAlias(thrown, client, shared);
        throw keyAlone && client.ssh.password !== null ? withheldFault(fault, keyLogins.file) : fault;
      }
    },
  };
}

interface Attempt {
  readonly client: Client;
  readonly shared: TransportShared;
  readonly options: ConnectOptions;
  /** True if no password is offered beside a key. */
  readonly keyAlone: boolean;
}

/** Names the alias of ssh_config that an `ip` which does not resolve hides. Returns other faults unchanged. */
function unresolvedAlias(thrown: unknown, client: Client, shared: TransportShared): unknown {
  if (!(thrown instanceof FleetError) || thrown.code !== 'dns') return thrown;
  const file = shared.sshAliasOf(client);
  if (file === null) return thrown;
  const { name, address } = client;
  const rest = name === address ? '' : `, and write name="${address}"`;
  const advice = `${file} has a Host ${address}, which a client with ip is not looked up in: remove the ip${rest}.`;
  return changedFault(thrown, { advice });
}

/** Adds to a refused login that the password was not tried. Returns other faults unchanged. */
function withheldFault(thrown: unknown, file: string): unknown {
  if (!(thrown instanceof FleetError) || !['auth-failed', 'credentials-unusable'].includes(thrown.code)) return thrown;
  return changedFault(thrown, {
    message: `${thrown.message}; the password was not offered, because this client has taken a key before`,
    advice: `Mend the key there. If the password is to be offered again, remove the client's line from ${file}.`,
  });
}

/**
 * Resolves the route and connects. Routes are resolved on demand: a run may need few of them, and a fault concerns one
 * client.
 */
async function connectTo(attempt: Attempt): Promise<Connection> {
  const { client, shared } = attempt;
  const { via } = client.ssh;
  if (via === 'openssh') return await throughOpenssh(attempt);
  const route = shared.routeTo(client);
  const isAuto = via === 'auto';
  // `auto` takes OpenSSH for every unsupported option; ssh2 does without an option that is not needed.
  const lacking = route.unsupported.find(({ needed }) => isAuto || needed);
  const isBeyond = lacking !== undefined || needsCertificates(route, shared);
  if (isAuto && (isBeyond || shared.opensshOnly.has(serverName(client)))) return await throughOpenssh(attempt);
  if (lacking === undefined) {
    const connecting = connectThrough(route, attempt);
    return await (isAuto ? connecting.catch((thrown: unknown) => otherwise(thrown, attempt)) : connecting);
  }
  const { option, place, hop } = lacking;
  throw new FleetError({
    client: client.name,
    code: 'unsupported',
    stage: 'connect',
    message: `${option} (${place})${hop === client.name ? '' : ` of ${hop}`} is beyond the built-in transport`,
    advice:
      'Write transport="openssh", or transport="auto" to take it where it is needed; or end it with config="none".',
  });
}

/** Connects by OpenSSH after a server offered no algorithm of ssh2, and notes the server. Throws any other fault. */
async function otherwise(thrown: unknown, attempt: Attempt): Promise<Connection> {
  const cause = thrown instanceof FleetError && thrown.code === 'bastion-failed' ? thrown.cause : thrown;
  if (!(cause instanceof FleetError && cause.code === 'no-common-algorithm')) throw thrown;
  const connection = await throughOpenssh(attempt);
  attempt.shared.opensshOnly.note(serverName(attempt.client));
  return connection;
}

/**
 * True if known_hosts knows the host key of a machine on the route, or of the client, only by a certificate authority.
 */
function needsCertificates({ hops }: Route, shared: TransportShared): boolean {
  return hops.some((hop) => needsHostCertificate(shared.targetOf(hop)));
}

async function connectThrough({ hops }: Route, { client, shared, options, keyAlone }: Attempt): Promise<Connection> {
  const hop = hops[hops.length - 1];
  if (hop === undefined) throw new Error('a route without an end');
  const outer = hops.slice(0, -1);
  // The bastion has deadlines of its own. The client's deadlines begin after the bastion's login.
  const lane = laneOf(hop.address, options.hasFailedToResolve);
  const bastion =
    outer.length === 0 ? null : await shared.bastions.reach(outer, { client: client.name, lane }, options.signal);
  const dial = bastion === null ? {} : { dial: dialThrough(bastion, hop) };
  const target = shared.targetOf(hop);
  const credentials = (): Credentials => (keyAlone ? besideKeys(target.credentials()) : target.credentials());
  return await createSshTransport({ ...target, ...dial, credentials }).connect({
    ...options,
    ...limitsOf(hop, options),
  });
}

/** Connects by OpenSSH. A proxyJump of config.xml is followed here; ssh itself applies one of ssh_config. */
async function throughOpenssh({ client, shared, options, keyAlone }: Attempt): Promise<Connection> {
  const { proxyJump, explicit } = client.ssh;
  const isNeeded = proxyJump !== null || explicit['usernameOfSsh'] !== undefined;
  const route = isNeeded ? shared.routeTo(client) : routeIfAny(client, shared);
  const isKnown = (hop: Hop, knownAs: string): boolean =>
    lookupHost(shared.targetOf(hop).knownHosts, knownAs).keys.length > 0;
  const target = { ...opensshTarget(client, route, isKnown) };
  // ssh has no option for a user name of lower precedence than its files: the files are read here.
  if (explicit['usernameOfSsh'] !== undefined) target.username ??= route?.hops.at(-1)?.username ?? null;
  return await createOpensshTransport(keyAlone ? opensshBesideKeys(target) : target).connect(options);
}

/** Returns the route to a client. Returns null if this program cannot resolve it: ssh then says what is wrong. */
function routeIfAny(client: Client, shared: TransportShared): Route | null {
  try {
    return shared.routeTo(client);
  } catch {
    return null;
  }
}
