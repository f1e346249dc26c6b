import { oneRow } from './function-report.ts';
import type { Probe } from './probe.ts';

/** Reads /proc/uptime. */
export const uptime: Probe = {
  name: 'uptime',
  deadlineMs: 1000,
  run: ({ source }) => oneRow('uptime', { seconds: parseFloat(source.read('/proc/uptime')) }),
};
