import { parseProcessStat, type ProcessStat } from './process-stat.ts';
import { messageOf, type Source } from './source.ts';

export interface ProcessList {
  /** The number of processes; null if those of other accounts are hidden. */
  readonly total: number | null;
  readonly processes: readonly ProcessStat[];
  /** The reason why `processes` is incomplete; null if it is complete. */
  readonly fault: string | null;
  /** True for a failure, false for a missing permission. */
  readonly isFailure: boolean;
}

/** The length to which the kernel truncates a program's name. */
const commBytes = 15;
/** The number of processes between two looks at the clock. */
const stride = 64;

/** Reads /proc/PID/stat of every process, as far as time and permissions allow. */
export function readProcesses(source: Source, leftMs: () => number): ProcessList {
  const pids = source.list('/proc').filter((name) => name > '0' && name < ':');
  if (pids.length === 0) throw new Error('no processes in /proc');
  // Process 1 always exists: without it /proc is mounted with hidepid=2.
  if (!pids.includes('1'))
    return { total: null, processes: [], fault: 'no permission: /proc shows own processes only', isFailure: false };
  const processes: ProcessStat[] = [];
  let gone = 0;
  for (let index = 0; index < pids.length; index++) {
    if (index % stride === 0 && leftMs() <= 0) {
      const fault = `no time left after ${index} of ${pids.length} processes`;
      return { total: pids.length, processes, fault, isFailure: true };
    }
    const pid = pids[index] ?? '';
    try {
      const stat = parseProcessStat(source.read(`/proc/${pid}/stat`));
      if (stat !== null) processes.push(stat);
    } catch (error) {
      if (messageOf(error).startsWith('no permission')) {
        const fault = 'no permission: /proc hides processes of others';
        return { total: pids.length, processes: [], fault, isFailure: false };
      }
      gone++;
    }
  }
  return { total: pids.length - gone, processes, fault: null, isFailure: false };
}

/**
 * Returns the name of a program without arguments: `comm`, or the whole name if the kernel truncated `comm`. Programs
 * may change their first argument at will: it only counts if it continues the truncated name.
 */
export function nameOf({ comm, pid }: ProcessStat, source: Source): string {
  if (comm.length !== commBytes) return comm;
  try {
    const first = source.readStart(`/proc/${pid}/cmdline`, 4096).split('\0', 1)[0] ?? '';
    const program = first.slice(first.lastIndexOf('/') + 1).split(/[ :]/, 1)[0] ?? '';
    return program.startsWith(comm) ? program : comm;
  } catch {
    return comm;
  }
}
