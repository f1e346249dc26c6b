import { append } from '../../platform/group-by.ts';
import type { Bastion, Client, SshSettings } from '../../config/config.ts';
import { parseJumps } from '../../config/values/jumps.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import type { Hop } from './hop.ts';
import { bastionMachine, clientMachine, jumpMachine, type Machine } from './machine.ts';
import { offeredKeyExchanges } from './offered-key-exchanges.ts';
import { resolveHop, type ResolveHopOptions } from './resolve-hop.ts';
import type { PassedOver, Route, Unsupported } from './route.ts';
import type { SshConfigReader, SshConfigReading } from '../ssh-config/ssh-config-reader.ts';

export interface RouteWorld {
  readonly bastions: ReadonlyMap<string, Bastion>;
  readonly clients: ReadonlyMap<string, Client>;
  /** The settings of `<ssh>` for machines that only a proxyJump names. */
  readonly jumpHosts: SshSettings;
  readonly sshConfig: SshConfigReader;
  /**
   * Returns the credential beside a key file that only OpenSSH can offer: `its certificate FILE` or `a security key`.
   * Returns null if there is none.
   */
  readonly besideKey: (file: string) => string | null;
  readonly keyExists: (file: string) => boolean;
  /** True if config.xml sets the connection timeouts. */
  readonly timeoutsExplicit: boolean;
}

const nothingElse = 'there is no private key, password or ssh-agent';

/** The largest number of hops. A longer route is a cycle in practice. */
const maxHops = 16;

interface Walk {
  readonly client: string;
  readonly world: RouteWorld;
  readonly unsupported: Unsupported[];
  readonly notes: string[];
  readonly passedOver: PassedOver[];
}

/**
 * Resolves the route to a client or bastion: every machine on it, with its effective settings. Throws FleetError
 * `config-invalid` for a cyclic route, and for an ssh_config that ssh rejects.
 */
export function resolveRoute(target: Client | Bastion, world: RouteWorld): Route {
  const walk: Walk = { client: target.name, world, unsupported: [], notes: [], passedOver: [] };
  const machine = 'addressExplicit' in target ? clientMachine(target) : bastionMachine(target);
  const hops = hopsTo(machine, walk, 0);
  return {
    hops,
    unsupported: walk.unsupported,
    notes: [...new Set(walk.notes)],
    passedOver: walk.passedOver,
    sshConfigFiles: machine.sshConfigFiles,
  };
}

function hopsTo(machine: Machine, walk: Walk, depth: number): readonly Hop[] {
  const reading = readingOf(machine, walk);
  const { proxyJump, place, fromSsh } = jumpsOf(machine, reading);
  if (proxyJump === null) return [hopOf(machine, reading, null, walk)];
  const jumps = parseJumps(proxyJump);
  if (jumps === null || depth + jumps.length > maxHops) {
    const why = jumps === null ? 'is no way that can be followed' : 'comes back to where it began, or is too long';
    throw new FleetError({
      client: walk.client,
      code: 'config-invalid',
      stage: 'config',
      message: `${place}: proxyJump "${proxyJump}" ${why}`,
      advice: `Mend it; \`fleet-health check ${walk.client}\` shows the route.`,
    });
  }
  const machines = jumps.map((jump): Machine => {
    // A jump from ssh_config is a host of ssh_config, even if config.xml has a machine of the same name.
    const known = jump.bare && !fromSsh ? machineOf(jump.host, walk.world) : null;
    const files = fromSsh ? machine.sshConfigFiles : null;
    return known ?? jumpMachine(jump, { ssh: walk.world.jumpHosts, place, sshConfigFiles: files });
  });
  const behind = fromSsh ? 'ssh_config' : 'config.xml';
  const [first, ...others] = machines;
  // Only the first machine has a route of its own. Each further machine is reached through the previous machine, as
  // with `ssh -J`.
  const outer = first === undefined ? [] : hopsTo(first, walk, depth + jumps.length);
  const inner = others.map((other) => hopOf(other, readingOf(other, walk), behind, walk));
  return [...outer, ...inner, hopOf(machine, reading, behind, walk)].map(asBastion);
}

