/**
 * Filters for placeholders. systeminformation returns defaults for unknown values ('', '-', 0 and -1), and so does
 * incomplete firmware. These functions replace them by null.
 */

/** The placeholders of firmware and systeminformation, in lower case and without dots. */
const placeholders = new Set([
  '',
  ...(
    '-,0,00000000,asset-1234567890,default string,empty,n/a,na,no asset information,no asset tag,none,' +
    'not applicable,not available,not defined,not provided,not specified,null,o.e.m,oem,serial number,' +
    'system manufacturer,system product name,system serial number,system version,to be filled by oem,' +
    'type1productconfigid,undefined,unknown,unspecified,xxxxxxxx'
  ).split(','),
]);

/** Returns the trimmed text; null for placeholders such as "To be filled by O.E.M.". */
export function plausibleText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.trim();
  const plain = text.toLowerCase().replaceAll('o.e.m.', 'oem').replace(/\.+$/, '');
  // 0123456789, ffffffff-ffff-..., 00:00:00:00:00:00, xxxx
  const isFilled = /^(.)\1*$/.test(plain.replace(/[-:. ]/g, '')) || plain === '0123456789' || plain === '123456789';
  return placeholders.has(plain) || (plain.length > 1 && isFilled) ? null : text;
}

/** Returns a finite number above 0 and up to the maximum; null for other values. */
export function plausiblePositive(value: unknown, maximum = Number.MAX_SAFE_INTEGER): number | null {
  return typeof value === 'number' && value > 0 && value <= maximum ? value : null;
}

/** Returns a finite number from 0 to the maximum; null for other values. */
export function plausibleCount(value: unknown, maximum = Number.MAX_SAFE_INTEGER): number | null {
  return value === 0 ? 0 : plausiblePositive(value, maximum);
}
