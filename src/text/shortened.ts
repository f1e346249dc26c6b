/**
 * Cut to so many characters, with an ellipsis where something is missing. Pages and logs need no more; `cut` of
 * text-columns.ts counts columns, for which Intl takes 4 MB of a process.
 */
export function shortened(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text;
  // A pair that the cut took apart leaves half of itself.
  const kept = text.slice(0, mostCharacters - 1).replace(/\p{Cs}$/u, '');
  return `${kept.trimEnd()}…`;
}
