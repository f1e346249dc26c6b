import type { Config, Rule } from '../../config/config.ts';
import { formatDuration } from '../../text/durations.ts';
import { alertName } from '../../config/rules/merge-alert.ts';
import { type Container, isAdded, type RuleEdit, type WrittenElements } from '../../config/rules/rule-edit.ts';
import type { Element } from '../../config/xml/parse-elements.ts';
import { byName } from '../../text/name-order.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { MailedNotification, PastAlert } from '../../storage/store/alert-history.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import { isOutlierRule } from '../evaluate/outlier-samples.ts';
import { foreseenBy } from '../evaluate/rule-metric.ts';
import type { Acted } from './noise.ts';
import { firingAt, rowsOfFor } from './predict.ts';
import type { createWatches } from '../inhibit/watches.ts';
import { hears } from '../../config/recipients/listeners.ts';

/** The alerts of a span and the acts of people, for proposals. */
export interface TuneFacts {
  readonly config: Config;
  readonly elements: WrittenElements;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly withinMs: number;
  readonly everyMsOf: (client: string) => number;
  readonly actedOf: (alert: PastAlert) => Acted | null;
  /** Returns the mails to persons about an alert, without reminders. */
  readonly mailsOf: (alert: PastAlert) => readonly MailedNotification[];
  readonly watchOf: ReturnType<typeof createWatches>;
}

/** The alerts of a rule, by the element that wrote it; those of a check by its name. */
export interface RuleUnit {
  /** null for a condition of the fleet, or of a group. */
  readonly rule: Rule | null;
  readonly name: string;
  /** The <alert> that wrote the rule; null for a default or a condition, and if it is not known. */
  readonly element: Element | null;
  /** The check; null for other rules. */
  readonly subject: string | null;
  /** Oldest first, those included of which nobody was told. */
  readonly alerts: readonly PastAlert[];
}

/** The effect that an edit would have had. */
export interface Proposal {
  readonly edit: RuleEdit;
  readonly mailsLeft: number;
  readonly laterMs: number;
  /** The alerts of which nobody would have been told. */
  readonly quieted: readonly PastAlert[];
  /** The notifications that would not have been sent. */
  readonly removed: readonly MailedNotification[];
}

/** A rule that told people something, and its proposal, or the reason why there is none. */
export interface TuneLine extends Omit<RuleUnit, 'alerts' | 'element'> {
  readonly clients: readonly string[];
  /** The alerts of which people were told, since the limit is what it is. */
  readonly told: readonly PastAlert[];
  /** The time since which the limit is what it is today; null if it did not change. */
  readonly sinceMs: number | null;
  /** The numbers of alerts in the first two thirds of the time, and in the last. */
  readonly parts: readonly [number, number];
  readonly mails: number;
  readonly noise: readonly PastAlert[];
  /** The fewest clients that make nine tenths of the noise, each with its number of alerts, the noisiest first. */
  readonly noisiest: readonly (readonly [client: string, alerts: number])[];
  /** The time within which nine tenths of the noise were over; null if there is none. */
  readonly overWithinMs: number | null;
  readonly proposal: Proposal | null;
  readonly why: Why | null;
}

/** The reason why nothing is proposed. */
export type Why =
  | { readonly kind: 'never' | 'hourly' | 'few' | 'unwritten' | 'shared' }
  /** A `for` of these rows quiets the noise of the first two thirds of the time, and too little of the last. */
  | { readonly kind: 'later-part'; readonly rows: number }
  /** It would quiet alerts that are no noise as well. */
  | {
      readonly kind: 'loses';
      readonly rows: number;
      readonly counts: ActedCounts;
      readonly lost: readonly (readonly [alert: PastAlert, acted: Acted])[];
      /** The mails that it would leave. */
      readonly mailsLeft: number;
    }
  | { readonly kind: 'acted'; readonly counts: ActedCounts }
  | { readonly kind: 'lasts'; readonly lasted: number; readonly told: number };

export type ActedCounts = Readonly<Partial<Record<Acted, number>>>;

const mostRows = 12;
const leastParts: readonly [number, number] = [8, 3];
/** The share of the noise that an edit must remove from the alerts by which it is chosen, and from later ones. */
const chosenShare = 0.9;
const judgedShare = 2 / 3;

const never = new Set([
  ...['host-key-changed', 'not-trusted', 'read-only', 'file-system-errors', 'group-short'],
  ...['rebooted', 'reboots', 'oom-kill'],
]);

