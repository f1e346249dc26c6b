/** agent/probes: the probes, listed in `index.ts`, and what they share. */
import { missing, oneRow, type Missing } from './function-report.ts';
import type { ProbeResult, VisitProbe } from './probe.ts';
import type { Source } from './source.ts';

/** The drift files of chronyd and ntpd, written about once an hour while the daemon follows a source. */
const driftFiles = [
  '/var/lib/chrony/drift',
  '/var/lib/chrony/chrony.drift',
  '/var/lib/ntp/ntp.drift',
  // A file in Red Hat's distributions, in SUSE's the folder of the file, which ntpd replaces.
  '/var/lib/ntp/drift',
  '/var/lib/ntpsec/ntp.drift',
];
/** The age up to which a file counts. timesyncd touches its file at every answer, at least every 34 minutes. */
const freshMs = 3 * 3_600_000;

/** The files of a running chronyd: one of these exists. Other users cannot look into its folder. */
const chronyRuns = ['/run/chrony', '/run/chronyd.pid'];
const chronyc = ['/usr/bin/chronyc', '/usr/sbin/chronyc', '/run/current-system/sw/bin/chronyc'];
/** The share of the time for chronyc; the rest is for its answer. */
const chronycShare = 0.8;

/**
 * Asks chronyc if chronyd runs, else looks for files of time services: the kernel reports its state only through
 * adjtimex, which Node cannot call.
 */
export const clock: VisitProbe = {
  name: 'clock',
  deadlineMs: 1500,
  reads: {
    names: [...chronyRuns, '/run/systemd/timesync'],
    times: [...driftFiles, '/run/systemd/timesync/synchronized'],
  },
  run: ({ source, leftMs }) => {
    const program = chronyRuns.some((path) => source.exists(path))
      ? chronyc.find((path) => source.exists(path))
      : undefined;
    return program === undefined
      ? oneRow('clock', { synchronised: fromFiles(source) })
      : askChronyc(source, program, chronycShare * leftMs());
  },
};

async function askChronyc(source: Source, program: string, deadlineMs: number): Promise<ProbeResult> {
  const answer = await source.programs.run(program, ['-n', 'tracking'], deadlineMs).catch(() => null);
  const leap = /^Leap status\s*:\s*(.*)$/m.exec(answer?.output ?? '')?.[1];
  return oneRow('clock', {
    synchronised: leap === undefined ? fromFiles(source) : Number(leap !== 'Not synchronised'),
  });
}

function fromFiles(source: Source): number | Missing {
  if (source.exists('/run/systemd/timesync')) {
    const isKnown = !Number.isNaN(source.changedMs('/run/systemd/timesync/synchronized'));
    return isKnown ? Number(isFresh(source, '/run/systemd/timesync/synchronized')) : missing('stat does not tell');
  }
  return driftFiles.some((file) => isFresh(source, file)) ? 1 : missing('no time service that tells');
}

function isFresh(source: Source, file: string): boolean {
  return source.reader.nowMs() - source.changedMs(file) < freshMs;
}
