import type { NotifyConfig, Recipient, Rule, Severity, SmtpConfig, Window } from '../config.ts';
import { asksFor } from '../rules/rule-matcher.ts';
import { groupBy, least } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { windowSpans, windowUntil } from './windows.ts';

/** A recipient of the alerts of a rule. This is all that decides about who is told: there is no other place for it. */
export interface Listener {
  /** The key under which what the recipient knows is kept (see values/recipient-kinds.ts). */
  readonly recipient: string;
  /** An element around the client, the rule's own `mail`, a <notify>, or the `fallback` of <smtp>. */
  readonly from: 'element' | 'rule' | 'notify' | 'fallback';
  readonly least: Severity;
  /** The hours of the recipient by severity. Alerts of a severity that is missing are notified at all hours. */
  readonly hours?: Readonly<Partial<Record<Severity, readonly Window[]>>>;
  /** The time for which a critical alert fires without an acknowledgement before it is notified. Default: none. */
  readonly afterMs?: number;
  /** The same recipient for critical alerts outside of `hours`, by entries with `after`. Default: none. */
  readonly beyond?: Listener;
}

/** By recipient. */
export type Listeners = ReadonlyMap<string, Listener>;

export const noListeners: Listeners = new Map();

export function hears({ least: from }: Pick<Listener, 'least'>, severity: Severity): boolean {
  return from === 'warning' || severity === 'critical';
}

/** Returns the recipients that hear a severity, at some hour. */
export function hearersOf(listeners: Listeners, severity: Severity): readonly Listener[] {
  return [...listeners.values()].filter((one) => hears(one, severity));
}

/** Returns the end of the pause if the hours of a recipient are over now; null if they are not. */
export function outsideHours(
  { hours: all }: Listener,
  severity: Severity,
  nowMs: number,
): { readonly kind: 'hours'; readonly untilMs: number } | null {
  const hours = all?.[severity];
  if (hours === undefined || hours.some((window) => windowUntil(window, nowMs, null) !== null)) return null;
  // Hours of one day a week may lie within the time that a clock change skips.
  const spans = hours.flatMap((window) => windowSpans(window, nowMs, nowMs + 15 * dayMs, null));
  return { kind: 'hours', untilMs: least(spans.map(({ startsAtMs }) => startsAtMs).filter((ms) => ms > nowMs)) };
}

/** Returns what counts for a recipient at a time: outside of the hours the entries with `after`, if there are any. */
export function listenerAt(listener: Listener, severity: Severity, atMs: number): Listener {
  const { beyond } = listener;
  const isBeyond = beyond !== undefined && severity === 'critical' && outsideHours(listener, severity, atMs) !== null;
  return isBeyond ? beyond : listener;
}

/** The surroundings of a rule that decide who is told of it. */
export interface Told {
  readonly rule: Rule;
  readonly recipients: readonly Recipient[];
  readonly notify: readonly NotifyConfig[];
  /** True if nobody is told unless the rule names somebody, not even the fallback. */
  readonly muted: boolean;
  readonly smtp: Pick<SmtpConfig, 'fallback'> | null;
  /** Whoever asks for one of these rules hears of the rule too. Default: none. */
  readonly alike?: readonly Rule[];
}

/**
 * Returns everybody who is told of a rule: its own `mail`, else the recipients around; and every <notify> that asks for
 * it. A default or condition that reaches nobody goes to the fallback.
 */
export function listenersOf({ rule, recipients, notify, muted, smtp, alike = [] }: Told): Listeners {
  const from = rule.mail === null ? 'element' : 'rule';
  const isAsking = ({ rules }: Recipient): boolean =>
    asksFor(rules, rule) || (!rules.includes(`!${rule.name}`) && alike.some((one) => asksFor(rules, one)));
  const ofRule = rule.mail?.map((to) => toldAlways(to)) ?? recipients;
  const listeners = new Map([
    ...combined(ofRule.filter(isAsking), from),
    ...combined(notify.filter(isAsking), 'notify'),
  ]);
  const { fallback = null } = smtp ?? {};
  const isLeft = rule.origin !== 'file' && rule.mail === null && !muted;
  if (isLeft && fallback !== null && hearersOf(listeners, worstSeverity(rule)).length === 0) {
    listeners.set(fallback, { recipient: fallback, from: 'fallback', least: 'warning' });
  }
  return listeners;
}

function combined(entries: readonly Recipient[], from: Listener['from']): readonly (readonly [string, Listener])[] {
  return [...groupBy(entries, ({ to }) => to)].map(([to, own]) => [to, listenerOf(to, own, from)]);
}

/**
 * Combines the entries of one recipient. Entries with `after` count if there are no others, and outside of the hours of
 * the others.
 */
function listenerOf(recipient: string, entries: readonly Recipient[], from: Listener['from']): Listener {
  const atOnce = entries.filter(({ afterMs }) => afterMs === null);
  const late = entries.filter(({ afterMs }) => afterMs !== null);
  const own = atOnce.length > 0 ? atOnce : late;
  const hours = own.some((one) => one.hours !== null) ? hoursOf(own) : undefined;
  return {
    recipient,
    from,
    least: own.every(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    ...(hours === undefined ? {} : { hours }),
    ...(atOnce.length > 0 ? {} : { afterMs: least(late.flatMap(({ afterMs }) => afterMs ?? [])) }),
    ...(own === atOnce && late.length > 0 && hours?.critical !== undefined
      ? { beyond: listenerOf(recipient, late, from) }
      : {}),
  };
}

/** Returns a recipient's hours by severity. Omits a severity for which one of the entries is for all hours. */
function hoursOf(own: readonly Recipient[]): NonNullable<Listener['hours']> {
  const ofSeverity = (severity: Severity): readonly (Window | null)[] =>
    own.filter((one) => one.severity !== 'critical' || severity === 'critical').map(({ hours }) => hours);
  const entries = (['warning', 'critical'] as const).map((severity) => [severity, ofSeverity(severity)] as const);
  return Object.fromEntries(entries.filter(([, hours]) => !hours.includes(null)));
}

/** Returns the entry of a recipient who is told of everything, at all hours unless there are some. */
export function toldAlways(to: string, hours: Window | null = null): Recipient {
  return { to, severity: null, rules: Object.freeze([]), hours, afterMs: null };
}

/** True if one of the entries is told of a rule at its worst severity. */
export function isHeard(rule: Rule, entries: readonly Recipient[], worst = worstSeverity(rule)): boolean {
  return entries.some(({ severity, rules }) => hears({ least: severity ?? 'warning' }, worst) && asksFor(rules, rule));
}

/** Returns the worst severity that a rule has. */
export function worstSeverity({ warning, critical, severity }: Rule): Severity {
  if (warning === null && critical === null) return severity;
  return critical === null ? 'warning' : 'critical';
}