/** True if nothing is ever proposed for a rule: it tells of faults, or of events. */
function isNever({ rule, name, subject }: RuleUnit): boolean {
  const isDevice = /^(?:md|zfs|ecc|bond|textfile):/.test(subject ?? '');
  return rule === null || never.has(name) || name.startsWith('mount-') || rule.type === 'event' || isDevice;
}

/** Proposes edits for a rule. Returns several lines if parts of its clients get edits of their own. */
export function propose(facts: TuneFacts, unit: RuleUnit): readonly TuneLine[] {
  const { rule, subject } = unit;
  const whole = readUnit(facts, unit);
  if (whole.told.length === 0) return [];
  if (isNever(unit) || rule === null) return [lineOf(whole, { kind: 'never' })];
  if (foreseenBy(rule) !== null || isOutlierRule(rule)) return [lineOf(whole, { kind: 'hourly' })];
  const isWhole = subject === null || (rule.origin === 'file' && rule.selectors['check'] === subject);
  if (rule.file !== null && isWhole)
    return [unit.element === null ? lineOf(whole, unwritten) : choose(facts, whole, unit.element)];
  if (subject !== null && (rule.origin === 'file' || /[^\w:./ -]/.test(subject)))
    return [lineOf(whole, { kind: 'shared' })];
  return proposeAdded(facts, whole);
}

const unwritten: Why = { kind: 'unwritten' };

/** Proposes an <alert> for those clients that make most of the noise, else for all, else for single clients. */
function proposeAdded(facts: TuneFacts, whole: Reading): readonly TuneLine[] {
  const { elements } = facts;
  const { most: noisiest, all } = noisyClients(whole);
  const most = new Set(noisiest.map(([client]) => client));
  const chosenIn = (container: Container | null, ofThese: readonly PastAlert[]): TuneLine | null =>
    container === null ? null : choose(facts, partOf(facts, whole, ofThese), container.element);
  const othersThan = (lines: readonly TuneLine[]): readonly PastAlert[] => {
    const done = new Set(lines.flatMap(({ clients }) => clients));
    return whole.alerts.filter(({ client }) => !done.has(client));
  };
  const around = elements.around((names) => includesAll(names, most) && includesAll(all, names));
  const inside = chosenIn(
    around,
    whole.alerts.filter(({ client }) => around?.names.has(client)),
  );
  if (inside !== null && inside.proposal !== null)
    return [inside, ...propose(facts, { ...whole, alerts: othersThan([inside]) })];
  const everywhere = (reading: Reading): TuneLine =>
    elements.alerts === null ? lineOf(reading, unwritten) : choose(facts, reading, elements.alerts);
  const line = everywhere(whole);
  if (line.proposal !== null) return [line];
  const ofClients = groupBy(whole.alerts, ({ client }) => client);
  const single = [...most].flatMap((client) => {
    const container = elements.around((names) => names.size === 1 && names.has(client));
    const own = chosenIn(container, ofClients.get(client) ?? []);
    return own === null || own.proposal === null ? [] : [own];
  });
  if (single.length === 0) return [line];
  const others = partOf(facts, whole, othersThan(single));
  return others.told.length === 0 ? single : [...single, everywhere(others)];
}

function includesAll(names: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  return [...wanted].every((name) => names.has(name));
}

/** Returns the clients that make noise, and the fewest of them that make nine tenths of it, the noisiest first. */
function noisyClients({ noise }: Reading): {
  readonly most: TuneLine['noisiest'];
  readonly all: ReadonlySet<string>;
} {
  const counts = [...groupBy(noise, ({ client }) => client)].sort(([, one], [, other]) => other.length - one.length);
  const most: (readonly [string, number])[] = [];
  let covered = 0;
  for (const [client, own] of counts) {
    if (covered >= chosenShare * noise.length) break;
    most.push([client, own.length]);
    covered += own.length;
  }
  return { most, all: new Set(counts.map(([client]) => client)) };
}

/** A unit as its rule evaluates it today. */
interface Reading extends RuleUnit, Pick<TuneLine, 'sinceMs' | 'told' | 'noise' | 'mails'> {
  /** The parts of `told` before and after the time that parts them. */
  readonly parted: readonly [readonly PastAlert[], readonly PastAlert[]];
  readonly acted: ReadonlyMap<PastAlert, Acted | null>;
}

