import { missing, oneRow, rounded, type Missing } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import { parseProcessStat, ticksPerSecond } from './process-stat.ts';
import type { Source } from './source.ts';
import { containerReads, isContainer, isMountedOver, ofTheHost } from './virtualisation.ts';

/** Reads /proc/uptime; in a container that sees the one of its host, the time since its first process began. */
export const uptime: VisitProbe = {
  name: 'uptime',
  deadlineMs: 1000,
  reads: {
    names: containerReads.names,
    files: ['/proc/uptime', '/proc/[0-9]*/stat', ...containerReads.files],
  },
  run: ({ source }) => {
    const seconds = parseFloat(source.read('/proc/uptime'));
    const isOwn = !isContainer(source) || isMountedOver(source, '/proc/uptime');
    return oneRow('uptime', { seconds: isOwn ? seconds : sinceFirstProcess(seconds, source) });
  },
};

function sinceFirstProcess(seconds: number, source: Source): number | Missing {
  const first = parseProcessStat(source.readOptional('/proc/1/stat') ?? '');
  if (first === null) return missing(ofTheHost);
  const began = first.start / ticksPerSecond;
  // Where the kernel counts from the start of the container, so does this file.
  return began <= seconds ? rounded(seconds - began, 2) : seconds;
}
