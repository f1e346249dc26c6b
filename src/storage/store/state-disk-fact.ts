import type { StateDisk } from '../../state/state-disk.ts';

/** What a program has said of a file system of its own. */
export interface StateDiskFact extends StateDisk {
  /** The program's machine. */
  readonly host: string;
  readonly observedAtMs: number;
}

export interface StateDiskReport {
  readonly host: string;
  readonly collectorId: string;
  readonly atMs: number;
  readonly disks: readonly StateDisk[];
}
