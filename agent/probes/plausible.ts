/**
 * systeminformation answers with defaults when it could not find something out: '' and '-' and 0 and -1, and firmware
 * that nobody filled in does likewise. These functions turn all of them into null.
 */

/** In small letters, without dots: what firmware and systeminformation write where they have nothing to say. */
const placeholders = new Set([
  '',
  '-',
  '0',
  '00000000',
  'asset-1234567890',
  'default string',
  'empty',
  'n/a',
  'na',
  'no asset information',
  'no asset tag',
  'none',
  'not applicable',
  'not available',
  'not defined',
  'not provided',
  'not specified',
  'null',
  'o.e.m',
  'oem',
  'serial number',
  'system manufacturer',
  'system product name',
  'system serial number',
  'system version',
  'to be filled by oem',
  'type1productconfigid',
  'undefined',
  'unknown',
  'unspecified',
  'xxxxxxxx',
]);

/** The text without blanks around it; null for what only fills a place. */
export function plausibleText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.trim();
  const plain = text.toLowerCase().replaceAll('o.e.m.', 'oem').replace(/\.+$/, '');
  // 0123456789, ffffffff-ffff-..., 00:00:00:00:00:00, xxxx
  const isFilled = /^(.)\1*$/.test(plain.replace(/[-:. ]/g, '')) || plain === '0123456789' || plain === '123456789';
  return placeholders.has(plain) || (plain.length > 1 && isFilled) ? null : text;
}

/** A finite number above 0 and not above a maximum; null for all others. */
export function plausiblePositive(value: unknown, maximum = Number.MAX_SAFE_INTEGER): number | null {
  return typeof value === 'number' && value > 0 && value <= maximum ? value : null;
}

/** A finite number of 0 or more; null for all others. */
export function plausibleCount(value: unknown, maximum = Number.MAX_SAFE_INTEGER): number | null {
  return value === 0 ? 0 : plausiblePositive(value, maximum);
}
