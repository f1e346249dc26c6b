/**
 * The state of one run of the agent for one client: its folders, its spool, and the reports that await acknowledgement.
 */
import { createHash } from 'node:crypto';
import { lstatSync, renameSync, rmdirSync, rmSync } from 'node:fs';

import { spoolScriptName, type AgentRequest } from '../../src/report/wire.ts';
import { openPlace, placeFault, type PlaceNames } from '../start/places.ts';
import { isWritten, listPrivateFiles, readPrivateFile, removeFile } from '../start/private-file.ts';
import { listSpool, writeSpool, type SpooledReport } from './spool.ts';

/** The most bytes of a file that is moved to another disk, as those of results of checks. */
const maxMovedBytes = 1024 * 1024;
/** The most characters of a fault: enough for four folders with long names and their faults. */
const maxFaultChars = 2000;

export interface Visit {
  readonly roots: readonly string[];
  /** The names of this client's folder, below a root. */
  readonly path: readonly string[];
  /** True if a missing folder may be made. */
  readonly make: boolean;
  /** The existing folders of this client, the best first. */
  dirs: readonly string[];
  /** The existing folders of the client's former name. */
  readonly formerDirs: readonly string[];
  /** Reports of earlier runs, the oldest first. */
  spooled: readonly SpooledReport[];
  /** The reason why this run's report was not written; null if it was written, or if there is none. */
  spoolError: string | null;
  /** The number of spooled reports removed since the last visit. */
  dropped: number;
  /** The files to remove on acknowledgement, by report id in 32 hexadecimal digits. */
  readonly unacknowledged: Map<string, readonly string[]>;
}

/** Finds the folders of the requested client. `make` creates the first folder if there is none. */
export function openVisit(request: AgentRequest, roots: readonly string[], names: PlaceNames, make: boolean): Visit {
  const [path = [], formerPath] = namesIn(request).map((name) => [names.machine, names.collector, clientFolder(name)]);
  const dirs: string[] = [];
  const formerDirs: string[] = [];
  for (const root of roots) {
    const dir = openPlace(root, path, make && dirs.length === 0);
    if (dir !== null) dirs.push(dir);
    const former = formerPath && openPlace(root, formerPath, false);
    if (former) formerDirs.push(former);
  }
  const [dir] = dirs;
  if (dir !== undefined) for (const former of formerDirs) moveKept(former, dir);
  const spooled = listSpool([...dirs, ...formerDirs]);
  return { roots, path, make, dirs, formerDirs, spooled, spoolError: null, dropped: 0, unacknowledged: new Map() };
}

/** Writes a sealed report to the first writable place. The report is sent even if there is none. */
export function keepReport(visit: Visit, id: string, sealed: Uint8Array, nowMs: number): void {
  const faults: string[] = [];
  for (const root of visit.roots) {
    const fault = placeFault(root, visit.path, visit.make);
    if (fault !== null) {
      faults.push(fault);
      continue;
    }
    const dir = [root, ...visit.path].join('/');
    try {
      const { path } = writeSpool(dir, id, nowMs, sealed);
      visit.unacknowledged.set(id.replaceAll('-', ''), [path]);
      visit.dirs = [dir, ...visit.dirs.filter((other) => other !== dir)];
      visit.spoolError = null;
      return;
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  visit.spoolError = faults.join('; ').slice(0, maxFaultChars);
}

/**
 * Moves what a client's folder keeps, whoever keeps it, to the folder of the client's new name: a file of the same name
 * there is newer. The script of a line in a crontab stays, because the line names the folder. A file that another disk
 * does not take stays as well.
 */
function moveKept(from: string, to: string): void {
  for (const name of listPrivateFiles(from)) {
    if (name === spoolScriptName) continue;
    const [file, moved] = [`${from}/${name}`, `${to}/${name}`];
    try {
      if (lstatSync(moved, { throwIfNoEntry: false })) rmSync(file, { recursive: true });
      else renameSync(file, moved);
    } catch {
      const content = readPrivateFile(file, maxMovedBytes);
      if (content !== null && isWritten(to, name, content, true)) removeFile(file);
    }
  }
}

/** Removes the empty folders of the former name. */
export function closeVisit({ formerDirs }: Visit): void {
  for (const dir of formerDirs) {
    try {
      rmdirSync(dir);
    } catch {
      // The folder holds unacknowledged reports, or the script of a line in a crontab.
    }
  }
}

/** Returns the names that the client of a request has and had. */
export function namesIn({ client, was }: AgentRequest): readonly string[] {
  return was === undefined ? [client] : [client, was];
}

/** Returns the name of a client's folder. */
export function clientFolder(client: string): string {
  return createHash('sha256').update(client).digest('hex').slice(0, 32);
}
