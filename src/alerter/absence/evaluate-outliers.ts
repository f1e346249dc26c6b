import type { Client, Config, Rule } from '../../config/config.ts';
import { figureOf } from '../outliers/client-figures.ts';
import { type ComparedGroup, groupsOf } from '../outliers/compared-groups.ts';
import type { GroupFigures } from '../outliers/group-figures.ts';
import { groupBy } from '../../platform/group-by.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { hourMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { isOutlierRule, namesGroups, sampleOutliers, type Compared } from '../evaluate/outlier-samples.ts';
import type { Sample } from '../evaluate/sample.ts';
import { stepWithoutRow } from '../transition/subjects.ts';

/** Returns the figures of groups. Omits clients without a recent report. */
export type ReadGroups = (groups: readonly ComparedGroup[]) => Promise<readonly GroupFigures[]>;

export interface EvaluateOutliersOptions {
  readonly config: Config;
  readonly readGroups: ReadGroups;
  /** All open alerts. */
  readonly alerts: readonly Alert[];
  readonly nowMs: number;
}

/** Clients share their lists of rules, and a list never changes. */
const comparing = rememberedWeakly((rules: readonly Rule[]) => rules.filter(isOutlierRule));

/** Moves alerts by outliers. Returns new (id `null`) and changed alerts. Reads nothing without rules for outliers. */
export async function evaluateOutliers(options: EvaluateOutliersOptions): Promise<readonly Alert[]> {
  const { config, alerts, nowMs } = options;
  const clients = config.clients.filter(({ state, rules }) => state === 'active' && comparing(rules).length > 0);
  const compared = await readCompared(
    options,
    clients.flatMap(({ rules }) => comparing(rules)),
  );
  const alertsOf = groupBy(alerts, ({ client }) => client);
  const outlying = new Set(compared.flatMap(({ outliers }) => outliers.map(({ client }) => client)));
  const fresh = new Set(compared.flatMap((group) => group.fresh));
  return clients.flatMap(({ name, rules: all }) => {
    const rules = comparing(all);
    const open = (alertsOf.get(name) ?? []).filter(({ rule }) => findRule(rules, rule) !== null);
    const isSilent = !fresh.has(name) && compared.some(({ clients: members }) => members.includes(name));
    if (isSilent || (open.length === 0 && !outlying.has(name))) return [];
    return stepWithoutRow({
      client: name,
      rules,
      alerts: open,
      everyMs: hourMs,
      source: 'outliers',
      nowMs,
      samples: sampleOutliers(all, name, compared, open),
      complete: rules.map(({ name: rule }) => rule),
    });
  });
}

/** Samples all figures of one client by its rules of outliers. */
export async function samplesOfClient(
  options: Pick<EvaluateOutliersOptions, 'config' | 'readGroups'>,
  { name, rules }: Pick<Client, 'name' | 'rules'>,
): Promise<readonly Sample[]> {
  const own = comparing(rules);
  if (own.length === 0) return [];
  const compared = await readCompared(options, own, name);
  const keys = new Set(
    compared.flatMap(({ newest }) =>
      [...newest].flatMap(([key, { clients }]) => (clients.includes(name) ? [key] : [])),
    ),
  );
  const subjects = [...keys].map((key) => figureOf(key)).map(({ metric, subject }) => subject || metric);
  const known = own.flatMap(({ name: rule }) => subjects.map((subject) => ({ rule, subject })));
  return sampleOutliers(rules, name, compared, known);
}

/** Reads the figures of the groups that the rules compare; with `client`, only of that client's groups. */
export async function readCompared(
  { config, readGroups }: Pick<EvaluateOutliersOptions, 'config' | 'readGroups'>,
  rules: readonly Rule[],
  client: string | null = null,
): Promise<readonly Compared[]> {
  const named = new Set(rules.flatMap(({ selectors }) => selectors['group'] ?? []));
  const isAsked = ({ clients }: ComparedGroup): boolean => client === null || clients.includes(client);
  const inner = rules.every(namesGroups) ? [] : groupsOf(config, null).filter(isAsked);
  const whole = named.size === 0 ? [] : groupsOf(config, [...named]).filter(isAsked);
  if (inner.length + whole.length === 0) return [];
  const figures = await readGroups([...inner, ...whole]);
  return figures.map((one, index) => ({ ...one, isNamed: index >= inner.length }));
}
