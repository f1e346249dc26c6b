/**
 * Returns the candidate that a misspelt word most likely means, or null if none is near: at most one edit for words of
 * up to four letters, two up to eight, three beyond. Ignores case. A name that differs in signs, leading zeros or its
 * domain alone comes first. Returns the first of equally near candidates.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase();
  const names = [...candidates];
  const alike = names.find((name) => squeezed(name) === squeezed(word) || isShortOf(word, name));
  if (alike !== undefined) return alike;
  let best: string | null = null;
  let bestEdits = (wanted.length <= 4 ? 1 : wanted.length <= 8 ? 2 : 3) + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - wanted.length) >= bestEdits) continue;
    const edits = editDistance(wanted, candidate.toLowerCase());
    // A candidate that shares no letter in place is a guess: `ip` does not mean `op`.
    if (edits < bestEdits && edits < Math.max(wanted.length, candidate.length)) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Returns a name without signs between its words and without leading zeros: `web1` for `web-01`. */
function squeezed(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .replace(/(?<!\d)0+(?=\d)/g, '');
}

/** True if a host is named with its domain in one place and without it in the other. */
function isShortOf(one: string, other: string): boolean {
  const [short = '', long = ''] = [one.toLowerCase(), other.toLowerCase()].sort((a, b) => a.length - b.length);
  return short !== '' && long.startsWith(`${short}.`);
}

/** Returns `; did you mean "x"?`, or an empty text if no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === null ? '' : `; did you mean "${near}"?`;
}

/**
 * Counts insertions, deletions, substitutions and swaps of neighbours between two words (Damerau-Levenshtein, optimal
 * string alignment).
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
