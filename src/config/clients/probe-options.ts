import { remembered } from '../../platform/remembered.ts';
import type { ProbeOptions } from '../../report/wire.ts';
import type { Rule } from '../config.ts';
import { isGlob, splitGlobs } from '../values/globs.ts';

/** The most bytes of JSON that fit into the exec string beside everything else. */
export const maxProbeOptionBytes = 3500;

/**
 * Returns a function that makes the options by which the agent reports what rules judge: units and mounts that are
 * named (patterns judge what is reported anyway), and the patterns of process names that are counted. The same object
 * for the same list of rules.
 */
export function createProbeOptions(): (rules: readonly Rule[]) => ProbeOptions {
  const shared = new Map<string, ProbeOptions>();
  return remembered((rules) => {
    const options = optionsOf(rules);
    const key = JSON.stringify(options);
    const result = shared.get(key) ?? options;
    shared.set(key, result);
    return result;
  });
}

function optionsOf(rules: readonly Rule[]): ProbeOptions {
  const units = new Set<string>();
  const processes = new Set<string>();
  const mounts = new Set<string>();
  for (const { type, metric, selectors } of rules) {
    if (type === 'service' || metric?.startsWith('unit_') === true) addLiteral(units, selectors['unit']);
    // A rule that names a mount measures it, whatever its type.
    addLiteral(mounts, selectors['mount']);
    const match = type === 'process' || metric?.startsWith('process_match_') === true ? selectors['match'] : undefined;
    if (match !== undefined) processes.add(match);
  }
  const wanted = Object.entries({ units, processes, mounts }).filter(([, names]) => names.size > 0);
  return Object.freeze(Object.fromEntries(wanted.map(([probe, names]) => [probe, Object.freeze([...names])])));
}

function addLiteral(names: Set<string>, patterns: string | undefined): void {
  for (const name of splitGlobs(patterns ?? '')) {
    if (!isGlob(name) && !name.startsWith('!')) names.add(name);
  }
}