/** Reads the alerts since the limit and `for` of the rule are what they are today. */
function readUnit(facts: TuneFacts, unit: RuleUnit): Reading {
  const { rule } = unit;
  const changed = rule === null ? -1 : unit.alerts.findLastIndex((alert) => hadOtherLimit(rule, alert));
  const alerts = unit.alerts.slice(changed + 1);
  const { everyMsOf } = facts;
  const rowsNow = rule === null ? 1 : rowsOfFor(rule, everyMsOf(alerts[0]?.client ?? ''));
  const firing = rule === null ? null : firingAt(alerts, rule, { rows: rowsNow, everyMsOf });
  const told = alerts.filter((alert) => firing?.has(alert) !== false && facts.mailsOf(alert).length > 0);
  const sinceMs = changed < 0 ? null : (alerts[0]?.pendingSinceMs ?? facts.untilMs);
  const fromMs = Math.max(facts.sinceMs, sinceMs ?? 0);
  const cutMs = fromMs + ((facts.untilMs - fromMs) * 2) / 3;
  const isEarly = ({ pendingSinceMs }: PastAlert): boolean => pendingSinceMs < cutMs;
  const acted = new Map(told.map((alert) => [alert, facts.actedOf(alert)]));
  return {
    ...{ ...unit, alerts, sinceMs, told, acted, mails: mailIdsOf(facts, told).size },
    noise: told.filter((alert) => acted.get(alert) === null),
    parted: [told.filter(isEarly), told.filter((alert) => !isEarly(alert))],
  };
}

function partOf(facts: TuneFacts, whole: Reading, alerts: readonly PastAlert[]): Reading {
  return readUnit(facts, { ...whole, alerts });
}

/** True if a rule has a limit in a unit of its own: figures of checks have theirs. */
export function hasLimit(rule: Rule | null): boolean {
  return rule !== null && (rule.warning ?? rule.critical) !== null && rule.metric?.startsWith('check_') !== true;
}

/** True if the alert violated another limit than today's. */
function hadOtherLimit(rule: Rule, { limitText, severity }: PastAlert): boolean {
  return hasLimit(rule) && limitText !== describeLimit(rule, severity);
}

function mailIdsOf(facts: TuneFacts, alerts: readonly PastAlert[]): ReadonlySet<number> {
  return new Set(alerts.flatMap((alert) => facts.mailsOf(alert).map(({ mailId }) => mailId)));
}

function lineOf(reading: Reading, outcome: Why | Proposal): TuneLine {
  const { rule, name, subject, sinceMs, told, noise, mails, parted } = reading;
  const lastedMs = noise.map(({ pendingSinceMs, resolvedAtMs }) => (resolvedAtMs ?? 0) - pendingSinceMs);
  lastedMs.sort((one, other) => one - other);
  return {
    ...{ rule, name, subject, sinceMs, told, noise, mails },
    clients: [...new Set(told.map(({ client }) => client))].sort(byName),
    noisiest: noisyClients(reading).most,
    parts: [parted[0].length, parted[1].length],
    overWithinMs: lastedMs[Math.ceil(lastedMs.length * chosenShare) - 1] ?? null,
    proposal: 'edit' in outcome ? outcome : null,
    why: 'edit' in outcome ? null : outcome,
  };
}

/** Chooses an edit at an element: the least `for` that removes the noise, else a severity. */
function choose(facts: TuneFacts, reading: Reading, element: Element): TuneLine {
  const [first, last] = reading.parted;
  if (first.length < leastParts[0] || last.length < leastParts[1]) return lineOf(reading, { kind: 'few' });
  const longer = longerFor(facts, reading, element);
  if (longer !== null && 'edit' in longer) return lineOf(reading, longer);
  return lineOf(reading, milder(facts, reading, element) ?? longer ?? whyNot(reading));
}

