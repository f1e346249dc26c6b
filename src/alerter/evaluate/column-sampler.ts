import { append } from '../../platform/group-by.ts';
import type { Rule } from '../../config/config.ts';
import type { StatsFigure } from '../../report/metrics.ts';
import type { UnprocessedReport } from '../../storage/store/evaluation-store.ts';
import { formatValue } from './describe-value.ts';
import { metricOfRule } from './rule-metric.ts';
import { numberRule, numberSample } from './sample.ts';
import { ruleChooser, type SamplerKind } from './sampler.ts';

type ValueOf = (row: UnprocessedReport) => number | null;

/** Samples the columns of `stats`: one value a client, with the subject ''. */
export const columnSamplers: SamplerKind = {
  serves: (rule) => valueOfRule(rule) !== null,
  needOf: () => null,
  figuresOf,
  create: (rules) => {
    const own = rules.map((rule) => ({
      ...numberRule(rule, rule.type === 'clock-offset' ? describeOffset : undefined),
      valueOf: valueOfRule(rule),
      matches: () => true,
    }));
    const chosen = ruleChooser<null, (typeof own)[number]>(own)('', null);
    // An alert of a rule that another rule replaces must not stay open for ever.
    const replaced = own.filter((one) => !chosen.includes(one)).map(({ rule }) => rule.name);
    return ({ row }, { samples, complete }) => {
      for (const one of chosen) samples.push(numberSample(one, '', one.valueOf?.(row) ?? null, row));
      append(complete, replaced);
    };
  },
};

/** The values of types that do not follow from a single metric. */
const computedValues: Readonly<Record<string, ValueOf>> = { load: loadPerCpu, 'clock-offset': clockOffsetSeconds };

function valueOfRule(rule: Rule): ValueOf | null {
  const computed = computedValues[rule.type ?? ''];
  if (computed !== undefined) return computed;
  const column = metricOfRule(rule)?.column;
  if (column === undefined || Object.keys(rule.selectors).length > 0) return null;
  return (row) => row[column];
}

function figuresOf(rule: Rule): readonly StatsFigure[] {
  if (rule.type === 'load') return ['load5', 'cpus'];
  const column = metricOfRule(rule)?.column;
  return column === undefined ? [] : [column];
}

function loadPerCpu({ load5, cpus }: UnprocessedReport): number | null {
  return load5 === null || cpus === null || cpus <= 0 ? null : load5 / cpus;
}

/** Describes the offset of a clock with its direction: `10m behind`. */
function describeOffset(value: number, row: unknown): string {
  const { clockOffsetMs } = row as UnprocessedReport;
  return `${formatValue('seconds', value)} ${(clockOffsetMs ?? 0) < 0 ? 'behind' : 'ahead'}`;
}

/** Returns the size of a clock's offset in seconds, without its direction; null if unknown. */
function clockOffsetSeconds({ clockOffsetMs }: UnprocessedReport): number | null {
  return clockOffsetMs === null ? null : Math.abs(clockOffsetMs) / 1000;
}
