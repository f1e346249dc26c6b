export type Severity = 'warning' | 'critical';

export type Operator = 'ge' | 'gt' | 'le' | 'lt' | 'eq' | 'ne';

/**
 * A rule after inheritance: an <alert>, a default, or a condition without a rule. Limits are in the metric's own unit:
 * percent, bytes, seconds (uptime, clock-offset), degrees, per second, counts.
 */
export interface Rule {
  readonly name: string;
  readonly type: string | null;
  readonly metric: string | null;
  /** Globs separated by commas, by attribute: mount, fstype, unit, interface, match, sensor, source, or a label. */
  readonly selectors: Readonly<Record<string, string>>;
  readonly op: Operator;
  /** The warning level. A single `limit` is in the field of its severity, and the other field is null. */
  readonly warning: number | null;
  readonly critical: number | null;
  /** The severity of a rule without warning and critical levels: a service, a condition, a rule with one `limit`. */
  readonly severity: Severity;
  /** The limit of recovery from the lowest level; null: that level itself. */
  readonly clear: number | null;
  readonly freeBytes: number | null;
  /** The duration of `for`; null if `forCount` has the value or `for` has no meaning. */
  readonly forMs: number | null;
  readonly forCount: number | null;
  /** The interval of reminders; null: no reminders. */
  readonly repeatMs: number | null;
  /** The recipients in place of the client's; empty: nobody; null: the client's recipients. */
  readonly mail: readonly string[] | null;
  readonly note: string | null;
  /** The expected state of a service. */
  readonly state: string | null;
  readonly min: number | null;
  readonly max: number | null;
  /** The longest time between two events, for a rule of type event. */
  readonly withinMs: number | null;
  /** True if the rule takes no subject from other rules and leaves none to them. */
  readonly also: boolean;
  /** False for `flapping="no"`: each change is notified. */
  readonly flapping: boolean;
  /**
   * The nesting of the element that wrote the rule: 1 for <alerts>, 0 for a default or condition. A subject is
   * evaluated by the deepest rules of a type that match it.
   */
  readonly depth: number;
  /**
   * Selectors of subjects that the rule does not evaluate: an inner element ended the rule for them, or a written rule
   * replaces a default there.
   */
  readonly except: readonly Readonly<Record<string, string>>[];
  /** `file`: a written rule; `default`: a default of a rule type; `condition`: a state that needs no rule. */
  readonly origin: 'file' | 'default' | 'condition';
  /** The file in which the rule was written or last tuned. */
  readonly file: string | null;
  readonly line: number | null;
}