/** Returns the least `for` that removes the noise; the reason why it is none, or null if no `for` removes the noise. */
function longerFor(facts: TuneFacts, reading: Reading, element: Element): Proposal | Why | null {
  const { rule, alerts, told, parted, acted } = reading;
  if (rule === null || (rule.forCount ?? rule.forMs) === null) return null;
  const { everyMsOf, withinMs } = facts;
  const everyMs = everyMsOf(told[0]?.client ?? '');
  const rowsNow = rowsOfFor(rule, everyMs);
  for (let rows = rowsNow + 1; rows <= mostRows && (rows - 1) * everyMs < withinMs; rows += 1) {
    const left = firingAt(alerts, rule, { rows, everyMsOf });
    const [first, last] = parted.map((part) => {
      const noise = part.filter((alert) => acted.get(alert) === null);
      return noise.filter((alert) => !left.has(alert)).length / noise.length;
    });
    if (!((first ?? 0) >= chosenShare)) continue;
    const stays = told.filter((alert) => left.has(alert));
    const staying = mailIdsOf(facts, stays).size;
    const lost = told.flatMap((alert) => {
      const what = left.has(alert) ? null : (acted.get(alert) ?? null);
      return what === null ? [] : [[alert, what] as const];
    });
    if (lost.length > 0) return { kind: 'loses', rows, counts: countsOf(lost), lost, mailsLeft: staying };
    if (!((last ?? 0) >= judgedShare)) return { kind: 'later-part', rows };
    return {
      edit: editOf(facts, reading, element, { for: `${rows}x` }),
      mailsLeft: staying,
      laterMs: (rows - rowsNow) * everyMs,
      ...quietedOf(facts, told, (alert) => left.has(alert)),
    };
  }
  return null;
}

/**
 * Proposes a warning for critical alerts on which nobody ever acted, if some of them are noise. Returns null if all
 * recipients hear warnings as well.
 */
function milder(facts: TuneFacts, reading: Reading, element: Element): Proposal | null {
  const { rule, told, acted, noise } = reading;
  if (
    noise.length === 0 ||
    rule === null ||
    rule.severity !== 'critical' ||
    told.some(({ severity }) => severity !== 'critical')
  )
    return null;
  if (told.some((alert) => !['lasted', null].includes(acted.get(alert) ?? null))) return null;
  const staying = new Map(
    told.map((alert) => [alert, facts.mailsOf(alert).filter((one) => hearsWarnings(facts, alert, one))]),
  );
  if (told.some((alert) => acted.get(alert) !== null && staying.get(alert)?.length === 0)) return null;
  const quieted = quietedOf(facts, told, (alert, one) => staying.get(alert)?.includes(one) === true);
  if (quieted.removed.length === 0) return null;
  return {
    edit: editOf(facts, reading, element, { severity: 'warning' }),
    mailsLeft: new Set([...staying.values()].flat().map(({ mailId }) => mailId)).size,
    laterMs: 0,
    ...quieted,
  };
}

function quietedOf(
  facts: TuneFacts,
  told: readonly PastAlert[],
  stays: (alert: PastAlert, one: MailedNotification) => boolean,
): Pick<Proposal, 'quieted' | 'removed'> {
  const removedOf = (alert: PastAlert): readonly MailedNotification[] =>
    facts.mailsOf(alert).filter((one) => !stays(alert, one));
  return {
    quieted: told.filter((alert) => removedOf(alert).length === facts.mailsOf(alert).length),
    removed: told.flatMap(removedOf),
  };
}

function hearsWarnings({ watchOf }: TuneFacts, alert: PastAlert, { recipient }: MailedNotification): boolean {
  const listener = watchOf(alert).listeners.get(recipient);
  return listener === undefined || hears(listener, 'warning');
}

function editOf(facts: TuneFacts, reading: Reading, element: Element, change: RuleEdit['attributes']): RuleEdit {
  const crowded = element.name === 'alert' && facts.elements.isCrowded(element);
  return { element, attributes: attributesOf(reading, element, change), crowded };
}

/** Returns the attributes of an edit. A new <alert> of one check takes nothing but the severity from the default. */
function attributesOf(
  { rule, name, subject }: Reading,
  { name: element }: Element,
  change: RuleEdit['attributes'],
): RuleEdit['attributes'] {
  if (element === 'alert') return change;
  if (subject === null || rule === null) return { name, ...change };
  const span = rule.forCount === null ? formatDuration(rule.forMs ?? 0) : `${rule.forCount}x`;
  return { type: 'check', check: subject, for: span, ...change };
}

/** Returns the name of a line's rule after its edit. */
export function ruleAfter({ name, subject, proposal }: TuneLine): string {
  const isNew = subject !== null && proposal !== null && isAdded(proposal.edit);
  return isNew ? (alertName(proposal.edit.attributes) ?? name) : name;
}

function whyNot({ told, acted }: Reading): Why {
  const { lasted = 0, ...others } = countsOf([...acted]);
  return Object.keys(others).length > 0
    ? { kind: 'acted', counts: others }
    : { kind: 'lasts', lasted, told: told.length };
}

function countsOf(alerts: readonly (readonly [PastAlert, Acted | null])[]): ActedCounts {
  const counts: Partial<Record<Acted, number>> = {};
  for (const [, what] of alerts) if (what !== null) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}
