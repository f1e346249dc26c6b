import * as v from 'valibot';

import { makeReport } from '../../../agent/spool/make-report.ts';
import { stampOf } from '../../../agent/spool/stamp.ts';
import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { claimPlace, releasePlace } from '../../../agent/start/running.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { secondMs } from '../../platform/units.ts';
import { stateAttempt, type StateParts } from '../../report/state/state-due.ts';
import { beginReport } from '../take-report.ts';
import type { OwnVisit } from './own-visit.ts';

const fileName = 'state.json';
/** The time limit of a state report: the package manager may take eight seconds. */
const reportMs = 15 * secondMs;

/**
 * Spools a state report if one is due as for visits: this machine keeps the stamp of the last one itself. Returns true
 * if it was made. Never throws. A machine without a writable place makes none.
 */
export async function makeOwnState(
  { visit, bootId, request }: OwnVisit,
  parts: StateParts,
  nowMs: number,
): Promise<boolean> {
  if (parts === 'no' || visit.dirs.length === 0 || process.platform !== 'linux') return false;
  const last = readLast(visit.dirs);
  const booted = last !== null && last.bootId !== bootId;
  const facts = last === null ? undefined : { ...last, stateWantedAtMs: null };
  const runs = stateAttempt({ facts, stamp: stampOf(visit.dirs[0]), booted, nowMs });
  if (runs === null) return false;
  const mark = (stamp: string | null): boolean => {
    const content = JSON.stringify({ stateStamp: stamp, stateAtMs: nowMs, stateRuns: runs, bootId });
    return visit.dirs.some((dir) => isWritten(dir, fileName, Buffer.from(content), false));
  };
  // A state report that never ends must not be started at each push.
  if (!mark(last?.stateStamp ?? null) || claimPlace(visit.dirs, bootId, { own: true, timeoutMs: 0 }) !== null) {
    return false;
  }
  try {
    const begun = beginReport();
    const { collectState } = await import('../../../agent/state/collect-state.ts');
    const options = { noFiles: parts === 'no-files' };
    const state = { ...request, kind: 'state', options, deadlineMs: reportMs } as const;
    const outcome = await makeReport(state, visit, collectState, bootId, begun);
    return !('code' in outcome) && visit.spoolError === null && mark(stampOf(visit.dirs[0]));
  } finally {
    releasePlace(visit.dirs);
  }
}

const lastState = v.object({
  stateStamp: v.nullable(v.string()),
  stateAtMs: v.number(),
  stateRuns: v.number(),
  bootId: v.nullable(v.string()),
});

/** Returns the last attempt. A damaged file counts as missing. */
function readLast(dirs: readonly string[]): v.InferOutput<typeof lastState> | null {
  for (const dir of dirs) {
    const last = parseJson(lastState, readPrivateFile(`${dir}/${fileName}`, 1024) ?? '');
    if (last !== null) return last;
  }
  return null;
}
