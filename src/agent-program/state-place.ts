import { accessSync, constants, lstatSync, statSync } from 'node:fs';

import { openPlace, placeRoots } from '../../agent/start/places.ts';
import { listPrivateFiles } from '../../agent/start/private-file.ts';
import { FleetError } from '../platform/errors/errors.ts';
import { makeFolder } from '../state-folder/durable-file.ts';

/** The folder of the service, which its package or unit creates. */
const systemPlace = '/var/lib/fleet-health-agent';

/**
 * Returns the folder of counters, locks and reports: the named folder, otherwise the service's if this account may use
 * it, otherwise the first of the account's own. Removes the partly written files of killed processes from it. Throws
 * FleetError `state-unusable`.
 */
export function openStatePlace(named: string | null): string {
  const place = findPlace(named);
  listPrivateFiles(place);
  return place;
}

function findPlace(named: string | null): string {
  if (named !== null) {
    const fault = faultOf(named, true);
    if (fault !== null) throw unusable(`${named} ${fault}`);
    return named;
  }
  if (faultOf(systemPlace, false) === null) return systemPlace;
  for (const root of placeRoots(process.env, process.getuid?.() ?? 0)) {
    const place = openPlace(root, ['agent-program'], true);
    if (place !== null) return place;
  }
  throw unusable('no folder can be written for counters and reports');
}

/** Returns why a folder cannot be used; null if it can. Root may use the folder of another account. */
function faultOf(dir: string, make: boolean): string | null {
  try {
    if (make) makeFolder(dir);
    const link = lstatSync(dir, { throwIfNoEntry: false });
    if (link === undefined) return 'is missing';
    const { uid, mode } = statSync(dir);
    const own = process.geteuid?.() ?? uid;
    if (own !== 0 && uid !== own) return `belongs to user ${uid}`;
    if ((mode & 0o022) !== 0) return 'can be written by others';
    accessSync(dir, constants.W_OK | constants.X_OK);
    return null;
  } catch (thrown) {
    return `cannot be used (${(thrown as NodeJS.ErrnoException).code ?? String(thrown)})`;
  }
}

function unusable(message: string): FleetError {
  const advice = 'Name a folder of this account with "state_directory" in agent.json.';
  return new FleetError({ code: 'state-unusable', stage: 'run', message, advice });
}
