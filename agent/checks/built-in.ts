import { maxBuiltInChecks, maxCheckNameChars, type CheckResult } from '../../src/report/checks.ts';
import { printable } from '../probes/function-report.ts';
import type { BuiltInCheck } from '../probes/collected.ts';
import type { ChecksPart } from './run-checks.ts';

/** Longer figures are left out: a text and its figures have to fit into the output of a check. */
const maxPerfdataChars = 2000;

/**
 * Returns the results of people's own checks and behind them those that the agent has made itself, at most
 * `maxBuiltInChecks` and the bad ones first. Of two results with one name the first counts. Returns nothing if there
 * are no checks of either kind.
 */
export function withBuiltIn(own: ChecksPart | null, built: readonly BuiltInCheck[] = []): ChecksPart {
  if (built.length === 0) return own ?? {};
  const results = [...(own?.checks ?? [])];
  const most = results.length + maxBuiltInChecks;
  const names = new Set(results.map(({ name }) => name));
  for (const check of [...built.filter(({ state }) => state > 0), ...built.filter(({ state }) => state === 0)]) {
    const result = resultOf(check);
    if (results.length === most || names.has(result.name)) continue;
    names.add(result.name);
    results.push(result);
  }
  return { ...own, checks: results };
}

function resultOf({ name, state, text, perfdata, ageSeconds = 0 }: BuiltInCheck): CheckResult {
  const figures = perfdata === '' || perfdata.length > maxPerfdataChars ? '' : `|${perfdata}`;
  return {
    name: checkName(name),
    format: 'nagios',
    exit: state,
    why: null,
    output: printable(text).replaceAll('|', '/') + figures,
    age_s: ageSeconds,
  };
}

/** Counts bytes, as the shell agent does. */
function checkName(name: string): string {
  const bytes = Buffer.from(name).toString('latin1').slice(0, maxCheckNameChars);
  return bytes.replace(/[^\w.:/ -]/g, '_').replace(/ +$/, '');
}
