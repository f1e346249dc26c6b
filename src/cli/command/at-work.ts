import type { LockHolder } from '../../state/lock.ts';

/** That a command ends because another one of its kind runs on this machine; `holder` is null when that cannot be read. */
export function atWork(command: string, holder: LockHolder | null): string {
  const by = holder === null ? '' : ` (process ${holder.pid})`;
  return `Another ${command} is at work${by}.`;
}
