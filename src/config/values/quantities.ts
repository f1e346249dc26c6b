import { parseDuration } from '../../text/durations.ts';
import { secondMs } from '../../platform/units.ts';

/** A time or a number of rows for which something must hold: exactly one of the two is not null. */
export interface RuleSpan {
  readonly ms: number | null;
  readonly count: number | null;
}

/** Parses a duration, or a count such as `2x` (1 to 1000). Returns null for any other text. */
export function parseSpan(text: string): RuleSpan | null {
  const counted = /^(\d{1,4})x$/.exec(text);
  if (counted !== null) {
    const count = Number(counted[1]);
    return count >= 1 && count <= 1000 ? { ms: null, count } : null;
  }
  const ms = parseDuration(text);
  return ms === null ? null : { ms, count: null };
}

/** Parses a bare number; decimals and a minus sign are allowed. Returns null for any other text. */
export function parseNumber(text: string): number | null {
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : null;
}

/** Parses `85%` or `85`, from 0 to 100. Returns null for any other text. */
export function parsePercent(text: string): number | null {
  const parts = /^(\d{1,3}(?:\.\d{1,6})?)\s*%?$/.exec(text);
  const percent = Number(parts?.[1] ?? 'NaN');
  return percent <= 100 ? percent : null;
}

/** Parses seconds: a bare number, or a duration. */
export function parseSeconds(text: string): number | null {
  const bare = /^\d{1,10}(?:\.\d{1,6})?$/.test(text) ? Number(text) : null;
  if (bare !== null) return bare;
  const ms = parseDuration(text);
  return ms === null ? null : ms / secondMs;
}

/**
 * Parses how many of a group are needed: a number of at least 1, or a share like `75%` from 1 to 100. Returns null for
 * anything else.
 */
export function parseNeed(text: string): { readonly need: number; readonly isShare: boolean } | null {
  const [, digits, sign] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  const need = Number(digits ?? '0');
  const isShare = sign === '%';
  return need < 1 || (isShare && need > 100) ? null : { need, isShare };
}
