/**
 * The command line that removes what agents keep on a client (cleanup.sh; agent/start/places.ts has the places), and
 * its answer.
 */
import { cleanupScript } from '../report/client-scripts.ts';
import { shellCommand } from './loader.ts';

export interface CleanupOptions {
  /** 16 bytes, base64url. Each line of the answer begins with it. */
  readonly marker: string;
  /** The collector whose reports count as its own, and whose folders go. */
  readonly collectorId: string;
  /** True if the folders of all other collectors go too. */
  readonly all: boolean;
  /** True if the folders go even while reports wait in them. */
  readonly force: boolean;
}

/** A folder that was removed. */
export interface RemovedFolder {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface CleanupAnswer {
  /** The sealed reports in these folders: of this collector, and of others. */
  readonly waiting: { readonly own: number; readonly others: number };
  readonly removed: readonly RemovedFolder[];
  /** Folders that could not be removed completely. */
  readonly left: readonly string[];
  /** Traces of `fleet-health spool`: lines of the account's crontab, and the scripts that such lines start. */
  readonly spool: { readonly lines: number; readonly scripts: number };
}

/** Returns the command line. */
export function cleanupCommand({ marker, collectorId, all, force }: CleanupOptions): string {
  return shellCommand(cleanupScript, [marker, collectorId, all ? 'all' : 'one', force ? 'force' : 'ask']);
}

/** Returns the answer, or null if it is incomplete. */
export function parseCleanupAnswer(output: string, marker: string): CleanupAnswer | null {
  const start = `fh-${marker}-cleanup `;
  let waiting: CleanupAnswer['waiting'] | null = null;
  let spool = { lines: 0, scripts: 0 };
  const removed: RemovedFolder[] = [];
  const left: string[] = [];
  for (const line of output.split('\n')) {
    const at = line.indexOf(start);
    if (at === -1) continue;
    const [, word = '', rest = ''] = /^(\w+) ?(.*)$/.exec(line.slice(at + start.length)) ?? [];
    const [, first = '', second = ''] = /^(\d{1,9}) (.*)$/.exec(rest) ?? [];
    if (word === 'waiting') waiting = { own: Number(first), others: Number(second) };
    else if (word === 'spool') spool = { lines: Number(first), scripts: Number(second) || 0 };
    else if (word === 'removed') removed.push({ path: second, sizeBytes: Number(first) * 1024 });
    else if (word === 'left') left.push(rest);
    else if (word === 'end') return waiting === null ? null : { waiting, removed, left, spool };
  }
  return null;
}
