/** The plan of a killer inside a program: at which instant it strikes, and whom. */

export type When = 'before' | 'after';

export interface KillPlan {
  /** A kind of instant, as `HookReport.counts` names them. */
  readonly kind: string;
  /** The so many-th of its kind, from 1. */
  readonly number: number;
  readonly when: When;
  readonly victim: Victim;
}

/**
 * `self`: the program that is at that instant; `parent`: what started it (of an agent, the loader's `timeout`);
 * `children`: whatever a process has started and that still lives (of sshd, its sessions).
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

/** Files of that folder. Lines of them are JSON. */
export const hookFiles = {
  /** Strikes, one a line. */
  strikes: 'strikes.jsonl',
  /** The number of instants of each kind, from programs that ended by themselves. */
  counts: 'counts.jsonl',
  /** The reports that agents sealed, wrote and removed. */
  ledger: 'ledger.jsonl',
  /** The file of order-hook.ts alone. */
  order: 'order.jsonl',
  /** `plan-CLIENT.json`: for the next agent of that client, or the next `receive` of `receive-CLIENT`. */
  planOf: (client: string): string => `plan-${client}.json`,
} as const;

export interface Strike {
  readonly program: string;
  readonly kind: string;
  readonly number: number;
  readonly when: When;
  /** Who was killed: the program itself, or the name of the victim. */
  readonly victim: string;
  /** The number of processes killed. */
  readonly killed: number;
}

/** A line of the ledger. `sealed` stands there before the spool's rename, `spooled` after it. */
export interface LedgerLine {
  readonly event: 'sealed' | 'spooled' | 'removing';
  readonly reportId: string;
  readonly client: string;
  /** SHA-256 of the sealed bytes; '' of what is being removed. */
  readonly sha256: string;
}

export interface HookReport {
  readonly program: string;
  readonly counts: Readonly<Record<string, number>>;
}
