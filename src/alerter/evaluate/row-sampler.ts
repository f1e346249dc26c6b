import type { Rule } from '../../config/config.ts';
import type { UnprocessedReport } from '../../storage/store/alert-store.ts';
import { formatValue } from './describe-value.ts';
import { numberRule, numberSample } from './make-sample.ts';
import { metricOfRule, rivalry } from './rule-metric.ts';
import { applicableRules } from './sampler.ts';
import type { Sampler } from './sampler.ts';

type ValueOf = (row: UnprocessedReport) => number | null;

/** Whether a rule is judged by the narrow columns alone; its subject is ''. */
export function readsColumn(rule: Rule): boolean {
  return valueOfRule(rule) !== null;
}

/** Reads the columns of `stats`: one value a client. */
export function createRowSampler(rules: readonly Rule[]): Sampler {
  const own = rules.flatMap((rule) => {
    const valueOf = valueOfRule(rule);
    return valueOf === null
      ? []
      : [{ rule, valueOf, judge: numberRule(rule, rule.type === 'clock-offset' ? describeOffset : undefined) }];
  });
  const judged = own.filter(({ rule }) => {
    const rivals = own.filter((other) => rivalry(other.rule) === rivalry(rule));
    return applicableRules(rivals, '', () => true).some((first) => first.rule === rule);
  });
  // What another rule judges in its place must not stay open for ever.
  const outdone = own.filter((one) => !judged.includes(one)).map(({ rule }) => rule.name);
  return ({ row }, { samples, complete }) => {
    for (const { judge, valueOf } of judged) samples.push(numberSample(judge, '', valueOf(row), row));
    for (const name of outdone) complete.push(name);
  };
}

/** The values of the types that judge no single metric. */
const computedValues: Readonly<Record<string, ValueOf>> = { load: loadPerCpu, 'clock-offset': clockOffsetSeconds };

function valueOfRule(rule: Rule): ValueOf | null {
  const computed = computedValues[rule.type ?? ''];
  if (computed !== undefined) return computed;
  const column = metricOfRule(rule)?.column;
  if (column === undefined || Object.keys(rule.selectors).length > 0) return null;
  return (row) => row[column];
}

function loadPerCpu({ load5, cpus }: UnprocessedReport): number | null {
  return load5 === null || cpus === null || cpus <= 0 ? null : load5 / cpus;
}

/** The offset of a clock and its direction: `10m behind`. */
function describeOffset(value: number, row: unknown): string {
  const { clockOffsetMs } = row as UnprocessedReport;
  return `${formatValue('seconds', value)} ${(clockOffsetMs ?? 0) < 0 ? 'behind' : 'ahead'}`;
}

/** How far the client's clock is off, whichever way. */
function clockOffsetSeconds({ clockOffsetMs }: UnprocessedReport): number | null {
  return clockOffsetMs === null ? null : Math.abs(clockOffsetMs) / 1000;
}
