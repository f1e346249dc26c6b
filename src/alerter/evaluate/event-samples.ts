import type { AboutKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import { least } from '../../platform/group-by.ts';
import type { Client, Config, Rule } from '../../config/config.ts';
import { globMatcher, isGlob, splitGlobs } from '../../config/values/globs.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import type { EventStatus, NewestEvent } from '../../storage/store/event-store.ts';
import type { Level } from '../../storage/store/alert.ts';
import { shortened } from '../../text/shortened.ts';
import { formatValue } from './describe-value.ts';
import { clearSample, faultSample, stateSample, unknownSample, type Sample } from './sample.ts';
import { labelCandidates, ruleChooser, type Candidate } from './sampler.ts';

/** The most characters of a text, the ellipsis of a cut one included. */
const shownChars = 201;

/** Clients share their lists of rules, and a list never changes. */
const choosers = rememberedWeakly((rules: readonly Rule[]) =>
  ruleChooser<NewestEvent, Candidate<NewestEvent>>(
    labelCandidates(eventRules(rules), ({ service, host }, label) => (label === 'service' ? service : host)),
  ),
);

/** Returns the rules of events in a list. */
export const eventRules = rememberedWeakly((rules: readonly Rule[]) => rules.filter(({ type }) => type === 'event'));

/** A client, or the senders of <alerts>, whose name is '' and whose rules evaluate the events of every host. */
export interface EventScope extends Pick<AboutKey, 'about'> {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Returns the scope of the rules of <alerts>. */
export function sendersOf({ alerts: { rules } }: Pick<Config, 'alerts'>): EventScope {
  return { about: 'source', name: '', rules };
}

/** Returns the scope of a client's rules. */
export function clientScope({ name, rules }: Pick<Client, 'name' | 'rules'>): EventScope {
  return { about: 'client', name, rules };
}

/** The current time, and `mayMiss`, which is true if a missing row means silence. */
export interface EventMoment {
  readonly nowMs: number;
  readonly mayMiss: boolean;
}

/**
 * Samples the newest event of each service: subjects are services, with their host and instance. A service that a rule
 * names without a pattern is a subject even if it has never sent an event. Silence is unknown if rows may be missing
 * because the database was unreachable.
 */
export function sampleEvents(scope: EventScope, newest: readonly NewestEvent[], when: EventMoment): readonly Sample[] {
  const { rules } = scope;
  const choose = choosers(rules);
  const own = newest.filter((event) => isOf(scope, event));
  const heard = own.flatMap((event) => {
    const subject = subjectOf(event, scope);
    return choose(subject, event).map(({ rule }) => eventSample(rule, subject, event, when));
  });
  const subjects = new Set(heard.map(({ subject }) => subject));
  const named = eventRules(rules).flatMap((rule) =>
    expectedOf(rule).flatMap((service) => {
      if (subjects.has(service)) return [];
      const matches = globMatcher(service);
      if (own.some((event) => matches(event.service))) return [clearSample(rule, service, 'heard of')];
      return [when.mayMiss ? faultSample(rule, service, 'never heard of') : unknownSample(rule, service)];
    }),
  );
  return [...heard, ...named];
}

/** Returns the services that have to send events: those that a rule with a time names. */
function expectedOf({ withinMs, selectors }: Rule): readonly string[] {
  if (withinMs === null) return [];
  return splitGlobs(selectors['service'] ?? '').filter((part) => !isGlob(part) && !part.startsWith('!'));
}

function isOf(scope: EventScope, { host }: NewestEvent): boolean {
  return !kindOf(scope).followsRows || host === scope.name;
}

/** Returns the subject of an event: `backup`, `backup/home`; for the fleet `nas:backup`. */
function subjectOf({ host, service, instance }: NewestEvent, scope: EventScope): string {
  const whose = !kindOf(scope).followsRows && host !== '' ? `${host}:` : '';
  return `${whose}${service}${instance === '' ? '' : `/${instance}`}`;
}

function eventSample(rule: Rule, subject: string, event: NewestEvent, { nowMs, mayMiss }: EventMoment): Sample {
  const { status, receivedAtMs } = event;
  const ageMs = nowMs - receivedAtMs;
  if (agesOf(rule, event).some((age) => ageMs > age)) {
    if (!mayMiss) return unknownSample(rule, subject);
    const silent = `silent for ${formatValue('seconds', Math.floor(ageMs / 1000))}, after ${describeEvent(event)}`;
    return faultSample(rule, subject, silent);
  }
  return stateSample(rule, subject, levelOf(rule, status), describeEvent(event));
}

/** Returns the age in ms from which the newest event of a service is silence; null if no rule in scope limits it. */
export function silentAfterMs(scope: EventScope, event: NewestEvent): number | null {
  if (!isOf(scope, event)) return null;
  const ages = choosers(scope.rules)(subjectOf(event, scope), event).flatMap(({ rule }) => agesOf(rule, event));
  return ages.length === 0 ? null : least(ages);
}

function agesOf({ withinMs }: Rule, { ttl }: NewestEvent): readonly number[] {
  return [withinMs, ttl === null ? null : ttl * 1000].filter((age) => age !== null);
}

/** Returns the level of a status. A rule with severity="warning" has no critical level. UNKNOWN is a warning. */
function levelOf({ severity }: Rule, status: EventStatus): Level {
  return status === 'OK' ? 'none' : status === 'CRIT' ? severity : 'warning';
}

/** Describes an event: `CRIT: disk full`. */
function describeEvent({ status, description }: NewestEvent): string {
  return description === '' ? status : `${status}: ${shortened(description, shownChars)}`;
}
