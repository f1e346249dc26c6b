/** U+0000, and halves of characters. */
const unfit = /[\0\p{Cs}]/u;

/**
 * True if every database returns the text as it was stored. SQLite's readers drop what follows U+0000, and databases
 * store U+FFFD in place of half a character: two names would become one.
 */
export function isStorableText(text: string): boolean {
  return !unfit.test(text);
}