/** Marks a client as a bastion if other machines are reached through it. */
function asBastion(hop: Hop, index: number, hops: readonly Hop[]): Hop {
  return hop.kind === 'client' && index < hops.length - 1 ? { ...hop, kind: 'bastion' } : hop;
}

function machineOf(name: string, { bastions, clients }: RouteWorld): Machine | null {
  const bastion = bastions.get(name);
  if (bastion !== undefined) return bastionMachine(bastion);
  const client = clients.get(name);
  return client === undefined ? null : clientMachine(client);
}

function readingOf(machine: Machine, { world }: Walk): SshConfigReading | null {
  const { asked, ssh, addressExplicit, address, sshConfigFiles } = machine;
  if (sshConfigFiles.length === 0) return null;
  const user = machine.username ?? (ssh.explicit['username'] === undefined ? null : ssh.username);
  return world.sshConfig.ask(sshConfigFiles, { host: asked, user, address: addressExplicit ? address : null });
}

function jumpsOf({ ssh, place: own }: Machine, reading: SshConfigReading | null) {
  const place = ssh.explicit['proxyJump'];
  if (place !== undefined) return { proxyJump: ssh.proxyJump, place: place === '' ? own : place, fromSsh: false };
  const jump = reading?.values.proxyJump ?? null;
  if (jump === null) return { proxyJump: ssh.proxyJump, place: own, fromSsh: false };
  return { proxyJump: jump.value === 'none' ? null : jump.value, place: jump.place, fromSsh: true };
}

function hopOf(
  machine: Machine,
  reading: SshConfigReading | null,
  behind: ResolveHopOptions['behind'],
  walk: Walk,
): Hop {
  const { world, unsupported, notes } = walk;
  const { self } = world.sshConfig;
  const hop = resolveHop({ machine, reading, behind, self, timeoutsExplicit: world.timeoutsExplicit });
  const { privateKeys, agent, password } = hop.credentials;
  const name = (option: string, place: string, needed: boolean): void =>
    void unsupported.push({ option, place, hop: hop.name, needed });
  if (reading !== null) {
    const { answer, values } = reading;
    // An additional login method matters only if there is no other: Debian's own ssh_config enables GSSAPI for every
    // host.
    const hasOther =
      agent !== null ||
      password !== null ||
      privateKeys.some(({ path: file, optional }) => !optional || world.keyExists(file));
    for (const { option, place, needed } of answer.opensshOnly) {
      if (needed) name(option, place, true);
      // Where keys are looked for and none is found, a missing key is the fault, and the login names it.
      else if (!hasOther) name(`${option} (${nothingElse})`, place, privateKeys.length === 0);
    }
    // A proxyJump in config.xml overrides the ProxyCommand.
    if (values.proxyCommand !== null && machine.ssh.explicit['proxyJump'] === undefined) {
      name('ProxyCommand', values.proxyCommand.place, true);
    }
    if (values.kex !== null && hop.kex === values.kex.value && offeredKeyExchanges(hop.kex).length === 0) {
      name('KexAlgorithms', values.kex.place, true);
    }
    const ownKey = machine.ssh.explicit['privateKey'] !== undefined;
    for (const { place } of ownKey ? [] : values.certificateFiles) name('CertificateFile', place, true);
    append(notes, values.notes);
    for (const passed of answer.passedOver) walk.passedOver.push({ ...passed, hop: hop.name });
  }
  const ownKex = machine.ssh.explicit['kex'];
  if (ownKex !== undefined && offeredKeyExchanges(hop.kex).length === 0) {
    name('keyExchange', ownKex === '' ? machine.place : ownKex, true);
  }
  for (const { path: file } of privateKeys) {
    const beside = world.besideKey(file);
    if (beside !== null)
      name(`${beside} (${file})`, hop.values.find((value) => value.name === 'privateKey')?.source ?? '', false);
  }
  return hop;
}
