import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

export interface Network {
  /** The namespaces, each with its address towards the machine before it. */
  readonly bastion: { readonly namespace: string; readonly address: string };
  readonly inner: { readonly namespace: string; readonly address: string };
  remove(): void;
}

/** Returns the reason that no namespaces can be made here; `null` if they can. With CI set that is an error. */
export function namespacesMissing(): string | null {
  const name = `fh${randomBytes(4).toString('hex')}`;
  const made = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  const reason = made ? null : 'needs root and network namespaces (ip netns)';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

/**
 * Makes the networks: this machine -- bastion -- inner. Bastion and inner see each other; this machine sees the bastion
 * alone.
 */
export function makeNetwork(): Network {
  const id = randomBytes(3).toString('hex');
  const [bastion, inner] = [`fhb${id}`, `fhi${id}`];
  // RFC 2544 reserves 198.18.0.0/15 for such benchmarks.
  const [high, low] = randomBytes(2);
  const net = (last: number): string => `198.${18 + ((high ?? 0) % 2)}.${low ?? 0}.${last}`;
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const remove = (): void => {
    for (const name of [bastion, inner]) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of [bastion, inner]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    ip('link', 'add', `v${id}o`, 'type', 'veth', 'peer', 'name', `v${id}b`, 'netns', bastion);
    ip('-n', bastion, 'link', 'add', `v${id}c`, 'type', 'veth', 'peer', 'name', `v${id}i`, 'netns', inner);
    ip('addr', 'add', `${net(1)}/30`, 'dev', `v${id}o`);
    ip('-n', bastion, 'addr', 'add', `${net(2)}/30`, 'dev', `v${id}b`);
    ip('-n', bastion, 'addr', 'add', `${net(5)}/30`, 'dev', `v${id}c`);
    ip('-n', inner, 'addr', 'add', `${net(6)}/30`, 'dev', `v${id}i`);
    ip('link', 'set', `v${id}o`, 'up');
    for (const [name, device] of [
      [bastion, 'b'],
      [bastion, 'c'],
      [inner, 'i'],
    ] as const) {
      ip('-n', name, 'link', 'set', `v${id}${device}`, 'up');
    }
  } catch (thrown) {
    remove();
    throw thrown;
  }
  return { bastion: { namespace: bastion, address: net(2) }, inner: { namespace: inner, address: net(6) }, remove };
}
