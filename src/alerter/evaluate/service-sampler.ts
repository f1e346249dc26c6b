import type { Rule } from '../../config/config.ts';
import { splitGlobs } from '../../config/values/globs.ts';
import { faultSample, unknownSample, clearSample } from './make-sample.ts';
import { textOf } from './report-families.ts';
import { applicableRules, labelMatcher } from './sampler.ts';
import type { ReportRow, Sampler } from './sampler.ts';

interface ServiceRule {
  readonly rule: Rule;
  readonly matches: (unit: string) => boolean;
}

export function readsServices(rule: Rule): boolean {
  return rule.type === 'service';
}

/** Reads systemd units: those that have failed, and those that are expected to be active. Subjects are units. */
export function createServiceSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter(readsServices).map((rule): ServiceRule => {
    const matches = labelMatcher(rule);
    return { rule, matches: (unit) => matches(() => unit) };
  });
  const names = own.map(({ rule }) => rule.name);
  const watching = own.filter(({ rule }) => rule.state !== 'active').map(({ rule }) => rule.name);
  const expecting = names.filter((name) => !watching.includes(name));
  const expected = [...new Set(own.flatMap(({ rule }) => unitsOf(rule)))];
  return (row, { samples, complete }) => {
    if (names.length === 0) return;
    const judged = (unit: string): readonly ServiceRule[] => applicableRules(own, unit, ({ matches }) => matches(unit));
    const failed = failedUnits(row);
    for (const subject of failed?.units ?? []) {
      for (const { rule } of judged(subject)) {
        if (rule.state !== 'active') samples.push(faultSample({ rule, subject, valueText: 'failed' }));
      }
    }
    if (failed?.whole === true) complete.push(...watching);
    if (row.families === null) return;
    const states = unitStates(row);
    for (const subject of expected) {
      for (const { rule } of judged(subject)) {
        if (rule.state !== 'active') continue;
        const state = states.get(subject);
        if (state === undefined) samples.push(unknownSample(rule, subject));
        else if (state.active) samples.push(clearSample({ rule, subject, valueText: 'active' }));
        else samples.push(faultSample({ rule, subject, valueText: state.text }));
      }
    }
    complete.push(...expecting);
  };
}

/** Units that a rule expects to be active. */
function unitsOf(rule: Rule): readonly string[] {
  return rule.state === 'active' ? splitGlobs(rule.selectors['unit'] ?? '') : [];
}

/** null: unknown. The column alone says it where nothing has failed. */
function failedUnits({
  row,
  families,
}: ReportRow): { readonly units: readonly string[]; readonly whole: boolean } | null {
  if (row.failed_units === 0) return { units: [], whole: true };
  const found = families?.of('failed_unit') ?? null;
  if (row.failed_units === null || found === null) return null;
  return { units: found.rows.map((unit) => textOf(unit, 'unit')).filter((unit) => unit !== ''), whole: found.whole };
}

function unitStates({ families }: ReportRow): ReadonlyMap<string, { readonly active: boolean; readonly text: string }> {
  const states = new Map<string, { readonly active: boolean; readonly text: string }>();
  for (const row of families?.of('unit')?.rows ?? []) {
    const active = row['active'];
    const text = textOf(row, 'state');
    if (typeof active === 'number') {
      states.set(textOf(row, 'unit'), { active: active === 1, text: text === '' ? 'not active' : text });
    }
  }
  return states;
}
