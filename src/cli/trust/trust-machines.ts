import { append } from '../../platform/group-by.ts';
import type { Bastion, Client, Config } from '../../config/config.ts';
import { asFleetError, FleetError } from '../../platform/errors/errors.ts';
import { remembered } from '../../platform/remembered.ts';
import type { Hop } from '../../transport/route/hop.ts';
import type { Route } from '../../transport/route/route.ts';
import type { TransportShared } from '../../transport/transport-shared.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { chooseClients, isWholeFleet } from '../command/settings.ts';
import { usesSsh } from '../../config/clients/arrival.ts';
import type { trustParameters } from './parameters.ts';

/** A machine whose host key may be trusted: a client, or a hop before it. */
export interface TrustMachine {
  readonly name: string;
  readonly kind: 'client' | 'bastion';
  readonly address: string;
  readonly port: number;
  /** null: reached without SSH, or its route cannot be resolved. */
  readonly route: TrustRoute | null;
  /** The fault of the route, which prevents asking. If `route` is not null, a file may still vouch for the machine. */
  readonly fault: FleetError | null;
}

export interface TrustRoute {
  readonly hop: Hop;
  /** The machines on the route before the hop, nearest to the collector first. */
  readonly outer: readonly Hop[];
}

/** Names of clients, bastions and other hops; a group and labels. Nothing: all clients that are visited. */
type TrustChoice = Pick<OptionsOf<typeof trustParameters>, 'clients' | 'group' | 'label'>;

/** Returns the selected machines and the hops before them, each once. Throws FleetError `usage`. */
export function trustMachines(
  config: Config,
  choice: TrustChoice,
  shared: Pick<TransportShared, 'routeTo'>,
): readonly TrustMachine[] {
  const routes = createRoutes(shared);
  const targets: (Client | Bastion)[] = [];
  const jumps: TrustMachine[] = [];
  const names: string[] = [];
  for (const name of choice.clients) {
    const bastion = config.bastions.find((one) => one.name === name);
    // A machine that only a proxyJump names appears in messages of the clients behind it, so its name is accepted too.
    const isClient = config.clients.some((client) => client.name === name);
    const jump = bastion === undefined && !isClient && name.length > 0 ? findJump(name, config, routes) : null;
    if (bastion !== undefined) targets.push(bastion);
    else if (jump !== null) append(jumps, jump);
    else names.push(name);
  }
  const all = choice.clients.length === 0;
  const selection = { clients: names, group: choice.group, label: choice.label };
  if (all || !isWholeFleet(selection)) {
    append(targets, chooseClients(config, selection));
  }
  const machines = new Map<string, TrustMachine>();
  for (const machine of [...jumps, ...targets.flatMap((target) => machinesOf(target, routes))]) {
    const key = keyOf(machine);
    if (!machines.has(key)) machines.set(key, machine);
  }
  return [...machines.values()];
}

type Routes = (target: Client | Bastion) => Route | FleetError;

function createRoutes(shared: Pick<TransportShared, 'routeTo'>): Routes {
  return remembered((target) => {
    try {
      return shared.routeTo(target);
    } catch (thrown) {
      return asFleetError(thrown, { code: 'internal', stage: 'config', client: target.name });
    }
  });
}

function machinesOf(target: Client | Bastion, routes: Routes): readonly TrustMachine[] {
  const { name, address, port } = target;
  const kind = 'addressExplicit' in target ? 'client' : 'bastion';
  const alone: TrustMachine = { name, kind, address, port, route: null, fault: null };
  if (!usesSsh(target)) return [alone];
  const route = routes(target);
  if (route instanceof FleetError) return [{ ...alone, fault: route }];
  const command = route.unsupported.find(({ option }) => option === 'ProxyCommand');
  if (command === undefined) return machinesAlong(route);
  const fault = throughCommand(name, command.place);
  return machinesAlong(route)
    .slice(-1)
    .map((machine) => ({ ...machine, fault }));
}

function machinesAlong({ hops }: Route): readonly TrustMachine[] {
  return hops.map((hop, index) => {
    const { name, kind, address, port } = hop;
    return { name, kind, address, port, route: { hop, outer: hops.slice(0, index) }, fault: null };
  });
}

function findJump(name: string, { clients, bastions }: Config, routes: Routes): readonly TrustMachine[] | null {
  for (const target of [...bastions, ...clients]) {
    if (!usesSsh(target)) continue;
    const route = routes(target);
    if (route instanceof FleetError) continue;
    const index = route.hops.findIndex((hop) => hop.name === name);
    if (index !== -1) return machinesAlong(route).slice(0, index + 1);
  }
  return null;
}

function throughCommand(client: string, place: string): FleetError {
  return new FleetError({
    client,
    code: 'unsupported',
    stage: 'connect',
    message: `ProxyCommand (${place}) is for ssh alone`,
    advice: 'Connect once with ssh and compare the fingerprint that it shows; or use --from FILE with its key.',
  });
}

/** Identifies a machine by its name in known_hosts and its route, so that each machine is asked once. */
function keyOf({ name, kind, address, port, route }: TrustMachine): string {
  if (route === null) return JSON.stringify([kind, name]);
  const { hop, outer } = route;
  return JSON.stringify([
    name,
    hop.knownAs,
    hop.knownHosts,
    address,
    port,
    outer.map((one) => [one.knownAs, one.name]),
  ]);
}
