import { fault, faultAt, isName, listOf, objectOf, textOf, type Place } from './check-value.ts';
import { maxFieldsPerRow, maxLabelChars, maxRows } from './limits.ts';
import { metricOf, metrics } from './metrics.ts';
import type { Row } from './report.ts';

/** The types of the fields in metrics.ts, by family and field. Built once, for lookups of each field of each row. */
const knownFields: ReadonlyMap<string, ReadonlyMap<string, 'number' | 'text'>> = new Map(
  [...new Set(metrics.map(({ family }) => family))].map((family) => {
    const own = metrics.filter((metric) => metric.family === family);
    const labels = own.flatMap((metric) => metric.labels);
    return [
      family,
      new Map([
        ...own.map(({ field }) => [field, 'number'] as const),
        ...labels.map((label) => [label, 'text'] as const),
      ]),
    ];
  }),
);
const nothingKnown: ReadonlyMap<string, 'number' | 'text'> = new Map();

/**
 * Checks the rows of a function report: labels are texts, and values finite numbers or null. Accepts either for
 * families and fields that metrics.ts does not have. Field names are lower-case, so that `__proto__` and the like never
 * become keys.
 */
export function checkRows(value: unknown, family: string, here: Place): readonly Row[] {
  const rows = listOf(value, here, maxRows);
  const known = knownFields.get(family) ?? nothingKnown;
  return rows.map((item, at) => checkRow(item, family, known, { within: here, key: at }));
}

function checkRow(item: unknown, family: string, known: typeof nothingKnown, here: Place): Row {
  const row = objectOf(item, here);
  const fields = Object.keys(row);
  if (fields.length > maxFieldsPerRow) {
    throw faultAt(here, `${fields.length} fields, allowed are ${maxFieldsPerRow}`);
  }
  for (const field of fields) {
    const value = row[field];
    const kind = known.get(field);
    if (kind === 'number' && Number.isFinite(value)) continue;
    if (kind === undefined && !isName(field)) {
      throw faultAt(here, 'a field that is no name of lower-case letters, digits and _');
    }
    if (value === null) continue;
    if (typeof value === 'string') {
      // By its full name: a field of an unknown family may have the full name of a metric.
      if (kind !== 'text' && metricOf(family, field) !== null) throw fault(here, field, 'not a number');
      textOf(value, here, field, maxLabelChars);
    } else if (typeof value !== 'number' || kind === 'text') {
      throw fault(here, field, kind === 'text' ? 'not a text' : 'neither text nor number');
    } else if (!Number.isFinite(value)) {
      throw fault(here, field, 'not finite');
    }
  }
  return row as Row;
}
