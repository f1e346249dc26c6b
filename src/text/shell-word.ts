import { oneLine } from './plain-text.ts';

/** Returns the text as one word of a POSIX shell, quoted if necessary. The shell reads exactly the text. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Returns the text as one word of a POSIX shell in a command that a person reads and may type: a mail, advice, a
 * comment of a script. Harmful characters are replaced as `oneLine` replaces them.
 */
export function shownShellWord(text: string): string {
  return shellWord(oneLine(text));
}
