import { append, greatest, groupBy } from '../../platform/group-by.ts';
import type { CheckStat } from '../../report/checks/checks.ts';
import type { Rule } from '../../config/config.ts';
import { globMatcher, splitGlobs } from '../../config/values/globs.ts';
import type { DiskRow, NetworkRow, ReportFamilies } from '../../report/columns.ts';
import type { StatsFigure } from '../../report/metrics.ts';
import type { UnprocessedReport } from '../../storage/store/evaluation-store.ts';
import { rivalry } from './rule-metric.ts';
import { numberSample, type NumberRule, type RowSamples } from './sample.ts';

/** A row of `stats` with its loaded tables and its report. */
export interface ReportRow {
  readonly row: UnprocessedReport;
  /** `null` if not loaded, because no rule needs them. */
  readonly disks: readonly DiskRow[] | null;
  readonly networks: readonly NetworkRow[] | null;
  readonly checks: readonly CheckStat[] | null;
  /** The checks of a report that is a day older; `null` if there is none, or no rule needs them. */
  readonly checksDayBefore: readonly CheckStat[] | null;
  /** The whole report; `null` if not loaded, or no longer kept. */
  readonly families: ReportFamilies | null;
}

/** Adds the samples of some rules from one part of a row. */
export type Sampler = (row: ReportRow, into: RowSamples) => void;

/**
 * A part of a report that a rule needs; `names`: the whole report, but only of rows with failed units, failed probes or
 * kills.
 */
export type Need = 'disks' | 'networks' | 'checks' | 'report' | 'names';

/** A part of a row, with the rules over it. */
export interface SamplerKind {
  readonly serves: (rule: Rule) => boolean;
  /** `null` if the columns of `stats` are enough. */
  readonly needOf: (rule: Rule) => Need | null;
  /** The figures of `stats` that a rule evaluates. Default: none, or those that are evaluated in all rows. */
  readonly figuresOf?: (rule: Rule) => readonly StatsFigure[];
  /** `rules` are those that the kind serves; `all` are all rules of the client. */
  readonly create: (rules: readonly Rule[], all: readonly Rule[]) => Sampler;
}

/** A rule that competes for subjects. */
export interface Candidate<R> {
  readonly rule: Rule;
  readonly matches: (row: R) => boolean;
}

/**
 * Returns a function that chooses the rules for a subject: of rivals that match, all of the innermost element with the
 * narrowest selector (exact name, then glob, then none). Rules with `also` are chosen wherever they match.
 */
export function ruleChooser<R, T extends Candidate<R>>(
  candidates: readonly T[],
): (subject: string, row: R) => readonly T[] {
  const ranked = candidates.map((candidate) => ({ candidate, rankOf: ranking(candidate.rule) }));
  const rivals = [...groupBy(ranked, ({ candidate }) => rivalry(candidate.rule)).values()];
  return (subject, row) => {
    const chosen: T[] = [];
    for (const group of rivals) {
      const matching = group.filter(({ candidate }) => candidate.matches(row));
      if (matching.length < 2) {
        for (const { candidate } of matching) chosen.push(candidate);
        continue;
      }
      const best = greatest(matching.map(({ rankOf }) => rankOf(subject)));
      for (const { candidate, rankOf } of matching) {
        if (candidate.rule.also || rankOf(subject) === best) chosen.push(candidate);
      }
    }
    return chosen;
  };
}

/** Returns the subjects that rules name, each with a rule that is chosen for it. */
export function chooseNamed<T extends Candidate<string>>(
  candidates: readonly T[],
  namesOf: (candidate: T) => readonly string[],
): readonly (readonly [subject: string, candidate: T])[] {
  const choose = ruleChooser<string, T>(candidates);
  const subjects = [...new Set(candidates.flatMap(namesOf))];
  return subjects.flatMap((subject) => choose(subject, subject).map((candidate) => [subject, candidate] as const));
}

/** Returns a function that ranks a rule for a subject: by its element, then by how narrow its selectors are. */
function ranking({ also, depth, selectors }: Rule): (subject: string) => number {
  if (also) return () => -1;
  const globs = Object.values(selectors);
  const names = new Set(globs.flatMap((glob) => [glob, ...splitGlobs(glob)]));
  return (subject) => depth * 3 + (names.has(subject) ? 2 : globs.length > 0 ? 1 : 0);
}

export type LabelMatcher = (labelOf: (label: string) => string) => boolean;

/** Returns a test of labels: a rule's selectors must select them, its exceptions must not; an unknown label is ''. */
export function labelMatcher({ selectors, except }: Pick<Rule, 'selectors' | 'except'>): LabelMatcher {
  const matchers = Object.entries(selectors).map(([label, globs]) => [label, globMatcher(globs)] as const);
  const excepted = except.map((one) => labelMatcher({ selectors: one, except: [] }));
  if (matchers.length === 0 && excepted.length === 0) return () => true;
  return (labelOf) =>
    matchers.every(([label, matches]) => matches(labelOf(label))) && !excepted.some((matches) => matches(labelOf));
}

/** Returns rules as candidates for rows, which they match by labels. */
export function labelCandidates<R>(
  rules: readonly Rule[],
  labelOf: (row: R, label: string) => string,
): readonly Candidate<R>[] {
  return rules.map((rule) => {
    const matches = labelMatcher(rule);
    return { rule, matches: (row) => matches((label) => labelOf(row, label)) };
  });
}

/** A rule over numbers in a table. */
export interface TableRule<R> extends NumberRule, Candidate<R> {
  readonly valueOf: (row: R) => number | null;
}

/** A table in a row of `stats`. */
export interface Table<R> {
  readonly rows: readonly R[];
  /** True if no subject was left out. */
  readonly whole: boolean;
}

/** Returns a sampler of a table with one row a subject. `tableOf` returns `null` if the table is unknown. */
export function tableSampler<R>(
  rules: readonly TableRule<R>[],
  tableOf: (row: ReportRow) => Table<R> | null,
  subjectOf: (row: R) => string,
): Sampler {
  const choose = ruleChooser<R, TableRule<R>>(rules);
  return (input, { samples, complete }) => {
    const table = tableOf(input);
    if (table === null) return;
    for (const row of table.rows) {
      const subject = subjectOf(row);
      for (const rule of choose(subject, row)) samples.push(numberSample(rule, subject, rule.valueOf(row)));
    }
    if (table.whole)
      append(
        complete,
        rules.map(({ rule }) => rule.name),
      );
  };
}
