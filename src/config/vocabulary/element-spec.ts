import type { Arrival } from '../config.ts';
import type { KindName } from './attribute-kinds.ts';

export interface AttributeSpec {
  /** The form of the attribute's values: see attribute-kinds.ts. */
  readonly kind?: KindName;
  /** The only accepted values if there is no kind; beside a kind, words that are accepted as well. */
  readonly words?: readonly string[];
  readonly required?: true;
  /** The meaning, the unit and the default in one or two sentences, for editors and documents. */
  readonly help: string;
  /** The first version with the attribute; left out: 0.2.0, the first release. */
  readonly since?: string;
}

export type Attributes = Readonly<Record<string, AttributeSpec>>;

/** An attribute of groups or clients. */
export interface ClientAttributeSpec extends AttributeSpec {
  /**
   * The effect on a client, by the arrival of its reports. `none`: the attribute is accepted, as it may be meant for
   * other clients of the group, or has been accepted before. `refused`: a client that has it itself is a fault.
   */
  readonly effect: Readonly<Record<Arrival['kind'], 'some' | 'none' | 'refused'>>;
}

export type ClientAttributes = Readonly<Record<string, ClientAttributeSpec>>;

export interface ElementSpec {
  /** The elements that may hold the element; empty for the root. */
  readonly parents: readonly string[];
  /** True if each parent may have at most one in all files together. */
  readonly single?: true;
  readonly attributes: Attributes;
  readonly help: string;
  /** The first version with the element; left out: 0.2.0, the first release. */
  readonly since?: string;
}
