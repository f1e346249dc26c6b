/** Reports that this machine makes more rarely than those of its figures: an inventory, and its state. */
import * as v from 'valibot';

import type { Collect } from '../../../agent/probes/collected.ts';
import { makeReport } from '../../../agent/spool/make-report.ts';
import { stampOf } from '../../../agent/spool/stamp.ts';
import { claimPlace, releasePlace } from '../../../agent/start/running.ts';
import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { dayMs, hourMs, secondMs } from '../../platform/units.ts';
import { stateAttempt, type StateParts } from '../../report/state/state-due.ts';
import type { AgentRequest } from '../../report/wire.ts';
import { beginReport } from '../take-report.ts';
import type { OwnVisit } from './own-visit.ts';

/** The time limit of an inventory: a probe may start a dozen programs of the system. */
const inventoryMs = 20 * secondMs;
/** The time limit of a state report: the package manager may take eight seconds. */
const stateMs = 15 * secondMs;
/** The time after which a failed inventory is repeated. */
const againMs = hourMs;

const lastInventory = v.object({ atMs: v.number(), bootId: v.nullable(v.string()) });

/**
 * Spools an inventory if the last one is a day old, or older than the boot of the machine. Returns true if it was made.
 * Never throws. A machine without a writable place makes none.
 */
export async function makeOwnInventory(own: OwnVisit, nowMs: number): Promise<boolean> {
  const last = readLast(lastInventory, own, 'inventory');
  const isOld = last === null || last.atMs > nowMs || nowMs - last.atMs >= dayMs || last.bootId !== own.bootId;
  if (!isOld) return false;
  return await makeRareReport(own, {
    request: { ...own.request, kind: 'inventory', deadlineMs: inventoryMs },
    collect: async () => (await import('../../../agent/inventory/collect-inventory.ts')).collectInventory,
    attempt: (isMade) => ({ atMs: isMade ? nowMs : nowMs - dayMs + againMs }),
  });
}

const lastState = v.object({
  stateStamp: v.nullable(v.string()),
  stateAtMs: v.number(),
  stateRuns: v.number(),
  bootId: v.nullable(v.string()),
});

/**
 * Spools a state report if one is due as for visits: this machine keeps the stamp of the last one itself. Returns true
 * if it was made. Never throws. A machine without a writable place makes none.
 */
export async function makeOwnState(own: OwnVisit, parts: StateParts, nowMs: number): Promise<boolean> {
  if (parts === 'no' || process.platform !== 'linux') return false;
  const last = readLast(lastState, own, 'state');
  const booted = last !== null && last.bootId !== own.bootId;
  const facts = last === null ? undefined : { ...last, stateWantedAtMs: null };
  const stamp = (): string | null => stampOf(own.visit.dirs[0]);
  const runs = stateAttempt({ facts, stamp: stamp(), booted, nowMs });
  if (runs === null) return false;
  const options = { noFiles: parts === 'no-files' };
  return await makeRareReport(own, {
    request: { ...own.request, kind: 'state', options, deadlineMs: stateMs },
    collect: async () => (await import('../../../agent/state/collect-state.ts')).collectState,
    attempt: (isMade) => ({
      stateStamp: isMade ? stamp() : (last?.stateStamp ?? null),
      stateAtMs: nowMs,
      stateRuns: runs,
    }),
  });
}

interface RareReport {
  readonly request: AgentRequest;
  readonly collect: () => Promise<Collect>;
  /** Returns the content of the file for an attempt that begins, or has made the report. */
  readonly attempt: (isMade: boolean) => object;
}

async function makeRareReport({ visit, bootId }: OwnVisit, { request, collect, attempt }: RareReport) {
  const mark = (isMade: boolean): boolean => {
    const content = Buffer.from(JSON.stringify({ ...attempt(isMade), bootId }));
    return visit.dirs.some((dir) => isWritten(dir, fileOf(request.kind), content, false));
  };
  // A report that never ends must not be started at each push.
  if (!mark(false) || claimPlace(visit.dirs, bootId, { own: true, timeoutMs: 0 }) !== null) return false;
  try {
    const begun = beginReport();
    const outcome = await makeReport(request, visit, await collect(), bootId, begun);
    return !('code' in outcome) && visit.spoolError === null && mark(true);
  } finally {
    releasePlace(visit.dirs);
  }
}

/** Returns the last attempt. A damaged file counts as missing. */
function readLast<const Last extends v.GenericSchema>(
  form: Last,
  { visit: { dirs } }: OwnVisit,
  kind: AgentRequest['kind'],
): v.InferOutput<Last> | null {
  for (const dir of dirs) {
    const last = parseJson(form, readPrivateFile(`${dir}/${fileOf(kind)}`, 1024) ?? '');
    if (last !== null) return last;
  }
  return null;
}

function fileOf(kind: AgentRequest['kind']): string {
  return `${kind}.json`;
}
