import { stateDigest } from '../../src/report/state/state.ts';
import { stateLine, timeAndSize, type StateSource } from './state-source.ts';

/** The folders of units that people make. Units of /usr/lib change with their packages. */
export const unitFolders = ['/etc/systemd/system', '/run/systemd/system'];

interface Unit {
  readonly words: Set<string>;
  readonly parts: string[];
  changedS: number;
}

/** Units that systemd makes for sessions and for programs that are started once. */
const transient = /^(session-|run-|user@|user-)/;

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
  for (const folder of unitFolders) {
    for (const entry of source.below(folder)) {
      const { path, kind, isOpen, changedS } = entry;
      const [first = '', second, ...more] = path.slice(folder.length + 1).split('/');
      if (kind === 'folder' || more.length > 0 || transient.test(first)) continue;
      if (kind === 'link') {
        if (second === undefined) unitOf(first).words.add(source.linkName(path) === 'null' ? 'masked' : 'linked');
        else if (/\.(wants|requires|upholds)$/.test(first)) unitOf(second).words.add('enabled');
        continue;
      }
      const name = second === undefined ? first : /^(.+)\.d$/.exec(first)?.[1];
      if (name === undefined) continue;
      const unit = unitOf(name);
      unit.parts.push(`${path} ${(isOpen ? source.digest(path, 'unit') : null) ?? timeAndSize(entry)}`);
      unit.changedS = Math.max(unit.changedS, changedS);
    }
  }
  return [...units].flatMap(([name, { words, parts, changedS }]) => {
    const digest = parts.length === 0 ? [] : [stateDigest(parts)];
    const value = [...[...words].sort(), ...digest].join(' ');
    return parts.length === 0 ? stateLine(name, value) : stateLine(name, value, changedS);
  });
}
