import { statSync } from 'node:fs';

import { missing, oneRow } from './function-report.ts';
import type { Probe } from './probe.ts';

/** The drift files of chronyd and ntpd, written about once an hour while the daemon follows a source. */
const driftFiles = [
  '/var/lib/chrony/drift',
  '/var/lib/chrony/chrony.drift',
  '/var/lib/ntp/ntp.drift',
  '/var/lib/ntpsec/ntp.drift',
];
/** The age up to which a file counts. timesyncd touches its file at every answer, at least every 34 minutes. */
const freshMs = 3 * 3_600_000;

/** Looks for files of time services: the kernel reports its state only through adjtimex, which Node cannot call. */
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
    return oneRow('clock', { synchronised });
  },
};

function isFresh(file: string): boolean {
  try {
    return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < freshMs;
  } catch {
    return false;
  }
}
