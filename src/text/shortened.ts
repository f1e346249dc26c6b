import { cutBefore } from './cut-before.ts';

/**
 * Cuts a text to a number of code units, with an ellipsis at the cut. This is enough for pages and logs. `cut` of
 * text-columns.ts counts columns, for which Intl takes 4 MB of a process.
 */
export function shortened(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  return `${cutBefore(text, maxCharacters - 1).trimEnd()}…`;
}
