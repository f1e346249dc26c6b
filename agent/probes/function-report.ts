import { maxLabelChars, maxSubjects } from '../../src/report/limits.ts';
import type { FunctionReport, Row, Unknown, WorkerReport } from '../../src/report/report.ts';
import type { JsonValue } from './collected.ts';
import type { ProbeResult } from './probe.ts';

/** A missing value with its reason. It becomes null and an entry of `unknown`. */
export interface Missing {
  readonly missing: string;
}

export function missing(reason: string): Missing {
  return { missing: reason };
}

/** The labels (strings) and values (numbers) of a row. An undefined label is left out. */
export type Facts = Readonly<Record<string, string | number | Missing | undefined>>;

/**
 * Returns the function report of a family. Missing and non-finite numbers become null with a reason; labels become
 * printable. Keeps the first `maxSubjects` rows: pass the worst first. Then sorts by `sorted`, a label or a sort key.
 */
export function functionReport(
  name: string,
  facts: readonly Facts[],
  sorted?: string | ((fact: Facts) => string),
): FunctionReport {
  const kept = facts.slice(0, maxSubjects);
  if (sorted !== undefined) {
    const key = typeof sorted === 'string' ? (fact: Facts): string => labelText(fact[sorted]) : sorted;
    kept.sort((one, other) => (key(one) < key(other) ? -1 : 1));
  }
  const unknown: Unknown[] = [];
  const data = kept.map((fact, index) => rowOf(fact, index, unknown));
  return {
    name,
    data,
    ...(unknown.length > 0 ? { unknown: merged(unknown, data.length) } : {}),
    ...(facts.length > kept.length ? { omitted: facts.length - kept.length } : {}),
  };
}

/** Returns the result of a probe with one row in one family, and the counters for the next visit. */
export function oneRow(family: string, facts: Facts, counters?: JsonValue): ProbeResult {
  return { functions: [functionReport(family, [facts])], ...(counters === undefined ? {} : { counters }) };
}

/** Returns the report of a family without rows, with the reason. */
export function emptyReport(name: string, field: string, reason: string): FunctionReport {
  return { name, data: [], unknown: [{ field, reason: printable(reason) }] };
}

/** Rounds to a number of decimals, for a compact report. */
export function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}

/** Returns the text as one line for terminals, mails and logs, at most as long as a label. */
export function printable(text: string): string {
  // The cut comes first, so that half a surrogate pair is replaced as well.
  const short = text.length > maxLabelChars ? `${text.slice(0, maxLabelChars - 1)}…` : text;
  return /^[ -~]*$/.test(short) ? short : short.replace(notPrintable(), '\ufffd');
}

/** Returns an expression that is made when it is needed: V8 asks ICU for the classes of a literal at every start. */
function notPrintable(): RegExp {
  return new RegExp('[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]', 'gu');
}

/** Returns a label; '' if the value is no string. */
export function labelText(value: Facts[string]): string {
  return typeof value === 'string' ? value : '';
}

function rowOf(fact: Facts, index: number, unknown: Unknown[]): Row {
  const row: Record<string, string | number | null> = {};
  for (const field in fact) {
    const value = fact[field];
    if (value === undefined) continue;
    if (typeof value === 'string') row[field] = printable(value);
    else if (typeof value === 'number' && Number.isFinite(value)) row[field] = value;
    else {
      row[field] = null;
      unknown.push({
        row: index,
        field,
        reason: typeof value === 'number' ? 'not a number' : printable(value.missing),
      });
    }
  }
  return row;
}

/** Joins the entries of a field that every row lacks for the same reason. */
function merged(unknown: readonly Unknown[], rows: number): readonly Unknown[] {
  const counts = new Map<string, number>();
  const key = ({ field, reason }: Unknown): string => `${field} ${reason}`;
  for (const entry of unknown) counts.set(key(entry), (counts.get(key(entry)) ?? 0) + 1);
  return unknown.flatMap((entry) => {
    if (counts.get(key(entry)) !== rows) return [entry];
    return entry.row === 0 ? [{ field: entry.field, reason: entry.reason }] : [];
  });
}

/** Returns the report about kept files that cannot be read, which begin anew; none if all can. */
export function damagedReports(names: readonly string[]): readonly WorkerReport[] {
  const error = `cannot be read: ${names.join(', ')}`;
  return names.length === 0 ? [] : [{ name: 'kept', duration_ms: 0, error, function_reports: [] }];
}
