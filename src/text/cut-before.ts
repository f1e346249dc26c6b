/** Characters that belong to the one before them: marks, joiners, forms, colours of skin, and tags of flags. */
const continues = /^(?:\p{M}|\u200d|\p{Emoji_Modifier}|[\u{e0020}-\u{e007f}])/u;
const joined = /\u200d$/;
const flags = /[\u{1f1e6}-\u{1f1ff}]+$/u;
const beginsFlag = /^[\u{1f1e6}-\u{1f1ff}]/u;
/** The most code units of a character as people see it. A longer one is cut. */
const maxUnits = 64;

/**
 * Returns the beginning of a text, at most this many code units, that ends between two characters as people see them.
 * An emoji of several parts stays whole. Does without Intl, which takes 4 MB of a process.
 */
export function cutBefore(text: string, most: number): string {
  if (text.length <= most) return text;
  for (let end = most; end > Math.max(0, most - maxUnits); end -= 1)
    if (isBetween(text, end)) return text.slice(0, end);
  return text.slice(0, most).replace(/\p{Cs}$/u, '');
}

function isBetween(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - maxUnits), at);
  const after = text.slice(at, at + 2);
  if (/[\ud800-\udbff]$/.test(before) && /^[\udc00-\udfff]/.test(after)) return false;
  if (continues.test(after) || joined.test(before)) return false;
  // A flag is two letters.
  return !beginsFlag.test(after) || ((flags.exec(before)?.[0].length ?? 0) / 2) % 2 === 0;
}
