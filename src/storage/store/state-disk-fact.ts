import type { OwnDisk } from '../../state/own-disk.ts';

/** What a program has said of a file system of its own. */
export interface StateDiskFact extends OwnDisk {
  /** The program's machine. */
  readonly host: string;
  readonly observedAtMs: number;
}

export interface StateDiskReport {
  readonly host: string;
  readonly collectorId: string;
  readonly atMs: number;
  readonly disks: readonly OwnDisk[];
}
