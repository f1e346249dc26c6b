import { stateDigest } from '../../src/report/state/state.ts';
import { stateLine, timeAndSize, type StateSource } from './state-source.ts';

/**
 * The folders of systemd.unit(5) in which people make units. Units of /usr/lib change with their packages, and what
 * people set in /etc/systemd/system.control, system.attached and user are files of /etc.
 */
export const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system'];

interface Unit {
  readonly words: Set<string>;
  readonly parts: string[];
  changedS: number;
}

/**
 * Units in /run that systemd makes for sessions, users and programs that are started once. People's units in /etc may
 * have such names.
 */
const transient = /^\/run\/systemd\/system\/(?:session-|run-|user@\d|user-\d)/;

/**
 * Returns the lines of units with files or drop-ins of their own, or that are enabled or masked:
 * `nginx.service<TAB>enabled DIGEST`.
 */
export function unitLines(source: StateSource): readonly string[] {
  const units = new Map<string, Unit>();
  const unitOf = (name: string): Unit => {
    const unit = units.get(name) ?? { words: new Set(), parts: [], changedS: 0 };
    units.set(name, unit);
    return unit;
  };
  const add = (name: string, part: string, changedS: number): void => {
    const unit = unitOf(name);
    unit.parts.push(part);
    unit.changedS = Math.max(unit.changedS, changedS);
  };
  for (const folder of unitFolders) {
    for (const entry of source.below(folder)) {
      const { path, kind, isOpen, changedS } = entry;
      const [first = '', second, ...more] = path.slice(folder.length + 1).split('/');
      if (kind === 'folder' || more.length > 0 || transient.test(path)) continue;
      if (kind === 'link') {
        const target = second === undefined ? source.linkName(path) : null;
        if (second === undefined) unitOf(first).words.add(linkWord(first, target));
        else if (/\.(wants|requires|upholds)$/.test(first)) unitOf(second).words.add('enabled');
        else if (first.endsWith('.d')) add(first.slice(0, -2), `${path} link`, changedS);
        continue;
      }
      const name = second === undefined ? first : /^(.+)\.d$/.exec(first)?.[1];
      if (name === undefined) continue;
      if (second === undefined && entry.sizeBytes === 0) unitOf(name).words.add('masked');
      else add(name, `${path} ${(isOpen ? source.digest(path, 'unit') : null) ?? timeAndSize(entry)}`, changedS);
    }
  }
  return [...units].flatMap(([name, { words, parts, changedS }]) => {
    const digest = parts.length === 0 ? [] : [stateDigest(parts)];
    const value = [...[...words].sort(), ...digest].join(' ');
    return parts.length === 0 ? stateLine(name, value) : stateLine(name, value, changedS);
  });
}

/** Returns the word of a link in a folder of units: it masks its unit, or names another one, as set-default does. */
function linkWord(name: string, target: string | null): string {
  if (target === 'null') return 'masked';
  return target === null || target === name ? 'linked' : `linked ${target}`;
}
