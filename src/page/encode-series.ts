import { deflateSync } from 'node:zlib';

import { type HistoryHead, type SeriesHead, steps, unknown } from './series-layout.ts';

/** Values of one series, one a point; null is unknown. */
export interface Series extends Pick<SeriesHead, 'group' | 'name'> {
  readonly values: readonly (number | null)[];
}

/** A client's history: its figures on a grid of equal steps. */
export interface ClientHistory extends Omit<HistoryHead, 'series'> {
  readonly series: readonly Series[];
}

/** Encodes a client's history for a page; see series-layout.ts. */
export function encodeHistory({ series, ...head }: ClientHistory): string {
  const heads = series.map(({ group, name, values }) => ({ group, name, ...boundsOf(values) }));
  const header = Buffer.from(JSON.stringify({ ...head, series: heads } satisfies HistoryHead));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const bodies = series.map(({ values }, index) => encodeValues(values, heads[index] ?? { low: 0, high: 0 }));
  return deflateSync(Buffer.concat([length, header, ...bodies]), { level: 9 }).toString('base64');
}

function encodeValues(values: readonly (number | null)[], { low, high }: Pick<SeriesHead, 'low' | 'high'>): Buffer {
  const bytes = Buffer.alloc(values.length);
  const span = high > low ? high - low : 1;
  let before = 0;
  for (const [index, value] of values.entries()) {
    const byte = value === null ? unknown : Math.round(((value - low) / span) * steps);
    bytes[index] = (byte - before) & 255;
    before = byte;
  }
  return bytes;
}

function boundsOf(values: readonly (number | null)[]): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}
