import { append } from '../../platform/group-by.ts';
import type { Rule } from '../../config/config.ts';
import { splitGlobs } from '../../config/values/globs.ts';
import { rowLabel } from '../../report/columns.ts';
import { clearSample, faultSample, unknownSample } from './sample.ts';
import {
  chooseNamed,
  labelCandidates,
  ruleChooser,
  type Candidate,
  type ReportRow,
  type SamplerKind,
} from './sampler.ts';

const isExpecting = (rule: Rule): boolean => rule.state === 'active';

/** Samples systemd units: failed units, and units that a rule expects to be active. Subjects are units. */
export const serviceSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'service',
  needOf: (rule) => (isExpecting(rule) ? 'report' : 'names'),
  create: (rules) => {
    const candidates = labelCandidates(rules, (unit: string) => unit);
    const choose = ruleChooser<string, Candidate<string>>(candidates);
    const expected = chooseNamed(candidates, ({ rule }) =>
      isExpecting(rule) ? splitGlobs(rule.selectors['unit'] ?? '') : [],
    ).filter(([, { rule }]) => isExpecting(rule));
    const namesOf = (expecting: boolean): readonly string[] =>
      rules.filter((rule) => isExpecting(rule) === expecting).map(({ name }) => name);
    const [watching, expecting] = [namesOf(false), namesOf(true)];
    return (row, { samples, complete }) => {
      const failed = failedUnits(row);
      for (const unit of failed?.units ?? []) {
        const chosen = choose(unit, unit).filter(({ rule }) => !isExpecting(rule));
        append(
          samples,
          chosen.map(({ rule }) => faultSample(rule, unit, 'failed')),
        );
      }
      if (failed?.whole === true) append(complete, watching);
      if (row.families === null) return;
      const states = unitStates(row);
      for (const [unit, { rule }] of expected) {
        const state = states.get(unit);
        if (state === undefined) samples.push(unknownSample(rule, unit));
        else if (state.active) samples.push(clearSample(rule, unit, 'active'));
        else samples.push(faultSample(rule, unit, state.text));
      }
      append(complete, expecting);
    };
  },
};

/** Returns the failed units; `null` if unknown. The column `failed_units` is enough if no unit has failed. */
function failedUnits({
  row,
  families,
}: ReportRow): { readonly units: readonly string[]; readonly whole: boolean } | null {
  if (row.failed_units === 0) return { units: [], whole: true };
  const found = families?.of('failed_unit') ?? null;
  if (row.failed_units === null || found === null) return null;
  return { units: found.rows.map((unit) => rowLabel(unit, 'unit')).filter((unit) => unit !== ''), whole: found.whole };
}

function unitStates({ families }: ReportRow): ReadonlyMap<string, { readonly active: boolean; readonly text: string }> {
  const states = new Map<string, { readonly active: boolean; readonly text: string }>();
  for (const row of families?.of('unit')?.rows ?? []) {
    const active = row['active'];
    const text = rowLabel(row, 'state');
    if (typeof active === 'number') {
      states.set(rowLabel(row, 'unit'), { active: active === 1, text: text === '' ? 'not active' : text });
    }
  }
  return states;
}
