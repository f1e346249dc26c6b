import type { OwnDisk } from '../../state/own-disk.ts';

/** What a program has said of a file system of its own. */
export interface OwnDiskFact extends OwnDisk {
  /** The program's machine. */
  readonly host: string;
  readonly observedAtMs: number;
}

export interface OwnDiskReport {
  readonly host: string;
  readonly collectorId: string;
  readonly atMs: number;
  readonly disks: readonly OwnDisk[];
}
