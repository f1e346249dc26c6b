/**
 * Returns a limit in the words that stand behind a value: `limit 90 %` for `at least 90 %`. The value itself shows on
 * which side it is, so the comparison is left out, except where the limit is a sentence: `limit: fewer than 1 or more
 * than 3`. Returns '' for no limit.
 */
export function limitWords(limit: string): string {
  const number = limit.replace(/^(?:at least|at most|more than|less than) (?=-?\d)/, '');
  return limit === '' ? '' : /^-?\d/.test(number) ? `limit ${number}` : `limit: ${limit}`;
}

/** Returns a value with its limit: `95 % used, 1 of 20 MiB free (limit 90 %)`. */
export function withLimit(value: string, limit: string): string {
  return limit === '' ? value : `${value} (${limitWords(limit)})`;
}
