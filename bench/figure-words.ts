import type { Figure, Target, Unit } from './figure.ts';
import type { Spread } from './statistics.ts';

/** Formats a number with three significant digits and at most two decimals. */
export function numberWords(value: number): string {
  if (value >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  if (value >= 10) return value.toFixed(1);
  if (value >= 0.1) return value.toFixed(2);
  return value.toFixed(3);
}

export function spreadWords({ median, least, most, samples }: Spread, unit: Unit | ''): string {
  const range = samples.length > 1 ? ` (${numberWords(least)} to ${numberWords(most)})` : '';
  return `${numberWords(median)}${unit === '' ? '' : ` ${unit}`}${range}`;
}

export function targetWords(target: Target, unit: Unit): string {
  const limit = target.limit.toLocaleString('en-US');
  return `${target.is === 'at most' ? '<=' : '>='} ${limit}${target.of === 'ours' ? ` ${unit}` : ''}`;
}

/** Returns a figure as a line for the terminal. */
export function figureLine({ name, unit, peer, target, ours, peerFigures, ratio, isMet, notMeasured }: Figure): string {
  if (ours === null) return `${name}: not measured: ${notMeasured ?? ''}`;
  const parts = [spreadWords(ours, unit)];
  if (peerFigures !== null) parts.push(`${peer ?? 'peer'} ${spreadWords(peerFigures, unit)}`);
  if (ratio !== null) parts.push(`ratio ${spreadWords(ratio, '')}`);
  if (target !== null) parts.push(`target ${targetWords(target, unit)}: ${isMet === true ? 'reached' : 'NOT REACHED'}`);
  return `${name}: ${parts.join('; ')}`;
}
