import { messageOf } from './source.ts';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import type { WorkerReport } from '../../src/report/report.ts';
import { outputOf } from './output-of.ts';
import { printable } from './function-report.ts';
import type { Probe, ProbeContext, ProbeResult } from './probe.ts';

/**
 * The file in a client's folder with the position up to which logs were read. The shell agent reads and writes it too.
 */
export const logPositionName = 'log';
const maxPositionChars = 1024;
/** The share of the time for awk; the rest is for its answer. */
const awkShare = 0.9;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Bounds the memory of awk to 128 MiB and its CPU time to 5 s, as agent/shell/agent.sh does. */
const script = 'ulimit -S -v 131072; ulimit -S -t 5; exec awk "$1"';

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

async function readLogs({ source, options, placeDir, leftMs }: ProbeContext): Promise<ProbeResult> {
  const position = positionIn(placeDir);
  const environment = {
    PATH: `${process.env['PATH'] ?? ''}:${path}`,
    LC_ALL: 'C',
    fh_root: source.root,
    fh_asks: (options.logs ?? []).join('\n'),
    fh_log: position.text,
    fh_boot: source.readOptional('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
  };
  try {
    // The module is loaded here, because it is a tenth of the agent.
    const { logProgram } = await import('../../src/report/log-program.ts');
    const args = ['-c', script, 'sh', logProgram];
    const output = await outputOf('/bin/sh', args, awkShare * leftMs(), environment);
    const [report = '', next = ''] = output.split('\n');
    const worker = JSON.parse(report) as WorkerReport;
    keepPosition(placeDir, next);
    const functions = worker.function_reports;
    return worker.error === null ? { functions } : { functions, error: worker.error };
  } catch (error) {
    const reason = messageOf(error);
    // The next visit reads these lines. If they are too much for it as well, the one after it begins at the end.
    const isSkipped = position.hasFailed && position.text !== '';
    keepPosition(placeDir, isSkipped || position.text === '' ? '' : `${position.text}\n${failed}`);
    return { functions: [], error: printable(isSkipped ? `${reason}; the lines until now are skipped` : reason) };
  }
}

/** The line behind a position whose lines the previous visit could not read. */
const failed = 'failed';

/** Returns the position of the previous visit, '' if there is none, and whether reading from there has failed. */
function positionIn(placeDir: string | null): { readonly text: string; readonly hasFailed: boolean } {
  if (placeDir === null) return { text: '', hasFailed: false };
  try {
    const [text = '', state] = readFileSync(`${placeDir}/${logPositionName}`, 'utf8')
      .slice(0, maxPositionChars)
      .split('\n');
    return { text: text.trim(), hasFailed: state === failed };
  } catch {
    return { text: '', hasFailed: false };
  }
}

/** Keeps the position for the next visit. Without one the next visit begins at the end. */
function keepPosition(placeDir: string | null, position: string): void {
  if (placeDir === null) return;
  const file = `${placeDir}/${logPositionName}`;
  try {
    if (position === '') {
      rmSync(file, { force: true });
      return;
    }
    writeFileSync(`${file}.new`, `${position}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // The disk is full or read-only: the next visit reads these lines again.
  }
}
