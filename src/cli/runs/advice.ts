import { errorTable } from '../../errors.ts';

const plain = /^[A-Za-z0-9_.:@%+=,/-]+$/;
const namesShown = 5;

/**
 * What to do about a stored code, with the clients it struck in place of the word CLIENT; null for a code that this
 * version does not know.
 */
export function adviceFor(code: string | null, clients: readonly string[]): string | null {
  if (code === null || !Object.hasOwn(errorTable, code)) return null;
  const { advice } = errorTable[code as keyof typeof errorTable];
  const names = clients.map((name) => (plain.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`));
  return names.length > namesShown ? advice.replace(' CLIENT', '') : advice.replace('CLIENT', names.join(' '));
}
