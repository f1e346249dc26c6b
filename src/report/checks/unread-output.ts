/** Names the parts of the output of checks that are not taken, for whoever tries a check. */
import type { CheckResult } from '../checks.ts';
import { parseCheckmkLines } from './checkmk-lines.ts';
import { parsePluginOutput } from './nagios-output.ts';
import { maxFigures, unreadFigures } from './perfdata.ts';
import { parseSample } from './prom-samples.ts';

/** A part of a check's output that is not taken. */
export interface UnreadOutput {
  /** `check disks`, or `check local, line 3`. */
  readonly where: string;
  readonly why: string;
}

/**
 * Returns what the readers of plugins, local checks and Prometheus' text saw and did not take, by the name of each
 * figure. Quotes no line and no value, which may be a secret.
 */
export function unreadOutput(
  checks: readonly Pick<CheckResult, 'name' | 'format' | 'output'>[],
): readonly UnreadOutput[] {
  return checks.flatMap(({ name, format, output }): readonly UnreadOutput[] => {
    const where = `check ${name}`;
    if (format === 'nagios') return leftFigures(where, parsePluginOutput(output).perfdata);
    if (format !== 'checkmk' && format !== 'prom') return [];
    return output.split(/\r?\n|\r/).flatMap((line, index) => {
      const place = `${where}, line ${index + 1}`;
      return format === 'prom' ? leftOfSample(place, line) : leftOfLocal(place, line);
    });
  });
}

function leftFigures(where: string, perfdata: string): readonly UnreadOutput[] {
  const { labels, further } = unreadFigures(perfdata);
  const named = labels.map(([label, why]) => ({ where, why: `figure ${label}: ${why}` }));
  return further ? [...named, { where, why: `figures after the first ${maxFigures}` }] : named;
}

function leftOfLocal(where: string, line: string): readonly UnreadOutput[] {
  const { checks, wrongLine } = parseCheckmkLines(line);
  if (wrongLine !== null) return [{ where, why: 'it is no line of a local check' }];
  return checks.flatMap(({ perfdata }) => leftFigures(where, perfdata));
}

function leftOfSample(where: string, line: string): readonly UnreadOutput[] {
  if (/^\s*(?:#|$)/.test(line)) return [];
  const sample = parseSample(line);
  if (sample === null) return [{ where, why: 'it is no sample' }];
  return Number.isFinite(sample.value) ? [] : [{ where, why: `sample ${sample.metric}: its value cannot be stored` }];
}
