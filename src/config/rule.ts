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
  /** Attribute (mount, fstype, unit, interface, match, sensor, source, or a label) -> globs, separated by commas. */
  readonly selectors: Readonly<Record<string, string>>;
  readonly op: Operator;
  /** A single `limit` stands in the field of its severity; the other one is null. */
  readonly warning: number | null;
  readonly critical: number | null;
  /** Severity where there is no warning and critical level: a service, a condition, a rule with one `limit`. */
  readonly severity: Severity;
  /** The limit of recovery from the lowest level; null: that level itself. */
  readonly clear: number | null;
  readonly freeBytes: number | null;
  /** Exactly one is not null, or both null where `for` has no meaning. */
  readonly forMs: number | null;
  readonly forCount: number | null;
  /** null: no reminders. */
  readonly repeatMs: number | null;
  /** These instead of the client's recipients; empty: nobody; null: the client's recipients. */
  readonly mail: readonly string[] | null;
  readonly note: string | null;
  /** service: the state that is expected. */
  readonly state: string | null;
  readonly min: number | null;
  readonly max: number | null;
  /** event: the longest silence. */
  readonly withinMs: number | null;
  /** Neither takes a subject from other rules nor leaves it to them. */
  readonly also: boolean;
  /** False: `flapping="no"`, so that each change is notified. */
  readonly flapping: boolean;
  /**
   * The nesting of the element that wrote the rule: 1 for <alerts>. 0 for a default or condition. The deepest rules of
   * a type that match a subject evaluate it.
   */
  readonly depth: number;
  /**
   * Selectors of subjects that the rule leaves alone: an element further in ended them, or a written rule excludes
   * them.
   */
  readonly except: readonly Readonly<Record<string, string>>[];
  /** `file`: written by somebody; `default`: section 3's defaults; `condition`: needs no rule. */
  readonly origin: 'file' | 'default' | 'condition';
  /** The place at which the rule was written or last tuned. */
  readonly file: string | null;
  readonly line: number | null;
}
