import { append } from '../../platform/group-by.ts';
import { forChunks } from './insert-rows.ts';
import type { SqlValue } from './database.ts';

/** Queries consecutive ids as a range if there are at least this many: a range is cheaper than naming each id. */
const minRange = 16;
/** The longest range of a query, which keeps each answer small. Changes, which only return a count, have no limit. */
const answerRange = 1000;

/**
 * Runs a statement for exactly these ids: one piece for each long range of consecutive ids, and lists for the others.
 * `where` is a condition on the column with its values.
 */
export async function forIds<R>(
  column: string,
  ids: readonly number[],
  run: (where: string, values: readonly SqlValue[]) => Promise<readonly R[]>,
  maxRange = answerRange,
): Promise<readonly R[]> {
  const ordered = [...new Set(ids)].sort((a, b) => a - b);
  const single: number[] = [];
  const results: R[] = [];
  for (let start = 0; start < ordered.length;) {
    const length = rangeLength(ordered, start, maxRange);
    const range = ordered.slice(start, start + length);
    if (length < minRange) append(single, range);
    else append(results, await run(`${column} BETWEEN ? AND ?`, [range[0] ?? null, range.at(-1) ?? null]));
    start += length;
  }
  const others = await forChunks(single, (chunk, marks) => run(`${column} IN (${marks})`, chunk));
  // Spreading would pass more arguments than fit the stack.
  return results.length === 0 ? others : results.concat(others);
}

/** Runs a statement that changes rows for exactly these ids, as forIds does. Returns the number of changed rows. */
export async function changeIds(
  column: string,
  ids: readonly number[],
  change: (where: string, values: readonly SqlValue[]) => Promise<number>,
): Promise<number> {
  const counts = await forIds(column, ids, async (where, values) => [await change(where, values)], Infinity);
  return counts.reduce((sum, count) => sum + count, 0);
}

function rangeLength(ordered: readonly number[], start: number, maxRange: number): number {
  let length = 1;
  while (length < maxRange && ordered[start + length] === (ordered[start] ?? 0) + length) length += 1;
  return length;
}
