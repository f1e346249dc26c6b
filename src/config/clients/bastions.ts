import type { Bastion, SshSettings } from '../config.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { SshLayer } from '../settings/ssh-settings.ts';

export interface ReadBastionsOptions {
  readonly elements: readonly Element[];
  /** The inherited settings of machines on a route: see `jumpLayer`. */
  readonly base: SshLayer;
  readonly read: (element: Element, outer: SshLayer) => SshLayer;
  readonly finish: (layer: SshLayer) => SshSettings;
  readonly findings: Findings;
}

/** A bastion and its element. */
export interface ReadBastion {
  readonly bastion: Bastion;
  readonly element: Element;
}

/**
 * Returns the settings of `<ssh>` that hold for machines on a route. Jumps and transports concern clients alone, and a
 * route to a bastion through itself would never end.
 */
export function jumpLayer(ssh: SshLayer): SshLayer {
  const isTheirs = ([name]: [string, unknown]): boolean => name !== 'proxyJump' && name !== 'transport';
  const explicit = Object.fromEntries(Object.entries(ssh.explicit ?? {}).filter(isTheirs));
  return {
    ...(Object.fromEntries(Object.entries(ssh).filter(isTheirs)) as SshLayer),
    explicit: Object.freeze(explicit),
  };
}

/** Reads every `<bastion>`. Keeps the first of equal names and reports a fault for the others. */
export function readBastions({ elements, base, read, finish, findings }: ReadBastionsOptions): readonly ReadBastion[] {
  const found = new Map<string, ReadBastion>();
  for (const element of elements) {
    const layer = read(element, base);
    const { name, ip } = element.attributes;
    if (name === undefined || ip === undefined) continue;
    if (/[[\]]/.test(name + ip)) findings.fault(element, '<bastion> has a range; write one element for each bastion');
    if (layer.transport === 'local')
      findings.fault(element, `<bastion> "${name}" is local; a bastion is reached over SSH`);
    const first = found.get(name)?.element;
    if (first !== undefined) {
      const where = `${first.source.shown}:${first.line}`;
      findings.fault(element, `a second bastion "${name}"; the first is at ${where}, give it another name`);
      continue;
    }
    const { shown: file } = element.source;
    const bastion = { name, address: ip, port: layer.port ?? 22, ssh: finish(layer), file, line: element.line };
    found.set(name, { bastion: Object.freeze(bastion), element });
  }
  return [...found.values()];
}
