/** Returns a condition for runs of collectors other than these. Its values are these ids. */
export function byOthers(except: ReadonlySet<string>): string {
  const ids = Array.from(except, () => '?').join(', ');
  return ids === '' ? '' : ` AND (collector_id IS NULL OR collector_id NOT IN (${ids}))`;
}
