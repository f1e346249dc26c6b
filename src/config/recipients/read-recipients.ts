import { parseMailAddresses } from '../values/addresses.ts';
import { parseClock, parseDays, parseHours, parseMoment } from '../values/calendar.ts';
import type { Client, NotifyConfig, Recipient, Window } from '../config.ts';
import type { Findings } from '../xml/findings.ts';
import { splitGlobs } from '../values/globs.ts';
import { readUrgency } from '../settings/mail-settings.ts';
import type { Element } from '../xml/parse-elements.ts';
import { parseDuration } from '../../text/durations.ts';
import { remembered } from '../../platform/remembered.ts';
import { dayMs } from '../../platform/units.ts';
import { toldAlways } from './listeners.ts';
import { recipientOf } from '../values/recipient-kinds.ts';

/** The recipients within an element. */
export interface Audience {
  readonly recipients: readonly Recipient[];
  readonly muted: boolean;
}

/** The audience before any recipient is written. */
export const nobody: Audience = Object.freeze({ recipients: Object.freeze([]), muted: false });

/**
 * Returns a reader of `mail="..."`, `<mail>` and `<webhook>`, which add recipients to those further out. With
 * recipients="replace" they replace the outer recipients. Shares equal results between elements.
 */
export function createAudienceReader(
  zone: string | null,
  findings: Findings,
): (element: Element, outer: Audience) => Audience {
  const readWithin = remembered<Audience, Map<string, Audience>>(() => new Map());
  return (element, outer) => {
    const { mail, recipients = '' } = element.attributes;
    const added = element.children.filter(({ name }) => name === 'mail' || name === 'webhook');
    if (mail === undefined && added.length === 0) {
      if (recipients === 'replace') {
        const message = `<${element.name}> has recipients="replace" and names nobody; write mail="...", or mail="none"`;
        findings.fault(element, message);
      }
      return outer;
    }
    const key = [mail ?? '', recipients, ...added.map((child) => JSON.stringify([child.name, child.attributes]))].join(
      '\0',
    );
    const known = readWithin(outer);
    const audience = known.get(key) ?? readAudience({ element, added, outer, zone, findings });
    known.set(key, audience);
    return audience;
  };
}

interface ReadAudienceOptions {
  readonly element: Element;
  readonly added: readonly Element[];
  readonly outer: Audience;
  readonly zone: string | null;
  readonly findings: Findings;
}

function readAudience({ element, added, outer, zone, findings }: ReadAudienceOptions): Audience {
  const { mail, recipients: how } = element.attributes;
  const before = mail === 'none' || how === 'replace' ? [] : outer.recipients;
  const named = (parseMailAddresses(mail ?? '') ?? []).map((to) => toldAlways(to));
  const more = added.flatMap((child) => {
    const { to, name, rules, hours: written } = child.attributes;
    const hours = parseHours(written ?? '');
    const hook = name === undefined ? [] : [recipientOf('webhook', name)];
    const urgency = readUrgency(child, findings);
    return (child.name === 'webhook' ? hook : (parseMailAddresses(to ?? '') ?? [])).map((address) => ({
      ...toldAlways(address),
      ...urgency,
      rules: Object.freeze(splitGlobs(rules ?? '')),
      hours: hours === null ? null : Object.freeze({ ...hours, date: null, zone, rules: [], severity: null }),
    }));
  });
  const distinct = new Map([...before, ...named, ...more].map((one) => [JSON.stringify(one), Object.freeze(one)]));
  const recipients = Object.freeze([...distinct.values()]);
  const muted = recipients.length === 0 && mail === 'none';
  return { recipients, muted };
}

interface ReadWindowsOptions {
  /** The zone of <alerts>. */
  readonly zone: string | null;
  readonly nowMs: number;
  readonly findings: Findings;
}

/** Returns the windows around an element, followed by the element's own. */
export function readWindows(
  element: Element,
  outer: readonly Window[],
  { zone, nowMs, findings }: ReadWindowsOptions,
): readonly Window[] {
  if (element.children.length === 0) return outer;
  const own = element.children.flatMap((child) =>
    child.name === 'window' && !child.faulty ? [readOnce(child, { zone, nowMs, findings })] : [],
  );
  return own.length === 0 ? outer : Object.freeze([...outer, ...own]);
}

/** Windows by their elements. An element may be read again for some clients. */
const known = new WeakMap<Element, Window>();

function readOnce(element: Element, options: ReadWindowsOptions): Window {
  const window = known.get(element) ?? readWindow(element, options);
  known.set(element, window);
  return window;
}

function readWindow(element: Element, { zone: alertsZone, nowMs, findings }: ReadWindowsOptions): Window {
  const { days, date, start, duration, zone: ownZone, rules, severity } = element.attributes;
  const zone = ownZone ?? alertsZone;
  const durationMs = parseDuration(duration ?? '') ?? 0;
  if (days !== undefined && date !== undefined) findings.fault(element, '<window> has days and date; keep one of them');
  if (durationMs <= 0 || durationMs > 7 * dayMs) {
    findings.fault(
      element,
      `<window> duration="${duration ?? ''}" is not between 1s and 7d; for longer use state="paused"`,
    );
  }
  const lastMs = date === undefined ? null : parseMoment(`${date} ${start ?? ''}`, zone);
  if (lastMs !== null && lastMs + durationMs <= nowMs)
    findings.warn(element, `<window> date="${date ?? ''}" is past, so it holds back nothing any more; remove it`);
  return Object.freeze({
    days: Object.freeze(days === undefined ? [] : (parseDays(days) ?? [])),
    date: date ?? null,
    startMinute: parseClock(start ?? '') ?? 0,
    durationMs,
    zone,
    rules: Object.freeze(splitGlobs(rules ?? '')),
    severity: severity === 'warning' ? 'warning' : null,
  });
}

/**
 * Returns a function that finds the <notify> elements of a client, or of the fleet (null). Shares equal results as one
 * list.
 */
export function notifyChooser(all: readonly NotifyConfig[]): (client: Client | null) => readonly NotifyConfig[] {
  if (all.every(({ selects }) => selects === null)) return () => all;
  const lists = new Map<string, readonly NotifyConfig[]>();
  return (client) => {
    const own = all.filter(({ selects }) => selects === null || (client !== null && selects(client)));
    const key = own.map((one) => all.indexOf(one)).join(' ');
    const list = lists.get(key) ?? own;
    lists.set(key, list);
    return list;
  };
}
