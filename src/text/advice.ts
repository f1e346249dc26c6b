import { errorTable } from '../platform/errors/error-table.ts';
import { shownShellWord } from './shell-word.ts';

const namesShown = 5;

/**
 * Returns the advice for a stored error code, with these clients in place of the word CLIENT. Returns null for a code
 * that this version does not know.
 */
export function adviceFor(code: string | null, clients: readonly string[]): string | null {
  if (code === null || !Object.hasOwn(errorTable, code)) return null;
  const { advice } = errorTable[code as keyof typeof errorTable];
  const names = clients.map(shownShellWord);
  return names.length > namesShown ? advice.replace(' CLIENT', '') : advice.replace('CLIENT', names.join(' '));
}
