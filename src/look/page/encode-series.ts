import { deflateSync } from 'node:zlib';

import { quoted } from '../../text/plain-text.ts';
import { type HistoryHead, type SeriesGroup, type SeriesHead, steps, unknown } from './series-layout.ts';

/** The least step of each group. Finer steps carry no information, and their noise takes most of the room. */
const minSteps: Readonly<Record<SeriesGroup, number>> = {
  cpu: 0.5,
  memory: 0.25,
  disk: 0.2,
  load: 0.05,
  units: 1,
  received: 1,
  sent: 1,
  series: 0,
};
/** The divisor of the greatest value that gives the finest step of bytes per second, and of series of any unit. */
const greatestSteps: Partial<Readonly<Record<SeriesGroup, number>>> = { received: 100, sent: 100, series: 500 };

/** The values of one series, one per point; null is unknown. */
export interface PlottedSeries extends Pick<SeriesHead, 'group' | 'name' | 'plot' | 'unit'> {
  readonly values: readonly (number | null)[];
}

/** A client's history: its figures on a grid of equal steps. */
export interface ClientHistory extends Omit<HistoryHead, 'series'> {
  readonly series: readonly PlottedSeries[];
}

/**
 * Encodes a client's history for a page (see series-layout.ts). Neutralizes names, so that the page can show them as
 * they are.
 */
export function encodeHistory({ series, alerts, ...head }: ClientHistory): string {
  const heads = series.map(({ group, name, plot, unit, values }) => ({
    group,
    name: quoted(name),
    ...(plot !== undefined && { plot: quoted(plot) }),
    ...(unit !== undefined && { unit }),
    ...boundsOf(group, values),
  }));
  const shown = alerts.map(({ rule, subject, plot, ...alert }) => ({
    ...alert,
    ...(plot !== undefined && { plot: quoted(plot) }),
    rule: quoted(rule),
    subject: quoted(subject),
  }));
  const header = Buffer.from(JSON.stringify({ ...head, series: heads, alerts: shown } satisfies HistoryHead));
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

function boundsOf(group: SeriesGroup, values: readonly (number | null)[]): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const minStep = Math.max(minSteps[group], Math.max(high, -low) / (greatestSteps[group] ?? Infinity));
  return low > high ? { low: 0, high: 0 } : { low, high: Math.max(high, low + minStep * steps) };
}
