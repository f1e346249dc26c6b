import type { SqlValue } from './database.ts';

/**
 * Replaces U+0000 in texts by U+FFFD, as drivers do with halves of characters. SQLite's readers drop what follows
 * U+0000, so that two names would become one, and MariaDB's do not.
 */
export function storableValues(values: readonly SqlValue[]): readonly SqlValue[] {
  if (!values.some(hasZero)) return values;
  return values.map((value) => (typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value));
}

function hasZero(value: SqlValue): boolean {
  return typeof value === 'string' && value.includes('\0');
}
