import type { Rule } from '../../config/config.ts';
import { outlierMetricNames } from '../../config/vocabulary/rule-types.ts';
import type { FigureOutlier } from '../outliers/figure-outliers.ts';
import { figureOutlierWords } from '../outliers/outlier-words.ts';
import type { GroupFigures } from '../outliers/group-figures.ts';
import { minMembers } from '../outliers/robust-score.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { clearSample, faultSample, unknownSample, type Sample } from './sample.ts';
import { labelMatcher, ruleChooser, type Candidate } from './sampler.ts';

/** The figures of a group, by how its members were chosen. */
export interface Compared extends GroupFigures {
  /** True if rules name the group: all of its members are compared. */
  readonly isNamed: boolean;
}

interface Compares extends Pick<FigureOutlier, 'metric' | 'group'> {
  readonly isNamed: boolean;
}

/** Clients share their lists of rules, and a list never changes. */
const choosers = rememberedWeakly((rules: readonly Rule[]) =>
  ruleChooser<Compares, Candidate<Compares>>(
    rules.filter(isOutlierRule).map((rule) => {
      const matches = labelMatcher(rule);
      return {
        rule,
        matches: ({ metric, group, isNamed }) =>
          isNamed === namesGroups(rule) && matches((label) => (label === 'metric' ? metric : group)),
      };
    }),
  ),
);

export function isOutlierRule({ type }: Pick<Rule, 'type'>): boolean {
  return type === 'outlier';
}

/** True if a rule names the groups whose members it compares. */
export function namesGroups({ selectors }: Pick<Rule, 'selectors'>): boolean {
  return selectors['group'] !== undefined;
}

/**
 * Samples the figures of a client: the outliers, and each further subject of open alerts. Subjects are mounts, and the
 * names of other metrics. A figure that the newest report lacks has no sample. If a client is in several groups, the
 * group from which the figure lies furthest counts.
 */
export function sampleOutliers(
  rules: readonly Rule[],
  client: string,
  compared: readonly Compared[],
  open: readonly { readonly rule: string; readonly subject: string }[],
): readonly Sample[] {
  const choose = choosers(rules);
  const samples = new Map<string, Sample>();
  const add = (sample: Sample): void => {
    const key = `${sample.rule.name}\0${sample.subject}`;
    if (!samples.has(key)) samples.set(key, sample);
  };
  const own = compared
    .flatMap(({ isNamed, outliers }) =>
      outliers.flatMap((outlier) => (outlier.client === client ? [{ ...outlier, isNamed }] : [])),
    )
    .sort((one, other) => Math.abs(other.score) - Math.abs(one.score));
  for (const outlier of own) {
    const subject = outlier.metric === 'mount' ? outlier.subject : outlier.metric;
    for (const { rule } of choose(subject, outlier)) add(faultSample(rule, subject, describeOutlier(outlier)));
  }
  for (const { rule: name, subject } of open) {
    const metric = outlierMetricNames.find((one) => one === subject && one !== 'mount') ?? 'mount';
    const key = `${metric}:${metric === 'mount' ? subject : ''}`;
    const places = compared.filter(({ newest }) => newest.get(key)?.clients.includes(client) === true);
    for (const { group, isNamed, newest } of places) {
      const isKnown = (newest.get(key)?.clients.length ?? 0) >= minMembers;
      for (const { rule } of choose(subject, { metric, group, isNamed })) {
        if (rule.name !== name) continue;
        add(isKnown ? clearSample(rule, subject, `as in the rest of ${group}`) : unknownSample(rule, subject));
      }
    }
  }
  return [...samples.values()];
}

/** Describes an outlier: `94 %, median of web 11.5 %, in 12 of 12 reports`. */
function describeOutlier(outlier: FigureOutlier): string {
  const { value, median } = figureOutlierWords(outlier);
  return `${value}, median of ${outlier.group} ${median}, in ${outlier.rows} of ${outlier.of} reports`;
}
