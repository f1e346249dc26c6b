export type RunOutcome = 'running' | 'finished' | 'failed' | 'overlapped' | 'interrupted';

export type Program = 'collect' | 'alert' | 'ingest';

export interface RunStart {
  readonly id: string;
  readonly program: Program;
  readonly collectorId: string;
  readonly host: string;
  readonly scope: 'full' | 'filtered';
  readonly configDigest: string;
  readonly startedAtMs: number;
}

export interface RunEnd {
  readonly id: string;
  readonly outcome: RunOutcome;
  readonly finishedAtMs: number;
  readonly clients: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cpuMs: number;
  readonly maxRssBytes: number;
}

/** A run as it is stored. */
export interface RunFact extends Omit<RunStart, 'configDigest'> {
  readonly outcome: string;
  readonly finishedAtMs: number | null;
  readonly clients: number | null;
  readonly succeeded: number | null;
  readonly failed: number | null;
}
