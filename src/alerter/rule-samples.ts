import type { Rule } from '../config/config.ts';
import { globMatcher } from '../config/globs.ts';
import type { DiskRow, NetworkRow } from '../report/columns.ts';
import type { UntreatedReport } from '../storage/alert-store.ts';
import type { Reading } from './observation.ts';
import type { ReportFamilies } from './report-families.ts';

/** One row of `stats` with what hangs on it. */
export interface ReportRow {
  readonly row: UntreatedReport;
  /** null: not loaded. */
  readonly disks: readonly DiskRow[] | null;
  readonly networks: readonly NetworkRow[] | null;
  /** null: not loaded, or no longer kept. */
  readonly families: ReportFamilies | null;
}

/** What is collected of one row. */
export interface Samples {
  readonly readings: Reading[];
  /** Names of rules whose subjects are all among the readings. */
  readonly complete: string[];
}

/** Reads one part of a row by the rules that judge it. Made once for a list of rules. */
export type Sampler = (row: ReportRow, samples: Samples) => void;

/** What rules want to be loaded beside the row of `stats`. */
export interface Needs {
  readonly disks: boolean;
  readonly networks: boolean;
  readonly reports: boolean;
}

/**
 * Gives each subject to the first rule that matches it; rules with `also` neither take a subject from others nor leave
 * it to them. The rules come innermost first.
 */
export function firstThatMatch<T extends { readonly rule: Rule }>(
  rules: readonly T[],
  matches: (rule: T) => boolean,
): readonly T[] {
  let taken = false;
  return rules.filter((candidate) => {
    const { also } = candidate.rule;
    if ((taken && !also) || !matches(candidate)) return false;
    if (!also) taken = true;
    return true;
  });
}

export type LabelMatcher = (labelOf: (label: string) => string) => boolean;

/** The globs of a rule's selectors, over labels; a label that is not known is ''. */
export function labelMatcher(selectors: Rule['selectors']): LabelMatcher {
  const matchers = Object.entries(selectors).map(([label, globs]) => [label, globMatcher(globs)] as const);
  if (matchers.length === 0) return () => true;
  return (labelOf) => matchers.every(([label, matches]) => matches(labelOf(label)));
}
