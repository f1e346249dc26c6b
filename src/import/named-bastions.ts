import { parseJumps } from '../config/values/jumps.ts';
import { didYouMean } from '../config/values/nearest.ts';
import type { ImportedBastion, ImportedHost } from './imported.ts';

/**
 * Gives bastions of equal content one name, and other bastions another name than each other and than every machine.
 * Writes a jump whose name would be taken for a misspelt bastion as `ssh://NAME`.
 */
export function withNamedBastions(hosts: readonly ImportedHost[]): readonly ImportedHost[] {
  const names = new Set(hosts.map(({ name }) => name));
  const byContent = new Map<string, ImportedBastion>();
  const named = hosts.map((host) => {
    if (host.bastion === null) return host;
    const content = JSON.stringify(host.bastion);
    const known = byContent.get(content) ?? { ...host.bastion, name: freeName(host.bastion.name, names) };
    byContent.set(content, known);
    names.add(known.name);
    return { ...host, bastion: known, proxyJump: known.name };
  });
  const bastions = [...byContent.values()].map(({ name }) => name);
  if (bastions.length === 0) return named;
  const plain = (jumps: string | null): string | null => withoutLikeness(jumps, names, bastions);
  return named.map((host) => {
    const bastion = host.bastion === null ? null : { ...host.bastion, proxyJump: plain(host.bastion.proxyJump) };
    return { ...host, bastion, proxyJump: plain(host.proxyJump) };
  });
}

function freeName(wanted: string, names: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!names.has(name)) return name;
  }
}

function withoutLikeness(jumps: string | null, names: ReadonlySet<string>, bastions: readonly string[]): string | null {
  const parts = jumps?.split(',').map((part) => part.trim());
  const plain = parts?.map((part) => {
    const [jump] = parseJumps(part) ?? [];
    const isLike = jump?.bare === true && !names.has(jump.host) && didYouMean(jump.host, bastions) !== '';
    return isLike ? `ssh://${part}` : part;
  });
  return plain?.join(',') ?? null;
}
