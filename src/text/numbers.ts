const sizeUnits = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

/** Rounds to this number of decimals. */
export function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}

/** Groups the digits of a number at the beginning of a text by narrow no-break spaces, from four digits on. */
export function grouped(text: string): string {
  return text.replace(/^-?\d{4,}/, (digits) => digits.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f'));
}

const valueNumber = /(?:^|(?:at least|at most|than|exactly|limit) )-?\d{4,}(?=(?:\.\d+)?(?: |\/s|$))/g;

/** Groups the digits of the numbers in an alert's value or limit. Leaves dates, ports and versions unchanged. */
export function groupedValue(text: string): string {
  return text.replace(valueNumber, (match) => match.replace(/-?\d+$/, grouped));
}

/** Formats a count with its noun: `1 warning`, `2 warnings`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Groups the digits of a count by commas, as digests do: `2,016`. */
export function commaGrouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a count with commas and its noun: `1 warning`, `2,016 warnings`. */
export function countedMany(count: number, noun: string): string {
  return `${commaGrouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Lists up to `most` names and counts the others: `a, b and 3 more`. */
export function namedUpTo(most: number, names: readonly string[]): string {
  const more = names.length - most;
  return more <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${more} more`;
}

/** Joins the parts that are not empty. */
export function joined(parts: readonly string[], separator = ', '): string {
  return parts.filter((part) => part !== '').join(separator);
}

/** Parses `500MiB`, `1.5TiB`, `4096B`, or a bare number of bytes to whole bytes. Returns null for any other text. */
export function parseSize(text: string): number | null {
  const [, count, name] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(text) ?? [];
  if (count === undefined) return null;
  const [, unitBytes] = sizeUnits.find(([unit]) => unit === name) ?? ['B', 1];
  const bytes = Math.round(Number(count) * unitBytes);
  return bytes <= 2 ** 60 ? bytes : null;
}

/** Formats bytes as `parseSize` reads them, in the largest unit that is not larger than the size: `1.5GiB`. */
export function formatSize(bytes: number): string {
  const [unit, unitBytes] = largestUnit(bytes);
  return `${rounded(bytes / unitBytes, 2)}${unit}`;
}

/** Formats bytes for people, with more decimals than usual on request: `1.25 GiB`, `96.2 MiB`. */
export function describeSize(bytes: number, moreDecimals = 0): string {
  const [unit, unitBytes] = largestUnit(bytes);
  const size = bytes / unitBytes;
  return `${rounded(size, unit === 'B' ? 0 : (size < 10 ? 2 : 1) + moreDecimals)} ${unit}`;
}

function largestUnit(bytes: number): readonly [string, number] {
  return sizeUnits.find(([, unitBytes]) => bytes >= unitBytes) ?? ['B', 1];
}
