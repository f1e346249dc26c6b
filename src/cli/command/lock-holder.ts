import type { LogFields } from '../../platform/errors/log.ts';
import { describeDuration } from '../../text/durations.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** The process that holds a lock. */
interface Holder {
  readonly pid: number;
  /** Absent if the process can only run on this machine. */
  readonly host?: string;
  /** null: unknown. */
  readonly startedAtMs: number | null;
}

/** Describes why a command ends: another process runs the same command. `holder` is null if unreadable. */
export function overlappedText(command: string, holder: Holder | null, nowMs: number): string {
  if (holder === null) return `Another ${command} is running already.`;
  const { pid, host, startedAtMs } = holder;
  const where = host === undefined ? '' : ` on ${host}`;
  const since = startedAtMs === null ? '' : `, since ${describeDuration(nowMs - startedAtMs)}`;
  return `Another ${command} is running already (process ${pid}${where}${since}).`;
}

/** Returns the fields of the log line about an overlapping run. */
export function overlappedFields(run: string, holder: Holder | null): LogFields {
  return {
    run,
    holder_pid: holder?.pid ?? null,
    holder_host: holder?.host,
    holder_since: jsonTime(holder?.startedAtMs ?? null),
  };
}

/** Returns the holder of a lock as JSON. */
export function holderJson(holder: Holder | null): object | null {
  return holder && jsonFields({ pid: holder.pid, host: holder.host, sinceMs: holder.startedAtMs });
}
