import type { Bastion, SshSettings } from './config.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './nearest.ts';
import type { Element } from './parse-elements.ts';
import type { SshLayer } from './ssh-settings.ts';

export interface ReadBastionsOptions {
  readonly elements: readonly Element[];
  readonly base: SshLayer;
  /** `<ssh>`, whose proxyJump is checked as well. */
  readonly sshElement: Element | null;
  readonly read: (element: Element, outer: SshLayer) => SshLayer;
  readonly finish: (layer: SshLayer) => SshSettings;
  readonly findings: Findings;
}

/** Every `<bastion>`, its own proxyJump checked: the bastion must exist, and the way must end. */
export function readBastions(options: ReadBastionsOptions): readonly Bastion[] {
  const { elements, base, sshElement, read, finish, findings } = options;
  // What <ssh> says of jumps and transports concerns clients: the way to a bastion through itself would never end.
  const inherited = Object.fromEntries(
    Object.entries(base).filter(([name]) => name !== 'proxyJump' && name !== 'transport'),
  ) as SshLayer;
  const bastions = new Map<string, Bastion>();
  const elementOf = new Map<string, Element>();
  for (const element of elements) {
    const layer = read(element, inherited);
    const { name, ip } = element.attributes;
    if (name === undefined || ip === undefined) continue;
    if (/[[\]]/.test(name + ip)) findings.fault(element, '<bastion> has a range; write one element for each bastion');
    if (layer.transport === 'local')
      findings.fault(element, `<bastion> "${name}" is local; a bastion is reached over SSH`);
    const first = elementOf.get(name);
    if (first !== undefined) {
      findings.fault(
        element,
        `a second bastion "${name}"; the first is at ${first.source.shown}:${first.line}, give it another name`,
      );
      continue;
    }
    elementOf.set(name, element);
    bastions.set(name, Object.freeze({ name, address: ip, port: layer.port ?? 22, ssh: finish(layer) }));
  }
  for (const [name, bastion] of bastions) {
    const element = elementOf.get(name);
    if (element === undefined) continue;
    checkJump(element, bastion.ssh.proxyJump, bastions, findings);
    if (comesBack(name, bastions)) {
      findings.fault(element, `<bastion> "${name}" is reached through itself; end the circle of proxyJump`);
    }
  }
  if (sshElement !== null) checkJump(sshElement, base.proxyJump ?? null, bastions, findings);
  return [...bastions.values()];
}

/** Tells when a proxyJump names no bastion. */
export function checkJump(
  element: Element,
  proxyJump: string | null,
  bastions: ReadonlyMap<string, Bastion>,
  findings: Findings,
): void {
  if (proxyJump === null || bastions.has(proxyJump)) return;
  const near = didYouMean(proxyJump, bastions.keys());
  const remedy = near === '' ? `; write <bastion name="${proxyJump}" ip="..."/>` : near;
  findings.fault(element, `<${element.name}> proxyJump="${proxyJump}" names no bastion${remedy}`);
}

function comesBack(name: string, bastions: ReadonlyMap<string, Bastion>): boolean {
  let at = bastions.get(name)?.ssh.proxyJump ?? null;
  for (let steps = 0; at !== null && steps < bastions.size; steps += 1) {
    if (at === name) return true;
    at = bastions.get(at)?.ssh.proxyJump ?? null;
  }
  return false;
}
