/** agent/start: its start, pinning and end. */
import { readFileSync } from 'node:fs';

/** Returns whole milliseconds since boot. Includes the time that a machine slept if the system counts it. */
export function monotonicMs(): number {
  try {
    // /proc/uptime is CLOCK_BOOTTIME; CLOCK_MONOTONIC stops while a machine is suspended.
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
    if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  } catch {
    // The system is not Linux.
  }
  return Math.round(Number(process.hrtime.bigint() / 1_000_000n));
}

/** Returns the boot id, or null on systems without one. */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/**
 * Returns a time as ISO 8601 in UTC with milliseconds. toISOString returns the same text, but first has ICU look for
 * the time zone, which takes half a millisecond and a megabyte.
 */
export function utcText(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getUTCFullYear()}-${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`;
  const second = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
  return `${day}T${second}.${String(time.getUTCMilliseconds()).padStart(3, '0')}Z`;
}
