import { missing, oneRow } from './function-report.ts';
import type { ProbeContext, VisitProbe } from './probe.ts';
import { readProcesses } from './read-processes.ts';
import { containerReads, isContainer, ofTheHost } from './virtualisation.ts';

/** Reads /proc/loadavg. A container mostly sees that of its host, which says nothing about it. */
export const load: VisitProbe = {
  name: 'load',
  deadlineMs: 1000,
  reads: {
    names: containerReads.names,
    files: ['/proc/loadavg', '/proc/[0-9]*/stat', ...containerReads.files],
  },
  run: (context) => {
    const [load1 = '', load5 = '', load15 = '', tasks = ''] = context.source.read('/proc/loadavg').split(' ', 4);
    const reason = reasonAgainst(Number(tasks.split('/')[1]), context);
    const figure = (text: string) => (reason === null ? parseFloat(text) : missing(reason));
    return oneRow('load', { load1: figure(load1), load5: figure(load5), load15: figure(load15) });
  },
};

/** Returns why the load is none of this machine, by the number of tasks beside it; null if it is. */
function reasonAgainst(tasks: number, { source, leftMs }: ProbeContext): string | null {
  // gVisor.
  if (tasks === 0) return 'the kernel does not tell';
  if (!isContainer(source)) return null;
  const { processes, fault } = readProcesses(source, leftMs);
  const own = processes.reduce((sum, { threads }) => sum + threads, 0);
  // lxcfs can count the tasks of a container alone. They change while they are counted.
  return fault === null && tasks <= 1.5 * own + 20 ? null : ofTheHost;
}
