/**
 * Finds systemd timers whose work no longer starts, in the answer of the call that `services` makes. Most often a unit
 * has not ended since its start: its timer then has no next elapse, and never fires again.
 */
import type { BuiltInCheck } from './collected.ts';
import type { Source } from './source.ts';

/** The properties by which a timer is evaluated. Timestamps are of CLOCK_MONOTONIC, which needs no time zone. */
export const timerProperties = [
  'SubState',
  'ActiveEnterTimestampMonotonic',
  'LastTriggerUSecMonotonic',
  'TimersMonotonic',
  'TimersCalendar',
  'RandomizedDelayUSec',
  'AccuracyUSec',
];
const maxTimers = 50;
const folders = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const [hour, day] = [3600, 86_400];
/**
 * The least period that is used: for a shorter one, work that now and then takes longer than its period is no fault.
 */
const minPeriod = hour / 2;
/** The units of systemd.time(7). */
const secondsOf: Readonly<Record<string, number>> = {
  y: 31_557_600,
  month: 2_629_800,
  w: 7 * day,
  d: day,
  h: hour,
  min: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
};

/** Returns the names of the enabled timers, at most 50. */
export function enabledTimers(source: Source): string[] {
  const names = folders.flatMap((folder) => source.list(`${folder}/timers.target.wants`));
  return [...new Set(names.filter((name) => name.endsWith('.timer')))].sort().slice(0, maxTimers);
}

/**
 * Returns a WARNING for a timer of `systemctl show` that is active and whose last trigger is older than two periods, or
 * that has not triggered for so long since it was started, of calendars at the boot at the latest.
 * `nowS` is CLOCK_MONOTONIC, which stops while the machine sleeps.
 */
export function lateTimer(block: string, nowS: number): BuiltInCheck[] {
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(block)?.[1] ?? '';
  const last = secondsIn(value('LastTriggerUSecMonotonic'));
  const periods = [...block.matchAll(/^Timers(?:Monotonic|Calendar)=\{ On(UnitActiveUSec|Calendar)=(.*?) ;/gm)].map(
    ([, kind, text = '']) => (kind === 'Calendar' ? longestPeriod(text) : secondsIn(text)),
  );
  const period = Math.max(minPeriod, Math.min(...periods));
  const allowed = 2 * period + secondsIn(value('RandomizedDelayUSec')) + secondsIn(value('AccuracyUSec'));
  // A timer that was started later than it fired, as after an update, is measured from its start.
  const since = Math.max(last, Number(value('ActiveEnterTimestampMonotonic')) / 1e6);
  // The period of a unit that was never started has not begun.
  const isCounted = last > 0 || /^TimersCalendar=\{/m.test(block);
  if (!isCounted || value('ActiveState') !== 'active' || !(nowS - since > allowed)) return [];
  const age = Math.floor(nowS - (last > 0 ? last : since));
  const words = `${last > 0 ? 'last triggered' : 'not triggered since its start'} ${inWords(age)} ago, period ${inWords(period)} at most`;
  return [
    {
      name: `timer:${value('Id').slice(0, -'.timer'.length)}`,
      state: 1,
      text: value('SubState') === 'running' ? `${words}; its unit has not ended` : words,
      perfdata: `age=${age}s;${Math.floor(allowed)}`,
    },
  ];
}

/** Reads a time span of systemd, such as `1d 2h 3min 4.5s`. */
function secondsIn(span: string): number {
  return [...span.matchAll(/(?<![\d.])([\d.]+)([a-z]+)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (secondsOf[unit] ?? NaN),
    0,
  );
}

/**
 * Returns the longest time between two elapses of a normalised calendar expression, in steps of an hour, a day, a week,
 * a month and a year; Infinity if it names years, or days of a year that some years lack: a weekday, 29 February.
 */
function longestPeriod(expression: string): number {
  const [, weekday, year, month, date, time] = /^([A-Z]\S* )?([^-]+)-([^-~]+)[-~](\S+) (\S+?):/.exec(expression) ?? [];
  if (year !== '*' || (month !== '*' && date !== '*' && (weekday !== undefined || /29|30|31/.test(date ?? ''))))
    return Infinity;
  if (month !== '*' || (date !== '*' && weekday !== undefined)) return 366 * day;
  if (date !== '*') return 31 * day;
  return weekday !== undefined ? 7 * day : time === '*' ? hour : day;
}

function inWords(seconds: number): string {
  return seconds < 2 * hour
    ? `${Math.floor(seconds / 60)} min`
    : seconds < 2 * day
      ? `${Math.floor(seconds / hour)} h`
      : `${Math.floor(seconds / day)} d`;
}
