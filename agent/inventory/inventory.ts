/**
 * The facts of the daily inventory: each file asks systeminformation about one part of the machine, takes out what is
 * only a default, and says the rest as rows.
 */
import { missing } from '../probes/function-report.ts';
import type { Facts } from '../probes/function-report.ts';
import { plausiblePositive, plausibleText } from '../probes/plausible.ts';

/** One part may start a dozen programs of the system. */
export const inventoryMs = 15_000;

type Fact = Facts[string];

/** A text, or why there is none. */
export function toldText(value: unknown, reason = notTold()): Fact {
  return plausibleText(value) ?? missing(reason);
}

/** A number above 0, or why there is none. */
export function toldNumber(value: unknown, reason = notTold()): Fact {
  return plausiblePositive(value) ?? missing(reason);
}

/** Much of what firmware knows is for root alone. */
export function notTold(): string {
  return process.getuid?.() === 0 ? 'not told by the machine' : 'not told without root';
}

/** The rows by what names them, so that the same machine gives the same order. */
export function inOrder(rows: readonly Facts[], label: string): Facts[] {
  const key = (row: Facts): string => JSON.stringify([row[label], row]);
  return [...rows].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}
