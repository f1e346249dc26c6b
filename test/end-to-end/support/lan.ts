/** A network of machines behind a router, in network namespaces: this machine -- router -- the machines. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { sshdOfSuite, type Sshd, type SshdOptions } from '../../support/ssh/sshd.ts';

export interface LanMachine {
  readonly name: string;
  readonly address: string;
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

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Makes the network, with a server in each machine. */
export async function makeLan(machines: Readonly<Record<string, SshdOptions>>): Promise<Lan> {
  const id = randomBytes(3).toString('hex');
  const router = `fhr${id}`;
  const names = Object.keys(machines);
  const namespaceOf = (name: string): string => `fhm${names.indexOf(name)}${id}`;
  // RFC 2544 reserves 198.18.0.0/15 for such benchmarks.
  const low = (randomBytes(1)[0] ?? 0) & 0xfe;
  const [near, lan] = [(last: number) => `198.19.${low}.${last}`, (last: number) => `198.19.${low + 1}.${last}`];
  const remove = (): void => {
    for (const name of [router, ...names.map(namespaceOf)]) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    makeRouter(router, id, { near, lan });
    for (const [at, name] of names.entries()) {
      const namespace = namespaceOf(name);
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', router, 'link', 'add', `m${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('-n', router, 'link', 'set', `m${at}`, 'master', 'lan', 'up');
      ip('-n', namespace, 'addr', 'add', `${lan(at + 11)}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      ip('-n', namespace, 'route', 'add', 'default', 'via', lan(1));
    }
    const servers = await Promise.all(
      names.map((name) => sshdOfSuite({ ...machines[name], namespace: namespaceOf(name) })),
    );
    return {
      machines: names.map((name, at) => ({ name, address: lan(at + 11), sshd: servers[at] as Sshd })),
      power: ({ name }, state) => ip('-n', router, 'link', 'set', `m${names.indexOf(name)}`, state),
      wayTo: ({ address }, verb) => ip('-n', router, 'route', verb, 'blackhole', `${address}/32`),
      deaf: ({ name }, verb, { address }) => ip('-n', namespaceOf(name), 'route', verb, 'blackhole', `${address}/32`),
      remove,
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

type Net = (last: number) => string;

function makeRouter(router: string, id: string, { near, lan }: { readonly near: Net; readonly lan: Net }): void {
  ip('netns', 'add', router);
  execFileSync('ip', ['netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  ip('link', 'add', `v${id}`, 'type', 'veth', 'peer', 'name', 'up0', 'netns', router);
  ip('addr', 'add', `${near(1)}/24`, 'dev', `v${id}`);
  ip('link', 'set', `v${id}`, 'up');
  ip('-n', router, 'addr', 'add', `${near(2)}/24`, 'dev', 'up0');
  ip('-n', router, 'link', 'set', 'up0', 'up');
  ip('-n', router, 'link', 'add', 'lan', 'type', 'bridge');
  ip('-n', router, 'addr', 'add', `${lan(1)}/24`, 'dev', 'lan');
  ip('-n', router, 'link', 'set', 'lan', 'up');
  ip('route', 'add', `${lan(0)}/24`, 'via', near(2));
}
