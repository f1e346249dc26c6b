import { oneRow } from './function-report.ts';
import type { VisitProbe } from './probe.ts';

/** Reads /proc/uptime. */
export const uptime: VisitProbe = {
  name: 'uptime',
  deadlineMs: 1000,
  reads: { files: ['/proc/uptime'] },
  run: ({ source }) => oneRow('uptime', { seconds: parseFloat(source.read('/proc/uptime')) }),
};
