import { parseMailAddresses } from './addresses.ts';
import { parseClock, parseDays } from './calendar.ts';
import type { NotifyConfig, Recipient, Rule, Severity, Window } from './config.ts';
import type { Findings } from './findings.ts';
import { globMatcher, splitGlobs } from './globs.ts';
import { severityOf } from './mail-settings.ts';
import type { Element } from './parse-elements.ts';
import { parseDuration } from './quantities.ts';

/** Who is told within an element. */
export interface Audience {
  readonly recipients: readonly Recipient[];
  readonly muted: boolean;
}

/** Nobody yet. */
export const nobody: Audience = Object.freeze({ recipients: Object.freeze([]), muted: false });

/** A reader of `mail="..."` (which replaces) and `<mail>` (which adds), sharing equal results between elements. */
export function createAudienceReader(): (element: Element, outer: Audience) => Audience {
  const read = new Map<Audience, Map<string, Audience>>();
  return (element, outer) => {
    const { mail } = element.attributes;
    if (mail === undefined && element.children.length === 0) return outer;
    const added = element.children.filter((child) => child.name === 'mail');
    if (mail === undefined && added.length === 0) return outer;
    const key = [mail ?? '', ...added.map((child) => JSON.stringify(child.attributes))].join('\0');
    const known = read.get(outer) ?? new Map<string, Audience>();
    read.set(outer, known);
    const audience = known.get(key) ?? readAudience(mail, added, outer);
    known.set(key, audience);
    return audience;
  };
}

function readAudience(mail: string | undefined, added: readonly Element[], outer: Audience): Audience {
  const replaced = (parseMailAddresses(mail ?? '') ?? []).map((to) => recipient(to, null, []));
  const before = mail === undefined ? outer.recipients : replaced;
  const more = added.flatMap(({ attributes: { to, severity, rules } }) =>
    (parseMailAddresses(to ?? '') ?? []).map((address) =>
      recipient(address, severityOf(severity), splitGlobs(rules ?? '')),
    ),
  );
  const distinct = new Map([...before, ...more].map((one) => [JSON.stringify(one), one]));
  const recipients = Object.freeze([...distinct.values()]);
  const muted = recipients.length === 0 && mail === 'none';
  return { recipients, muted };
}

function recipient(to: string, severity: Severity | null, rules: readonly string[]): Recipient {
  return Object.freeze({ to, severity, rules: Object.freeze(rules) });
}

/** The windows of an element after those around it. */
export function readWindows(
  element: Element,
  outer: readonly Window[],
  zone: string | null,
  findings: Findings,
): readonly Window[] {
  if (element.children.length === 0) return outer;
  const own = element.children.flatMap((child) =>
    child.name === 'window' && !child.faulty ? [readWindow(child, zone, findings)] : [],
  );
  return own.length === 0 ? outer : Object.freeze([...outer, ...own]);
}

function readWindow(element: Element, alertsZone: string | null, findings: Findings): Window {
  const { days, date, start, duration, zone, rules } = element.attributes;
  const durationMs = parseDuration(duration ?? '') ?? 0;
  if (days !== undefined && date !== undefined) findings.fault(element, '<window> has days and date; keep one of them');
  if (durationMs <= 0 || durationMs > 7 * 86_400_000) {
    findings.fault(
      element,
      `<window> duration="${duration ?? ''}" is not between 1s and 7d; for longer use state="paused"`,
    );
  }
  return Object.freeze({
    days: Object.freeze(days === undefined ? [] : (parseDays(days) ?? [])),
    date: date ?? null,
    startMinute: parseClock(start ?? '') ?? 0,
    durationMs,
    zone: zone ?? alertsZone,
    rules: Object.freeze(splitGlobs(rules ?? '')),
  });
}

/** Whether at least one level of a rule is told to at least one of its recipients or to a `<notify>`. */
export function reachesAnybody(rule: Rule, audience: Audience, notify: readonly NotifyConfig[]): boolean {
  const severities: readonly Severity[] =
    rule.critical === null && rule.warning === null ? [rule.severity] : levels(rule);
  const hears = (listener: { readonly severity: Severity | null; readonly rules: readonly string[] }): boolean =>
    (listener.severity !== 'critical' || severities.includes('critical')) &&
    (listener.rules.length === 0 || globMatcher(listener.rules.join(','))(rule.name));
  const byMail = rule.mail === null ? audience.recipients.some(hears) : rule.mail.length > 0;
  return byMail || notify.some(hears);
}

function levels(rule: Rule): readonly Severity[] {
  return [
    ...(rule.warning === null ? [] : ['warning' as const]),
    ...(rule.critical === null ? [] : ['critical' as const]),
  ];
}
