import { hourMs, secondMs } from '../../platform/units.ts';

/**
 * Returns the delay that a Retry-After header asks for: seconds or a date (RFC 9110, section 10.2.3), at most an hour.
 * Returns 0 for any other text, and for a time in the past.
 */
export function retryAfterMs(text: string | null, nowMs: number): number {
  if (text === null || text.length > 64) return 0;
  const isSeconds = /^\s*\d+(?:\.\d+)?\s*$/.test(text);
  // A date of C's asctime has no zone, and is in GMT.
  const date = /^\w{3} \w{3} +\d+ [\d:]+ \d{4}$/.test(text.trim()) ? `${text} GMT` : text;
  const askedMs = isSeconds ? Number(text) * secondMs : Date.parse(date) - nowMs;
  return Number.isFinite(askedMs) ? Math.min(hourMs, Math.max(0, askedMs)) : 0;
}
