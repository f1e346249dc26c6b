import type { Rule } from '../../config/config.ts';
import { globMatcher, splitGlobs } from '../../config/values/globs.ts';
import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import type { UnprocessedReport } from '../../storage/store/alert-store.ts';
import type { Sample } from './sample.ts';
import type { ReportFamilies } from './report-families.ts';

/** One row of `stats` with what hangs on it. */
export interface ReportRow {
  readonly row: UnprocessedReport;
  /** null: not loaded. */
  readonly disks: readonly DiskRow[] | null;
  readonly networks: readonly NetworkRow[] | null;
  /** null: not loaded, or no longer kept. */
  readonly families: ReportFamilies | null;
}

/** What is collected of one row. */
export interface RowSamples {
  readonly samples: Sample[];
  /** Samples of read-only file systems that count only if those were writable before. */
  readonly ifWritable: Sample[];
  /** Names of rules whose subjects are all among the samples. */
  readonly complete: string[];
}

/** Reads one part of a row by the rules that judge it. Made once for a list of rules. */
export type Sampler = (row: ReportRow, into: RowSamples) => void;

/** What rules want to be loaded beside the row of `stats`. */
export interface Needs {
  readonly disks: boolean;
  readonly networks: boolean;
  readonly reports: boolean;
}

/**
 * Returns the rivals that judge a subject: of those that match, all of the innermost element with the narrowest selector
 * (exact name, then glob, then none). Rules with `also` judge whatever they match.
 */
export function applicableRules<T extends { readonly rule: Rule }>(
  rivals: readonly T[],
  subject: string,
  matches: (rival: T) => boolean,
): readonly T[] {
  const matching = rivals.filter(matches);
  if (matching.length <= 1) return matching;
  const ranks = matching.map(({ rule }) => (rule.also ? -1 : rule.depth * 3 + narrowness(rule, subject)));
  const best = Math.max(...ranks);
  return matching.filter(({ rule }, index) => rule.also || ranks[index] === best);
}

function narrowness({ selectors }: Rule, subject: string): 0 | 1 | 2 {
  const globs = Object.values(selectors);
  if (globs.some((glob) => glob === subject || splitGlobs(glob).includes(subject))) return 2;
  return globs.length > 0 ? 1 : 0;
}

export type LabelMatcher = (labelOf: (label: string) => string) => boolean;

/** Matches the labels that a rule's selectors select and that it does not except; a label that is not known is ''. */
export function labelMatcher({ selectors, except }: Pick<Rule, 'selectors' | 'except'>): LabelMatcher {
  const matchers = Object.entries(selectors).map(([label, globs]) => [label, globMatcher(globs)] as const);
  const excepted = except.map((one) => labelMatcher({ selectors: one, except: [] }));
  if (matchers.length === 0 && excepted.length === 0) return () => true;
  return (labelOf) =>
    matchers.every(([label, matches]) => matches(labelOf(label))) && !excepted.some((matches) => matches(labelOf));
}
