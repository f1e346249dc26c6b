import type { Client, Config } from '../config/config.ts';
import type { FleetError } from '../platform/errors/errors.ts';
import { processUse } from '../platform/process-use.ts';
import type { RunEnd, RunStart } from '../storage/store/run.ts';
import type { AppliedReply } from '../storage/store/reply-store.ts';
import type { Storage } from '../storage/store/storage.ts';
import type { HeldBack } from './inhibit/held-back.ts';
import type { DueMail } from './dispatch/notification-plan.ts';

export interface AlertOptions {
  readonly config: Config;
  /** Opened after the lock is held; closed by alert. */
  readonly openStorage: () => Promise<Storage>;
  /** Evaluates and composes in memory. Stores, claims and sends nothing, and takes no lock. */
  readonly dryRun: boolean;
  /** Ends the pass between two transactions and before the next mail. */
  readonly signal: AbortSignal;
  readonly observe: (event: AlertEvent) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Name of the alerter's machine. */
  readonly host: string;
  /** Returns the HTML report that a digest attaches; null if it is too large. Default: none is attached. */
  readonly renderReport?: (storage: Storage, query: ReportQuery) => Promise<string | null>;
}

export interface ReportQuery {
  readonly clients: readonly Client[];
  /** True for the whole fleet. */
  readonly isWhole: boolean;
  readonly title: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** The outcome of a mail. */
export type DeliveryOutcome =
  | { readonly kind: 'sent'; readonly where: string }
  /** The mail was sent at an earlier time, by this machine's time, and the database has forgotten that. */
  | { readonly kind: 'known'; readonly sentAtMs: number }
  /** The delivery failed, or was not tried because the channel accepts nothing at present. It is retried later. */
  | { readonly kind: 'put-off'; readonly error: string }
  /** The recipient of the mail left config.xml. */
  | { readonly kind: 'dropped' }
  /** The mail was refused permanently. */
  | { readonly kind: 'refused'; readonly error: string };

export type DeliveryEvent = DeliveryOutcome & { readonly recipient: string; readonly messageId: string };

/** The events of a pass, in order. */
export type AlertEvent =
  | { readonly kind: 'processed'; readonly reports: number; readonly visits: number; readonly more: boolean }
  /** A mail was composed and frozen. */
  | { readonly kind: 'composed'; readonly mail: DueMail; readonly subject: string; readonly text: string }
  | DeliveryEvent
  /** At the end of a pass: mails whose delivery failed, and permanently refused mails that an open alert lacks. */
  | {
      readonly kind: 'undelivered';
      readonly mails: number;
      readonly recipients: readonly string[];
      /** The time at which the oldest of the mails was composed. */
      readonly sinceMs: number;
      readonly error: string | null;
    }
  /** A reply to a mail was applied, or ignored. */
  | { readonly kind: 'reply'; readonly reply: AppliedReply }
  /**
   * A fault that concerns no mail and did not end the pass: a heartbeat that was not answered, a mailbox that cannot be
   * read.
   */
  | { readonly kind: 'fault'; readonly fault: FleetError };

export interface AlertResult {
  readonly runId: string;
  /** `overlapped`: another pass is under way, here or on another machine. */
  readonly outcome: 'finished' | 'overlapped' | 'interrupted';
  /** 0 if all went well; 1 if some mail was not accepted, or the pass was interrupted. */
  readonly exitStatus: 0 | 1;
  /** The other pass if this one overlapped it; null otherwise, or if the other pass is unknown. */
  readonly holder: AlertHolder | null;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly reports: number;
  readonly visits: number;
  readonly composed: number;
  readonly sent: number;
  readonly putOff: number;
  readonly refused: number;
  /** The silences and windows in force, in a dry run; else empty. */
  readonly heldBack: readonly HeldBack[];
  /** True for a dry run that did not process all rows. */
  readonly more: boolean;
}

/** Returns the result of a pass that has done nothing. */
export function emptyResult(start: RunStart, outcome: AlertResult['outcome'], finishedAtMs: number): AlertResult {
  return {
    runId: start.id,
    outcome,
    exitStatus: 0,
    holder: null,
    startedAtMs: start.startedAtMs,
    finishedAtMs,
    reports: 0,
    visits: 0,
    composed: 0,
    sent: 0,
    putOff: 0,
    refused: 0,
    heldBack: [],
    more: false,
  };
}

/** Returns the row of `runs`. Its counts of clients are counts of mails here. */
export function runEndOf({ runId, outcome, finishedAtMs, composed, sent, putOff, refused }: AlertResult): RunEnd {
  return {
    id: runId,
    outcome,
    finishedAtMs,
    clients: composed,
    succeeded: sent,
    failed: refused,
    skipped: putOff,
    ...processUse(),
  };
}

/** Another pass of the alerter. */
export interface AlertHolder {
  readonly pid: number;
  /** Name of its machine. */
  readonly host: string;
  /** Milliseconds since 1970; null for a pass on another machine. */
  readonly startedAtMs: number | null;
}
