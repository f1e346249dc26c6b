/** The zones that TZ may describe by offsets and rules, as tzset(3) says: `CET-1CEST,M3.5.0,M10.5.0/3`. */
import { append } from '../platform/group-by.ts';
import { dayMs, hourMs, minuteMs } from '../platform/units.ts';
import { zoneOffsetMs } from './zone-time.ts';

interface PosixZone {
  readonly standardMs: number;
  readonly summer: Summer | null;
}

interface Summer {
  readonly offsetMs: number;
  readonly begins: DayRule;
  readonly ends: DayRule;
}

/** Returns the milliseconds from the year's first midnight to a change of the clocks. */
type DayRule = (year: number) => number;

const name = String.raw`(?:[A-Za-z]{3,}|<[\w+-]{3,}>)`;
const time = String.raw`([+-]?\d{1,3}(?::\d{1,2}){0,2})`;
const rule = String.raw`(M\d+\.\d+\.\d+|J?\d+)(?:/${time})?`;
const form = new RegExp(`^${name}${time}(?:${name}${time}?(?:,${rule},${rule})?)?$`);
const hasSummer = new RegExp(`^${name}${time}${name}`);
/** The rule of a zone that names none. */
const usual = ['M3.2.0', 'M11.1.0'] as const;

/** Zones that are known by more people than others with the same clocks. */
const wellKnown = [
  ...['Europe/Berlin', 'Europe/London', 'Europe/Helsinki', 'America/New_York', 'America/Chicago', 'America/Denver'],
  ...['America/Los_Angeles', 'America/Halifax', 'Asia/Kolkata', 'Asia/Tehran', 'Australia/Sydney', 'Pacific/Auckland'],
];

/**
 * Returns an IANA zone whose clocks show in these years what a text of POSIX describes. Returns null for another text,
 * and if no zone has these clocks.
 */
export function zoneOfPosix(text: string, nowMs: number): string | null {
  const zone = parsePosix(text);
  if (zone === null) return null;
  const hours = zone.standardMs / hourMs;
  if (zone.summer === null && Number.isInteger(hours) && hours >= -12 && hours <= 14)
    return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
  const year = new Date(nowMs).getUTCFullYear();
  const changes = [year, year + 1, year + 2].flatMap((one) => changesIn(zone, one));
  const moments = [Date.UTC(year, 0, 1, 12), Date.UTC(year, 6, 1, 12)];
  append(
    moments,
    changes.flatMap((atMs) => [atMs - minuteMs, atMs + minuteMs]),
  );
  const isAlike = (candidate: string): boolean =>
    moments.every((atMs) => zoneOffsetMs(candidate, atMs) === offsetAt(zone, atMs));
  return [...wellKnown, ...Intl.supportedValuesOf('timeZone')].find(isAlike) ?? null;
}

function parsePosix(text: string): PosixZone | null {
  const [, standard, summer, begins = usual[0], beginsAt = '2', ends = usual[1], endsAt = '2'] = form.exec(text) ?? [];
  if (standard === undefined) return null;
  // The offsets of POSIX are behind UTC.
  const standardMs = -timeMs(standard);
  if (!hasSummer.test(text)) return { standardMs, summer: null };
  const offsetMs = summer === undefined ? standardMs + hourMs : -timeMs(summer);
  return {
    standardMs,
    summer: { offsetMs, begins: dayRule(begins, timeMs(beginsAt)), ends: dayRule(ends, timeMs(endsAt)) },
  };
}

function timeMs(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
  return (text.startsWith('-') ? -1 : 1) * (hours * hourMs + minutes * minuteMs + seconds * 1000);
}

function dayRule(text: string, atMs: number): DayRule {
  if (!text.startsWith('M')) {
    const day = Number(text.replace('J', ''));
    // `J60` is 1 March in each year; the other form counts from 0, and 29 February.
    return (year) => atMs + (text.startsWith('J') ? day - 1 + (day >= 60 && isLeap(year) ? 1 : 0) : day) * dayMs;
  }
  const [month = 1, week = 1, weekday = 0] = text.slice(1).split('.').map(Number);
  return (year) => {
    const first = Date.UTC(year, month - 1, 1);
    const days = (Date.UTC(year, month, 1) - first) / dayMs;
    let day = ((weekday - new Date(first).getUTCDay() + 7) % 7) + (week - 1) * 7;
    while (day >= days) day -= 7;
    return first + day * dayMs + atMs - Date.UTC(year, 0, 1);
  };
}

function isLeap(year: number): boolean {
  return new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
}

/** Returns the beginning and the end of summer time in a year. */
function changesIn({ standardMs, summer }: PosixZone, year: number): readonly [number, number] | readonly [] {
  if (summer === null) return [];
  const first = Date.UTC(year, 0, 1);
  return [first + summer.begins(year) - standardMs, first + summer.ends(year) - summer.offsetMs];
}

function offsetAt(zone: PosixZone, atMs: number): number {
  const [begins, ends] = changesIn(zone, new Date(atMs + zone.standardMs).getUTCFullYear());
  if (zone.summer === null || begins === undefined || ends === undefined) return zone.standardMs;
  const isSummer = begins < ends ? atMs >= begins && atMs < ends : atMs >= begins || atMs < ends;
  return isSummer ? zone.summer.offsetMs : zone.standardMs;
}
