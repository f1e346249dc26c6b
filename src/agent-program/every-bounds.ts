import { dayMs, secondMs } from '../platform/units.ts';

/** The bounds of the time between two reports: rates need ten seconds. */
export const everyBounds = { minimumMs: 10 * secondMs, maximumMs: dayMs } as const;
