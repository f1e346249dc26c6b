import * as v from 'valibot';

import { makeReport } from '../../../agent/spool/make-report.ts';
import { claimPlace, releasePlace } from '../../../agent/start/running.ts';
import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { dayMs, hourMs, secondMs } from '../../platform/units.ts';
import { beginReport } from '../take-report.ts';
import type { OwnVisit } from './own-visit.ts';

const fileName = 'inventory.json';
/** The time limit of the probes: a probe may start a dozen programs of the system. */
const probesMs = 20 * secondMs;
/** The time after which a failed inventory is repeated. */
const againMs = hourMs;

/**
 * Spools an inventory if the last one is a day old, or older than the boot of the machine. Returns true if it was made.
 * Never throws. A machine without a writable place makes none.
 */
export async function makeOwnInventory({ visit, bootId, request }: OwnVisit, nowMs: number): Promise<boolean> {
  if (visit.dirs.length === 0 || !isDue(visit.dirs, bootId, nowMs)) return false;
  const mark = (atMs: number): boolean => {
    const content = Buffer.from(JSON.stringify({ atMs, bootId }));
    return visit.dirs.some((dir) => isWritten(dir, fileName, content, false));
  };
  // An inventory that never ends must not be started at each push.
  if (!mark(nowMs - dayMs + againMs) || claimPlace(visit.dirs, bootId, { own: true, timeoutMs: 0 }) !== null) {
    return false;
  }
  try {
    const begun = beginReport();
    const { collectInventory } = await import('../../../agent/inventory/collect-inventory.ts');
    const inventory = { ...request, kind: 'inventory', deadlineMs: probesMs } as const;
    const outcome = await makeReport(inventory, visit, collectInventory, bootId, begun);
    return !('code' in outcome) && visit.spoolError === null && mark(nowMs);
  } finally {
    releasePlace(visit.dirs);
  }
}

const lastInventory = v.object({ atMs: v.number(), bootId: v.nullable(v.string()) });

function isDue(dirs: readonly string[], bootId: string | null, nowMs: number): boolean {
  for (const dir of dirs) {
    // A damaged file counts as missing.
    const last = parseJson(lastInventory, readPrivateFile(`${dir}/${fileName}`, 1024) ?? '');
    if (last !== null) return last.atMs > nowMs || nowMs - last.atMs >= dayMs || last.bootId !== bootId;
  }
  return true;
}
