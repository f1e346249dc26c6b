/** src/cli/terminal: streams and tables. */
import { remembered } from '../../platform/remembered.ts';
import { jsonTime } from './reader-time.ts';

const nameOf = remembered((field: string) => {
  const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const time = /^(?:.*_)?(?:at|since|until|from|to|first|last)(?=_ms$)/.exec(name)?.[0];
  return { name: time ?? name, isTime: time !== undefined };
});

/**
 * Returns the fields of a record under their names in JSON: snake_case, and times (`startedAtMs`, `sinceMs`) as ISO
 * 8601 without their unit. Callers name the fields one by one: a record may hold more than its type says.
 */
export function jsonFields(record: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record).map(([field, value]: [string, unknown]) => {
      const { name, isTime } = nameOf(field);
      return [name, isTime && typeof value === 'number' ? jsonTime(value) : value];
    }),
  );
}
