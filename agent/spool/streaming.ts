import { encodeFrame, encodeJsonFrame } from '../../src/report/frames.ts';
import type { AgentFault, AgentRequest, End } from '../../src/report/wire.ts';
import { removeFile } from '../start/private-file.ts';
import { stampOf } from './stamp.ts';
import { readSpooled } from './spool.ts';
import { readAcknowledgement, writeOut } from '../start/stdio.ts';
import { namesIn, type Visit } from './visit.ts';

/**
 * Sends this run's report or fault, then the spooled reports, then the end. Returns false if stdout is closed.
 */
export function stream(request: AgentRequest, visit: Visit, outcome: Buffer | AgentFault): boolean {
  let frames = 0;
  let bytes = 0;
  if ('code' in outcome) {
    if (!writeOut(encodeJsonFrame('F', outcome))) return false;
  } else {
    frames = 1;
    bytes = outcome.length;
    if (!writeOut(encodeFrame('R', outcome))) return false;
  }
  const clients = namesIn(request);
  let left = 0;
  for (const report of visit.spooled) {
    if (left > 0 || frames >= request.maxFrames || bytes + report.sizeBytes > request.maxBytes) {
      left += 1;
      continue;
    }
    const sealed = readSpooled(report, clients, request.maxBytes);
    if (sealed === 'dropped') visit.dropped += 1;
    if (sealed === null || sealed === 'dropped') continue;
    frames += 1;
    bytes += sealed.length;
    if (!writeOut(encodeFrame('R', sealed))) return false;
    const id = report.id.replaceAll('-', '');
    visit.unacknowledged.set(id, [...(visit.unacknowledged.get(id) ?? []), report.path]);
  }
  const [dir] = visit.dirs;
  const stamp = request.stamp && stampOf(dir);
  const dropped = visit.dropped || undefined;
  // JSON leaves out what is undefined.
  const end = { left, place: dir ?? null, spool_error: visit.spoolError, dropped, stamp } as End;
  return writeOut(encodeJsonFrame('E', end));
}

/** Removes the reports that stdin acknowledges, until stdin ends or every sent report is acknowledged. */
export function takeAcknowledgements({ unacknowledged }: Visit): void {
  while (unacknowledged.size > 0) {
    const id = readAcknowledgement();
    if (id === null) return;
    for (const path of unacknowledged.get(id) ?? []) removeFile(path);
    unacknowledged.delete(id);
  }
}
