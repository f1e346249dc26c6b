/** Bounds of what comes from outside: times, texts, and the depth of JSON. */

/** The bounds of a time from outside: time columns of each database hold it, and so do sums with any setting. */
const earliestMs = Date.UTC(1000, 0, 1);
const latestMs = Date.UTC(3000, 0, 1);

/**
 * Moves a time from outside into the years 1000 to 3000, as whole milliseconds since 1970. Every time passes this
 * function that a push, a site, a file or an answer contains. Returns null for a value that is no number.
 */
export function boundedTime(value: number): number;
export function boundedTime(value: unknown): number | null;
export function boundedTime(value: unknown): number | null {
  if (typeof value !== 'number') return null;
  return Number.isNaN(value) ? earliestMs : Math.round(Math.min(latestMs, Math.max(earliestMs, value)));
}

const surrogate = /[\ud800-\udfff]/;
const half = /\p{Cs}/u;

/**
 * True if every database returns the text as it was stored. In place of U+0000 and of half a character U+FFFD is
 * stored, so that two names could become one.
 */
export function isStorableText(text: string): boolean {
  // Most texts have no surrogates, and without the `u` flag that is known a thousand times sooner.
  return !text.includes('\0') && !(surrogate.test(text) && half.test(text));
}

// ASCII. Without a call the agent's bundle can leave out what it does not use.
const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/**
 * True if objects and lists in JSON are nested deeper than allowed. Called before JSON.parse, so that no deep object is
 * ever built: JSON.stringify and every other recursion over it would exceed the stack.
 */
export function isDeeper(json: Uint8Array, most: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) inText = !inText;
    else if (inText) at += byte === backslash ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    if (depth > most) return true;
  }
  return false;
}
