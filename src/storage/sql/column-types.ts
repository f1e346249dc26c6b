/** The types of the integer columns that hold values from clients, the narrowest of any database. */
export const integerColumns = {
  clock_offset_ms: 'BIGINT',
  uptime_s: 'BIGINT',
  processes: 'INT',
  cpus: 'INT',
  failed_units: 'INT',
  probe_errors: 'INT',
  unresponsive_mounts: 'INT',
  reboot_required: 'TINYINT',
  oom_kills: 'INT',
  clock_synchronised: 'TINYINT',
  size_bytes: 'BIGINT',
  used_bytes: 'BIGINT',
  available_bytes: 'BIGINT',
  unresponsive: 'TINYINT',
  link_up: 'TINYINT',
  memory_bytes: 'BIGINT',
  state: 'TINYINT',
  refused: 'TINYINT',
} as const;
export type IntegerColumn = keyof typeof integerColumns;

/** The largest value of each type. Beyond 2^53 a number could not be read back exactly. */
const largest = { TINYINT: 2 ** 7 - 1, INT: 2 ** 31 - 1, BIGINT: Number.MAX_SAFE_INTEGER } as const;

/** Returns a figure rounded for its column; null if the column cannot hold it. */
export function integerFor(column: IntegerColumn, value: number | null): number | null {
  if (value === null) return null;
  const integer = Math.round(value);
  return Math.abs(integer) <= largest[integerColumns[column]] ? integer : null;
}
