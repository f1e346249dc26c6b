import type { Rule } from '../config.ts';
import { type MergedRule } from './finish-rule.ts';

/** The rules in force within an element. */
export interface RuleScope {
  /** The number of elements with rules around what stands here. */
  readonly depth: number;
  /** The rules of the innermost element first; defaults and conditions of single clients last. */
  readonly rules: readonly Rule[];
  /** Conditions of the fleet as a whole. */
  readonly fleetRules: readonly Rule[];
  /** Name -> rule from the files, innermost element first. */
  readonly written: ReadonlyMap<string, MergedRule>;
  readonly builtins: ReadonlyMap<string, MergedRule>;
}
