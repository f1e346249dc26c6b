import { statSync } from 'node:fs';

import { functionReport, missing } from './function-report.ts';
import type { Probe } from './probe.ts';

/** chronyd and ntpd write these about once an hour, and only while they follow a source. */
const driftFiles = [
  '/var/lib/chrony/drift',
  '/var/lib/chrony/chrony.drift',
  '/var/lib/ntp/ntp.drift',
  '/var/lib/ntpsec/ntp.drift',
];
/** timesyncd touches its file at every answer of a server, every 34 minutes at least. */
const freshMs = 3 * 3_600_000;

/** Looks for what time services leave behind; the kernel tells only through adjtimex, which Node cannot call. */
export const clock: Probe = {
  name: 'clock',
  deadlineMs: 1000,
  run: ({ source }) => {
    const timesyncd = source.exists('/run/systemd/timesync');
    const synchronised = timesyncd
      ? Number(isFresh(`${source.root}/run/systemd/timesync/synchronized`))
      : driftFiles.some((file) => isFresh(source.root + file))
        ? 1
        : missing('no time service that tells');
    return { functions: [functionReport('clock', [{ synchronised }])] };
  },
};

function isFresh(file: string): boolean {
  try {
    return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < freshMs;
  } catch {
    return false;
  }
}
