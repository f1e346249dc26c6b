import { oneRow } from './function-report.ts';
import type { VisitProbe } from './probe.ts';

/** Reads /proc/loadavg. */
export const load: VisitProbe = {
  name: 'load',
  deadlineMs: 1000,
  reads: { files: ['/proc/loadavg'] },
  run: ({ source }) => {
    const [load1, load5, load15] = source.read('/proc/loadavg').split(' ', 3).map(parseFloat);
    return oneRow('load', { load1: load1 ?? NaN, load5: load5 ?? NaN, load15: load15 ?? NaN });
  },
};
