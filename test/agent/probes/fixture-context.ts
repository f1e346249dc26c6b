import path from 'node:path';

import type { JsonValue } from '../../../agent/probes/collected.ts';
import type { ProbeContext } from '../../../agent/probes/probe.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import type { FunctionReport, Row } from '../../../src/report/report.ts';
import type { ProbeOptions } from '../../../src/report/wire.ts';

interface Given {
  readonly options?: ProbeOptions;
  readonly counters?: JsonValue;
  readonly elapsedMs?: number;
  readonly placeDir?: string | null;
  readonly leftMs?: () => number;
}

/** Returns the folder of a copy of /proc, /sys and similar folders, below test/testdata. */
export function boxRoot(box: string): string {
  return path.join(import.meta.dirname, '../../testdata', `proc-${box}`);
}

/** Returns the context of a probe on the machine in proc-`box`. A path names another root, '' this machine. */
export function contextOf(box: string, given: Given = {}): ProbeContext {
  const root = box === '' || box.startsWith('/') ? box : boxRoot(box);
  return {
    source: openSource(root, given.placeDir),
    options: given.options ?? {},
    earlier: given.counters === undefined ? null : { counters: given.counters, elapsedMs: given.elapsedMs ?? 10_000 },
    noRates: 'first visit',
    leftMs: given.leftMs ?? (() => 1000),
  };
}

/** Returns the family of that name. Throws if the family was not reported. */
export function familyOf(functions: readonly FunctionReport[], name: string): FunctionReport {
  const found = functions.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no family ${name}`);
  return found;
}

/** Returns some fields of each row. */
export function valuesOf(rows: readonly Row[], ...fields: readonly string[]): (Row[string] | undefined)[][] {
  return rows.map((row) => fields.map((field) => row[field]));
}

/** Returns the only row of a family. Throws if the family has no row or several. */
export function onlyRow(functions: readonly FunctionReport[], name: string): Row {
  const { data } = familyOf(functions, name);
  const [row] = data;
  if (row === undefined || data.length !== 1) throw new Error(`${data.length} rows in ${name}`);
  return row;
}

/** Returns the reason why a field of a family is null. Returns undefined if the family has no such reason. */
export function reasonOf(functions: readonly FunctionReport[], name: string, field: string): string | undefined {
  return familyOf(functions, name).unknown?.find((entry) => entry.field === field)?.reason;
}
