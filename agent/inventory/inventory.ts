/**
 * The facts of the daily inventory. Each probe asks systeminformation about one part of the machine, drops mere
 * defaults, and returns the rest as rows.
 */
import { missing, type Facts } from '../probes/function-report.ts';
import { plausiblePositive, plausibleText } from '../probes/plausible.ts';

/** The deadline of a probe, which may start a dozen programs of the system. */
export const inventoryMs = 15_000;

type Fact = Facts[string];

/** Returns the text, or the reason why it is missing. */
export function textFact(value: unknown): Fact {
  return plausibleText(value) ?? missing(notReported());
}

/** Returns a number above 0, or the reason why it is missing. */
export function numberFact(value: unknown): Fact {
  return plausiblePositive(value) ?? missing(notReported());
}

/** Returns the usual reason: root alone may read many facts of the firmware. */
export function notReported(): string {
  return process.getuid?.() === 0 ? 'not reported by the machine' : 'not reported without root';
}

/** Sorts rows by a label, so that the same machine gives the same order. */
export function inOrder(rows: readonly Facts[], label: string): Facts[] {
  const key = (row: Facts): string => JSON.stringify([row[label], row]);
  return [...rows].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}
