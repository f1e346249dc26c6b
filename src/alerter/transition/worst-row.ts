import type { Progress, Worst } from '../../storage/store/alert.ts';
import type { Sample } from '../evaluate/sample.ts';

/** Longer words of a fault are cut: they are kept with every alert. */
const mostCharacters = 300;

/** Returns the worst row of an alert after one more sample; nothing where no row has been at a limit. */
export function worstAfter(
  before: Worst | undefined,
  sample: Sample,
  { atMs }: { readonly atMs: number },
): Pick<Progress, 'worst'> {
  const { level, value } = sample;
  const isHolding = level === 'warning' || level === 'critical';
  if (!isHolding || (before !== undefined && !isWorse(sample, before)))
    return before === undefined ? {} : { worst: before };
  const valueText = Array.from(sample.valueText).slice(0, mostCharacters).join('');
  return { worst: { atMs, severity: level, value, valueText, limitText: sample.limitText } };
}

function isWorse({ rule: { op, min, max }, level, value }: Sample, before: Worst): boolean {
  if (level !== before.severity) return level === 'critical';
  if (value === null || before.value === null || min !== null || max !== null) return true;
  if (op === 'ge' || op === 'gt') return value > before.value;
  return op === 'eq' || op === 'ne' || value < before.value;
}
