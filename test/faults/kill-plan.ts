/** The plan of a killer inside a program: the instant at which it strikes, and the victim. */

export type When = 'before' | 'after';

export interface KillPlan {
  /** A kind of instant, as `HookReport.counts` names them. */
  readonly kind: string;
  /** The ordinal number of the instant among those of its kind, from 1. */
  readonly number: number;
  readonly when: When;
  readonly victim: Victim;
}

/**
 * The victims. `self`: the program at that instant; `parent`: its starter (of an agent, the loader's `timeout`);
 * `children`: the living children of a process (of sshd, its sessions).
 */
export type Victim =
  | { readonly kind: 'self' }
  | { readonly kind: 'parent'; readonly name: string }
  | { readonly kind: 'process'; readonly name: string; readonly pid: number }
  | { readonly kind: 'children'; readonly name: string; readonly pid: number };

/** The environment of a program with a killer in it. */
export const hookEnvironment = {
  /** A KillPlan as JSON, or nothing. */
  plan: 'FLEET_FAULTS_PLAN',
  /** The folder of the killer's own files. */
  dir: 'FLEET_FAULTS_DIR',
  /** The client whose reports the program pushes, or nothing. */
  client: 'FLEET_FAULTS_CLIENT',
} as const;

/** The files of the folder. Their lines are JSON. */
export const hookFiles = {
  /** Strikes, one a line. */
  strikes: 'strikes.jsonl',
  /** The number of instants of each kind, from programs that ended by themselves. */
  counts: 'counts.jsonl',
  /** The reports that agents sealed, wrote and removed. */
  ledger: 'ledger.jsonl',
  /** The file of order-hook.ts alone. */
  order: 'order.jsonl',
  /** The plan for the next agent of a client (`plan-CLIENT.json`), or for the next `receive` (of `receive-CLIENT`). */
  planOf: (client: string): string => `plan-${client}.json`,
} as const;

export interface Strike {
  readonly program: string;
  readonly kind: string;
  readonly number: number;
  readonly when: When;
  /** The victim: the name of the program itself, or of another process. */
  readonly victim: string;
  /** The number of processes killed. */
  readonly killed: number;
}

/** A line of the ledger. `sealed` is written before the spool's rename, `spooled` after it. */
export interface LedgerLine {
  readonly event: 'sealed' | 'spooled' | 'removing';
  readonly reportId: string;
  readonly client: string;
  /** SHA-256 of the sealed bytes; '' for `removing`. */
  readonly sha256: string;
}

export interface HookReport {
  readonly program: string;
  readonly counts: Readonly<Record<string, number>>;
}
