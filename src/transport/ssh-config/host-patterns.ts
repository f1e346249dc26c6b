/** ssh_config(5), PATTERNS: one must match, and none of the negated ones. Case counts. */
export function hostPatternsMatch(patterns: readonly string[], value: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!patternMatches(negated ? pattern.slice(1) : pattern, value)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** `*` and `?`, in at most the product of both lengths: a regular expression would take exponential time for some. */
function patternMatches(pattern: string, value: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < value.length;) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = index;
    } else if (pattern[at] === '?' || pattern[at] === value[index]) {
      at += 1;
      index += 1;
    } else if (star !== -1) {
      // The last `*` takes one character more.
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
