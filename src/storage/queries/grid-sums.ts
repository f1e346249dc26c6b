import type { SqlRow } from '../sql/database.ts';
import type { FiguresQuery, FleetFigures, Grid, GridFigure, GridFigures } from '../store/look-store.ts';

/** The names of the values of a column in a row. */
interface Keys {
  readonly mean: string;
  readonly min: string;
  readonly max: string;
}

export function keysOf(index: number): Keys {
  return { mean: `mean${index}`, min: `min${index}`, max: `max${index}` };
}

/** A figure of a subject by step. */
interface Sums {
  readonly mean: Float64Array | Float32Array;
  /** The number of rows of which `mean` is the mean; 0: unknown. */
  readonly weight: Uint16Array;
  /** The least values; null: the mean stands for them. */
  readonly min: Float64Array | null;
  readonly max: Float64Array | null;
}

const maxWeight = 2 ** 16 - 1;

/**
 * Adds up figures by client, subject and step. Holds six to ten bytes for each figure and step, and 16 more with a
 * range.
 */
export class GridSums implements FleetFigures {
  readonly #columns: readonly { readonly name: string; readonly hasRange: boolean; readonly keys: Keys }[];
  readonly #grid: Grid;
  readonly #byClient: ReadonlyMap<string, Map<string, readonly Sums[]>>;

  constructor({ clients, columns, ranges, grid }: Omit<FiguresQuery, 'table'>) {
    this.#columns = columns.map((name, index) => ({ name, hasRange: ranges.includes(name), keys: keysOf(index) }));
    this.#grid = grid;
    this.#byClient = new Map(clients.map((client) => [client, new Map()]));
  }

  /** Adds a row to one step. Ignores rows of clients that were not asked for. */
  addToStep(row: SqlRow, client: string, step: number): void {
    const sums = this.#sumsOf(client, String(row['subject'] ?? ''));
    if (sums !== null) this.#add(row, sums, step, step);
  }

  /** Adds a row to each step that the time from `fromMs` on touches. */
  addToSpan(row: SqlRow, client: string, fromMs: number, spanMs: number): void {
    const { sinceMs, stepMs, points } = this.#grid;
    const sums = this.#sumsOf(client, String(row['subject'] ?? ''));
    const first = Math.max(0, Math.floor((fromMs - sinceMs) / stepMs));
    const last = Math.min(points - 1, Math.ceil((fromMs + spanMs - sinceMs) / stepMs) - 1);
    if (sums !== null) this.#add(row, sums, first, last);
  }

  #add(row: SqlRow, sums: readonly Sums[], first: number, last: number): void {
    const weight = row['weight'] === undefined ? 1 : Number(row['weight']);
    for (const [index, { keys }] of this.#columns.entries()) {
      const value = row[keys.mean] ?? null;
      const column = sums[index];
      if (value === null || column === undefined) continue;
      const mean = Number(value);
      for (let step = first; step <= last; step += 1) {
        const before = column.weight[step] ?? 0;
        const whole = Math.min(maxWeight, before + weight);
        column.mean[step] =
          before === 0 ? mean : (column.mean[step] ?? 0) + ((mean - (column.mean[step] ?? 0)) * weight) / whole;
        column.weight[step] = whole;
        if (column.min === null || column.max === null) continue;
        const min = Number(row[keys.min] ?? mean);
        const max = Number(row[keys.max] ?? mean);
        column.min[step] = before === 0 ? min : Math.min(column.min[step] ?? min, min);
        column.max[step] = before === 0 ? max : Math.max(column.max[step] ?? max, max);
      }
    }
  }

  /** True if a figure of the client is known at this step. */
  isKnown(client: string, step: number): boolean {
    const bySubject = this.#byClient.get(client)?.values() ?? [];
    return [...bySubject].some((sums) => sums.some(({ weight }) => (weight[step] ?? 0) > 0));
  }

  of(client: string, stepFactor = 1): readonly GridFigures[] {
    return [...(this.#byClient.get(client) ?? [])]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([subject, sums]) => ({
        subject,
        figures: new Map(
          this.#columns.flatMap(({ name }, index) => {
            const column = sums[index];
            return column?.weight.some((weight) => weight > 0) ? [[name, figureOf(column, stepFactor)] as const] : [];
          }),
        ),
      }))
      .filter(({ figures }) => figures.size > 0);
  }

  #sumsOf(client: string, subject: string): readonly Sums[] | null {
    const bySubject = this.#byClient.get(client);
    if (bySubject === undefined) return null;
    const known = bySubject.get(subject);
    if (known !== undefined) return known;
    const { points } = this.#grid;
    const sums = this.#columns.map(({ hasRange }) => ({
      // A sample of a large fleet needs no more than seven digits.
      mean: this.#grid.sampleMs === null ? new Float64Array(points) : new Float32Array(points),
      weight: new Uint16Array(points),
      min: hasRange ? new Float64Array(points) : null,
      max: hasRange ? new Float64Array(points) : null,
    }));
    bySubject.set(subject, sums);
    return sums;
  }
}

/** Returns a figure, with `stepFactor` steps put together into one. */
function figureOf(sums: Sums, stepFactor: number): GridFigure {
  const points = Math.ceil(sums.mean.length / stepFactor);
  const unknown = (): (number | null)[] => new Array<number | null>(points).fill(null);
  const mean = unknown();
  const [min, max] = sums.min === null ? [mean, mean] : [unknown(), unknown()];
  for (let point = 0; point < points; point += 1) {
    let [rows, total] = [0, 0];
    for (let step = point * stepFactor; step < (point + 1) * stepFactor; step += 1) {
      const weight = sums.weight[step] ?? 0;
      if (weight === 0) continue;
      rows += weight;
      total += weight * (sums.mean[step] ?? 0);
      if (sums.min === null || sums.max === null) continue;
      min[point] = Math.min(min[point] ?? Infinity, sums.min[step] ?? Infinity);
      max[point] = Math.max(max[point] ?? -Infinity, sums.max[step] ?? -Infinity);
    }
    if (rows > 0) mean[point] = total / rows;
  }
  return { min, mean, max };
}
