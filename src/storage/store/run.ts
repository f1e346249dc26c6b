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

export interface RunFact {
  readonly id: string;
  readonly program: Program;
  readonly collectorId: string;
  readonly host: string;
  readonly scope: 'full' | 'filtered';
  readonly outcome: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly clients: number | null;
  readonly succeeded: number | null;
  readonly failed: number | null;
}
