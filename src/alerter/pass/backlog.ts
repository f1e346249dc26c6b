import type { Config } from '../../config/config.ts';
import type { AlertEvent } from '../alert-options.ts';
import type { PassLease } from './pass-lease.ts';
import type { PassStore } from './dry-run-store.ts';

export interface JudgeBacklogOptions {
  readonly config: Config;
  readonly store: PassStore;
  readonly lease: PassLease;
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly observe: (event: AlertEvent) => void;
}

export interface Backlog {
  readonly reports: number;
  readonly visits: number;
}
