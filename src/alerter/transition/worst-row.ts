import type { Progress, Worst } from '../../storage/store/alert.ts';
import type { Reading } from '../evaluate/observation.ts';

/** Longer words of a fault are cut: they are kept with every alert. */
const mostCharacters = 300;

/** Returns the worst row of an alert after one more reading; nothing where no row has been at a limit. */
export function worstAfter(
  before: Worst | undefined,
  reading: Reading,
  { atMs }: { readonly atMs: number },
): Pick<Progress, 'worst'> {
  const { level, value } = reading;
  const isHolding = level === 'warning' || level === 'critical';
  if (!isHolding || (before !== undefined && !isWorse(reading, before)))
    return before === undefined ? {} : { worst: before };
  const valueText = Array.from(reading.valueText).slice(0, mostCharacters).join('');
  return { worst: { atMs, severity: level, value, valueText, limitText: reading.limitText } };
}

function isWorse({ rule: { op, min, max }, level, value }: Reading, before: Worst): boolean {
  if (level !== before.severity) return level === 'critical';
  if (value === null || before.value === null || min !== null || max !== null) return true;
  if (op === 'ge' || op === 'gt') return value > before.value;
  return op === 'eq' || op === 'ne' || value < before.value;
}
