import type { Config, Severity } from '../config/config.ts';
import type { AlertState } from '../storage/alert-store.ts';
import type { AlertKey, Episode, StoredItem, Told, Transition } from '../storage/episode.ts';

/** Why something is not told now. Stored nowhere: `explain` computes it again. */
export type HoldReason =
  | { readonly kind: 'silence'; readonly id: number; readonly untilMs: number }
  | { readonly kind: 'window'; readonly untilMs: number }
  /** Since the silence or window ended no row of the client has confirmed. */
  | { readonly kind: 'unconfirmed' }
  | { readonly kind: 'paused'; readonly untilMs: number | null }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'isolated' }
  | { readonly kind: 'collector-silent' }
  | { readonly kind: 'bastion'; readonly name: string }
  | { readonly kind: 'acknowledged'; readonly by: string; readonly untilMs: number | null }
  | { readonly kind: 'flapping' }
  /** The collector's run that changed it has not ended. */
  | { readonly kind: 'run'; readonly runId: string }
  | { readonly kind: 'group-interval'; readonly untilMs: number }
  | { readonly kind: 'cap'; readonly untilMs: number }
  | { readonly kind: 'nobody' };

/** Everything `tell` looks at. */
export interface World extends AlertState {
  readonly config: Config;
  readonly nowMs: number;
  /** Runs of the collector that have not ended and whose deadline has not passed. */
  readonly runsUnderWay: ReadonlySet<string>;
  /** Of each client: when its newest judged row was observed. */
  readonly newestRowMs: ReadonlyMap<string, number>;
}

/** One thing that one mail says. */
export interface Item extends AlertKey {
  readonly alertId: number;
  readonly sequence: number;
  readonly transition: Transition;
  readonly severity: Severity;
  readonly episode: Episode;
  /** Named groups of the client, outermost first; empty for what concerns the fleet. */
  readonly groups: readonly string[];
  readonly note: string | null;
  /** Began and ended inside a silence or window: only listed. */
  readonly listedOnly: boolean;
  readonly before: StoredItem['before'];
}

/** A mail that is due, not yet in words. */
export interface DueMail {
  readonly recipient: string;
  readonly severity: Severity;
  /** Nothing but warnings, recoveries and reminders. */
  readonly ordinary: boolean;
  /** The first pass over a fleet or of a new rule: one "already true" mail. */
  readonly alreadyTrue: boolean;
  readonly items: readonly Item[];
  /** Waiting mails that it takes the place of. */
  readonly replaces: readonly number[];
}

export interface Held {
  readonly alertId: number;
  readonly recipient: string | null;
  readonly reason: HoldReason;
}

export interface Telling {
  readonly mails: readonly DueMail[];
  /** Told rows as they are once the mails stand. */
  readonly told: readonly Told[];
  /** Episodes of which nobody has to be told any more. */
  readonly settled: readonly number[];
  readonly held: readonly Held[];
}
