import { remembered } from '../../platform/remembered.ts';
import type { ProbeOptions } from '../../report/wire.ts';
import type { Rule } from '../config.ts';
import { logPriorities } from '../../report/log-lines.ts';
import { usualLogPriority } from '../values/log-expressions.ts';
import { isGlob, splitGlobs } from '../values/globs.ts';

/** The most bytes of JSON, of options and checks, that fit into the exec string beside its other parts. */
export const maxRequestOptionBytes = 3100;

/**
 * Returns a function that makes the options by which the agent reports the figures that rules evaluate: named units and
 * mounts, the patterns of counted process names, and the lines of logs. Patterns of units and mounts need no option,
 * because they evaluate the usual report. Returns the same object for the same list of rules.
 */
export function createProbeOptions(excerpt: boolean): (rules: readonly Rule[], withLogs: boolean) => ProbeOptions {
  const shared = new Map<string, ProbeOptions>();
  const create = (withLogs: boolean): ((rules: readonly Rule[]) => ProbeOptions) =>
    remembered((rules) => {
      const options = optionsOf(rules, withLogs, excerpt);
      const key = JSON.stringify(options);
      const result = shared.get(key) ?? options;
      shared.set(key, result);
      return result;
    });
  const [plain, logged] = [create(false), create(true)];
  return (rules, withLogs) => (withLogs ? logged : plain)(rules);
}

function optionsOf(rules: readonly Rule[], withLogs: boolean, excerpt: boolean): ProbeOptions {
  const units = new Set<string>();
  const processes = new Set<string>();
  const mounts = new Set<string>();
  const logs = new Set(withLogs ? [askOfLog({})] : []);
  for (const { type, metric, selectors } of rules) {
    if (type === 'service' || metric?.startsWith('unit_') === true) addLiteral(units, selectors['unit']);
    // A mount that a rule names is measured whatever its type.
    addLiteral(mounts, selectors['mount']);
    const match = type === 'process' || metric?.startsWith('process_match_') === true ? selectors['match'] : undefined;
    if (match !== undefined) processes.add(match);
    if (type === 'log') logs.add(askOfLog(selectors));
  }
  const wanted = Object.entries({ units, processes, mounts, logs }).filter(([, names]) => names.size > 0);
  const lists = Object.fromEntries(wanted.map(([probe, names]) => [probe, Object.freeze([...names])]));
  return Object.freeze(excerpt ? lists : { ...lists, noExcerpts: true });
}

/** Returns the option for the log lines that a rule of type log counts, see ProbeOptions. */
function askOfLog({ match, priority = usualLogPriority }: Rule['selectors']): string {
  return [logPriorities.indexOf(priority), ...(match === undefined ? [] : [match])].join(' ');
}

function addLiteral(names: Set<string>, patterns: string | undefined): void {
  for (const name of splitGlobs(patterns ?? '')) {
    if (!isGlob(name) && !name.startsWith('!')) names.add(name);
  }
}
