import type { Report, Row } from '../../report/report.ts';

/** The rows of one family in a report. */
export interface FamilyRows {
  readonly rows: readonly Row[];
  /** True if no row is missing: the probe had no error, omitted no subject, and could list the subjects. */
  readonly whole: boolean;
}

export interface ReportFamilies {
  readonly of: (family: string) => FamilyRows | null;
  /** The probes that had an error, with the error. */
  readonly failedProbes: readonly (readonly [name: string, error: string])[];
}

/** Returns the families of a report. A family in two worker reports is whole if both are. */
export function readFamilies(report: Report): ReportFamilies {
  const families = new Map<string, FamilyRows>();
  const failedProbes: (readonly [string, string])[] = [];
  for (const { name: probe, error, function_reports: functions } of report.worker_reports) {
    if (error !== null) failedProbes.push([probe, error]);
    for (const { name, data, omitted = 0, unknown = [] } of functions) {
      const whole = error === null && omitted === 0 && (data.length > 0 || unknown.length === 0);
      const known = families.get(name);
      families.set(
        name,
        known === undefined ? { rows: data, whole } : { rows: [...known.rows, ...data], whole: known.whole && whole },
      );
    }
  }
  return { of: (family) => families.get(family) ?? null, failedProbes };
}

export function numberOf(row: Row, field: string): number | null {
  const value = row[field];
  return typeof value === 'number' ? value : null;
}

export function textOf(row: Row, label: string): string {
  const value = row[label];
  return typeof value === 'string' ? value : '';
}
