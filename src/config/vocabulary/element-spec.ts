import type { KindName } from './attribute-kinds.ts';

export interface AttributeSpec {
  /** The form of its values: attribute-kinds.ts. */
  readonly kind?: KindName;
  /** The only values there are, when there is no kind; beside a kind, words that are taken as well. */
  readonly words?: readonly string[];
  readonly required?: true;
  /** The meaning, the unit and the default in one or two sentences, for editors and documents. */
  readonly help: string;
  /** The first version that has it; left out: 0.2.0, the first release. */
  readonly since?: string;
}

export type Attributes = Readonly<Record<string, AttributeSpec>>;

export interface ElementSpec {
  /** The elements it may stand in; empty: it is the root. */
  readonly parents: readonly string[];
  /** At most one of each parent in all files together. */
  readonly single?: true;
  readonly attributes: Attributes;
  readonly help: string;
  /** The first version that has it; left out: 0.2.0, the first release. */
  readonly since?: string;
}
