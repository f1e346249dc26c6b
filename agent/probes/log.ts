import { printable } from './function-report.ts';
import type { Probe, ProbeContext, ProbeResult } from './probe.ts';
import { messageOf } from './source.ts';

/**
 * The file in a client's folder with the position up to which logs were read. The shell agent reads and writes it too.
 */
export const logPositionName = 'log';

/**
 * Reads the new lines of the logs if a rule or `logs="yes"` requests them. awk reads the lines with the program of the
 * shell agent, so that expressions mean the same on every client.
 */
export const log: Probe = {
  name: 'log',
  deadlineMs: 8500,
  isAsked: ({ logs = [] }) => logs.length > 0,
  run: readLogs,
};

async function readLogs({ source, options, leftMs }: ProbeContext): Promise<ProbeResult> {
  try {
    const worker = await source.programs.log(options.logs ?? [], leftMs);
    const functions = worker.function_reports;
    return worker.error === null ? { functions } : { functions, error: worker.error };
  } catch (error) {
    return { functions: [], error: printable(messageOf(error)) };
  }
}
