import type { WorkerReport } from '../../src/report/report.ts';
import { logPositionName } from '../probes/log.ts';
import { messageOf, type Notes } from '../probes/source.ts';
import { outputOf } from './output-of.ts';

/** The share of the time for awk; the rest is for its answer. */
const awkShare = 0.9;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Bounds the memory of awk to 128 MiB and its CPU time to 5 s, as agent/capture/agent.sh does. */
const script = 'ulimit -S -v 131072; ulimit -S -t 5; exec awk "$1"';
/** The line behind a position whose lines the previous visit could not read. */
const failed = 'failed';

export interface ReadLogOptions {
  readonly root: string;
  readonly bootId: string;
  readonly notes: Notes | null;
  readonly asks: readonly string[];
  readonly leftMs: () => number;
}

/** Reads the new lines of the logs by awk. Throws an Error with the reason. */
export async function readLog({ root, bootId, notes, asks, leftMs }: ReadLogOptions): Promise<WorkerReport> {
  // Without a position this visit begins at the end.
  const [position = '', state] = (notes?.read(logPositionName) ?? '').split('\n');
  const keep = (text: string): void => notes?.write(logPositionName, `${text}\n`);
  try {
    const environment = {
      PATH: `${process.env['PATH'] ?? ''}:${path}`,
      LC_ALL: 'C',
      fh_root: root,
      fh_asks: asks.join('\n'),
      fh_log: position.trim(),
      fh_boot: bootId.trim(),
    };
    // The module is loaded here, because it is a tenth of the agent.
    const { logProgram } = await import('../../src/report/log-program.ts');
    const args = ['-c', script, 'sh', logProgram];
    const output = await outputOf('/bin/sh', args, awkShare * leftMs(), environment);
    const [report = '', next = ''] = output.split('\n');
    const worker = JSON.parse(report) as WorkerReport;
    keep(next);
    return worker;
  } catch (error) {
    // The next visit reads these lines. If they are too much for it as well, the one after it begins at the end.
    const isSkipped = state === failed && position !== '';
    keep(isSkipped || position === '' ? '' : `${position}\n${failed}`);
    throw isSkipped ? new Error(`${messageOf(error)}; the lines until now are skipped`) : error;
  }
}
