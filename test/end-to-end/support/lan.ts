/**
 * A network of machines behind a router, in network namespaces: this machine -- router -- the machines. Those beyond
 * are in a subnet of their own behind the same router.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import { sshdOfSuite, type Sshd, type SshdOptions } from '../../support/ssh/sshd.ts';

export type Family = 'IPv4' | 'IPv6';

export interface LanMachine {
  readonly name: string;
  readonly addresses: Readonly<Record<Family, string>>;
  readonly sshd: Sshd;
}

export interface Lan {
  readonly machines: readonly LanMachine[];
  /** Switches a machine off, or on again. */
  power(machine: LanMachine, state: 'up' | 'down'): void;
  /** Lets the router drop what goes to a machine, or forward it again. */
  wayTo(machine: LanMachine, verb: 'add' | 'del'): void;
  /** Lets a machine drop what another sends, or answer it again. */
  deaf(machine: LanMachine, verb: 'add' | 'del', other: LanMachine): void;
  /** Loads chains of nftables of a table `inet`, on a machine or on the router. */
  filter(where: LanMachine | 'router', chains: string): void;
  /** Starts a server on a machine, at this port, that accepts and says nothing. */
  mute(machine: LanMachine, port: number): Promise<void>;
  /** Switches all machines on, and removes filters and mute servers. */
  mend(): void;
  remove(): void;
}

/** Returns the reason why no namespaces can be made here; `null` if they can. With CI set that is an error. */
export function namespacesMissing(): string | null {
  const name = `fh${randomBytes(4).toString('hex')}`;
  const made = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  const reason = made ? null : 'needs root and network namespaces (ip netns)';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

/** Returns the reason why no packets can be filtered here; `null` if they can. With CI set that is an error. */
export function filterMissing(): string | null {
  const reason = spawnSync('nft', ['--version']).status === 0 ? null : 'needs nft (nftables)';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Makes the network, with a server in each machine. */
export async function makeLan(
  machines: Readonly<Record<string, SshdOptions>>,
  beyond: readonly string[] = [],
): Promise<Lan> {
  const id = randomBytes(3).toString('hex');
  const router = `fhr${id}`;
  const names = Object.keys(machines);
  const namespaceOf = (name: string): string => `fhm${names.indexOf(name)}${id}`;
  const low = (randomBytes(1)[0] ?? 0) & 0xfc;
  const [near, lan, far] = [netOf(low), netOf(low + 1), netOf(low + 2)];
  const netWith = (name: string): Net => (beyond.includes(name) ? far : lan);
  const remove = (): void => {
    for (const name of [router, ...names.map(namespaceOf)]) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    makeRouter(router, id, { near, lans: [lan, far] });
    for (const [at, name] of names.entries()) {
      const namespace = namespaceOf(name);
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', router, 'link', 'add', `m${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('-n', router, 'link', 'set', `m${at}`, 'master', 'lan', 'up');
      for (const address of inNet(netWith(name)(at + 11)))
        ip('-n', namespace, 'addr', 'add', ...address, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      for (const address of families(netWith(name)(1))) ip('-n', namespace, 'route', 'add', 'default', 'via', address);
    }
    const mute: ChildProcess[] = [];
    const servers = await Promise.all(
      names.map((name) => sshdOfSuite({ ...machines[name], namespace: namespaceOf(name) })),
    );
    return {
      machines: names.map((name, at) => ({ name, addresses: netWith(name)(at + 11), sshd: servers[at] as Sshd })),
      power: ({ name }, state) => ip('-n', router, 'link', 'set', `m${names.indexOf(name)}`, state),
      wayTo: ({ addresses }, verb) => {
        for (const address of families(addresses)) ip('-n', router, 'route', verb, 'blackhole', address);
      },
      deaf: ({ name }, verb, { addresses }) => {
        for (const address of families(addresses)) ip('-n', namespaceOf(name), 'route', verb, 'blackhole', address);
      },
      filter: (where, chains) => {
        const namespace = where === 'router' ? router : namespaceOf(where.name);
        const args = ['netns', 'exec', namespace, 'nft', '-f', '-'];
        execFileSync('ip', args, { input: `table inet fh {\n${chains}\n}\n` });
      },
      mute: async ({ name }, port) => {
        const program = `require('net').createServer(()=>{}).listen(${port}, () => console.log('up'))`;
        const args = ['netns', 'exec', namespaceOf(name), process.execPath, '-e', program];
        const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
        mute.push(child);
        await once(child.stdout, 'data');
      },
      mend: () => {
        for (const child of mute.splice(0)) child.kill('SIGKILL');
        for (const at of names.keys()) ip('-n', router, 'link', 'set', `m${at}`, 'up');
        for (const name of [router, ...names.map(namespaceOf)])
          spawnSync('ip', ['netns', 'exec', name, 'nft', 'delete', 'table', 'inet', 'fh']);
      },
      remove,
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

type Addresses = LanMachine['addresses'];
type Net = (last: number) => Addresses;

/** Returns a net of both families. RFC 2544 reserves 198.18.0.0/15 for benchmarks, RFC 4193 fd00::/8 for local use. */
function netOf(number: number): Net {
  return (last) => ({ IPv4: `198.19.${number}.${last}`, IPv6: `fd19:fee7:0:${number}::${last === 0 ? '' : last}` });
}

function families({ IPv4, IPv6 }: Addresses): readonly string[] {
  return [IPv4, IPv6];
}

/** Returns arguments that give an interface these addresses, each to be used at once. */
function inNet({ IPv4, IPv6 }: Addresses): readonly (readonly string[])[] {
  return [[`${IPv4}/24`], [`${IPv6}/64`, 'nodad']];
}

function makeRouter(
  router: string,
  id: string,
  { near, lans }: { readonly near: Net; readonly lans: readonly Net[] },
): void {
  ip('netns', 'add', router);
  const forward = 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding';
  execFileSync('ip', ['netns', 'exec', router, 'sh', '-c', forward]);
  ip('link', 'add', `v${id}`, 'type', 'veth', 'peer', 'name', 'up0', 'netns', router);
  for (const address of inNet(near(1))) ip('addr', 'add', ...address, 'dev', `v${id}`);
  ip('link', 'set', `v${id}`, 'up');
  for (const address of inNet(near(2))) ip('-n', router, 'addr', 'add', ...address, 'dev', 'up0');
  ip('-n', router, 'link', 'set', 'up0', 'up');
  ip('-n', router, 'link', 'add', 'lan', 'type', 'bridge');
  for (const lan of lans)
    for (const address of inNet(lan(1))) ip('-n', router, 'addr', 'add', ...address, 'dev', 'lan');
  ip('-n', router, 'link', 'set', 'lan', 'up');
  for (const lan of lans) {
    ip('route', 'add', `${lan(0).IPv4}/24`, 'via', near(2).IPv4);
    ip('route', 'add', `${lan(0).IPv6}/64`, 'via', near(2).IPv6);
  }
}
