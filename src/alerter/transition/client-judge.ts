import type { Rule } from '../../config/config.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';
import type { SampledRow } from '../evaluate/sample.ts';

export interface TransitionClientOptions {
  /** Those in force for the client. */
  readonly rules: readonly Rule[];
  /** null: nothing of the client was ever judged. */
  readonly memory: RuleState | null;
  /** The client's open ones, those of rules that left config.xml included: they are left alone. */
  readonly alerts: readonly Alert[];
  /** All of this client, in any order. */
  readonly sampledRows: readonly SampledRow[];
  readonly everyMs: number;
  /** The database's clock: what is remembered of times beyond it and beyond these rows is forgotten; left out: nothing is. */
  readonly nowMs?: number;
}

/** Judges rows of one client as they come, in the order of their times. */
export interface ClientTransition {
  readonly judge: (sampledRow: SampledRow) => void;
  /** Of all rows so far. */
  readonly judgement: () => TransitionResult;
}

export interface ClientTransitionOptions extends Omit<TransitionClientOptions, 'sampledRows' | 'nowMs'> {
  /** What is remembered of times beyond it is forgotten. */
  readonly latestMs: number;
}

export interface TransitionResult {
  readonly memory: RuleState;
  /** New (id null) and changed ones; closed ones before open ones. */
  readonly alerts: readonly Alert[];
}
