/** src/transport/ssh-config: the user's ssh_config. */

/**
 * True if a value matches a pattern list (ssh_config(5), PATTERNS): at least one pattern, and no negated pattern.
 * Case-sensitive.
 */
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

/**
 * True if a value matches a pattern with `*` and `?`. The time is at most proportional to the product of both lengths;
 * a regular expression would need exponential time for some patterns.
 */
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
      // Extends the match of the last `*` by one character.
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
