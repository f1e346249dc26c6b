import { hourMs } from '../../platform/units.ts';

/**
 * Returns the delay that a Retry-After header asks for: seconds or a date (RFC 9110, section 10.2.3), at most an hour.
 * Returns 0 for any other text, and for a time in the past.
 */
export function retryAfterMs(text: string | null, nowMs: number): number {
  if (text === null || text.length > 64) return 0;
  const askedMs = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(askedMs) ? Math.min(hourMs, Math.max(0, askedMs)) : 0;
}
