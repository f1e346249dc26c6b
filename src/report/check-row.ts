import { fault, isName, textOf } from './check-value.ts';
import type { Json } from './check-value.ts';
import { maxFieldsPerRow, maxLabelChars } from './limits.ts';
import { metricOf, metrics } from './metrics.ts';
import type { Row } from './report.ts';

const labelsByFamily: ReadonlyMap<string, readonly string[]> = new Map(
  metrics.map(({ family, labels }) => [family, labels]),
);

/**
 * A row whose labels are texts and whose values are finite numbers, or null. Of families and fields that metrics.ts does
 * not know either is taken. Field names are lower-case, so that `__proto__` and its like never become keys.
 */
export function checkRow(row: Json, family: string, path: () => string): Row {
  const labels = labelsByFamily.get(family) ?? [];
  const entries = Object.entries(row);
  if (entries.length > maxFieldsPerRow) {
    throw fault(path(), `${entries.length} fields, allowed are ${maxFieldsPerRow}`);
  }
  for (const [field, value] of entries) {
    if (!isName(field)) throw fault(path(), 'a field that is no name of lower-case letters, digits and _');
    if (value === null) continue;
    if (typeof value === 'string') {
      if (metricOf(family, field) !== null) throw fault(`${path()}.${field}`, 'not a number');
      textOf(value, () => `${path()}.${field}`, maxLabelChars);
    } else if (typeof value !== 'number' || labels.includes(field)) {
      throw fault(`${path()}.${field}`, labels.includes(field) ? 'not a text' : 'neither text nor number');
    } else if (!Number.isFinite(value)) {
      throw fault(`${path()}.${field}`, 'not finite');
    }
  }
  return row as Row;
}
