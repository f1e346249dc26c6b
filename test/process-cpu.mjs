/** The CPU that processes have used, from Linux' /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

const msPerTick = 10;

/**
 * Returns the CPU in ms of a process and of its children that have ended and were waited for; `null` if it is gone.
 */
export function cpuOf(pid) {
  const fields = statOf(pid);
  if (fields === null) return null;
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) * msPerTick);
  return { allMs: user + system + endedUser + endedSystem, endedMs: endedUser + endedSystem };
}

/** Returns the ids of the processes that a process and its children have started and that still run. */
export function descendantsOf(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), Number(statOf(name)?.[1] ?? 0)]);
  const found = [];
  const open = [pid];
  while (open.length > 0) {
    const parent = open.pop();
    for (const [id, of] of parents) if (of === parent) open.push(id) && found.push(id);
  }
  return found;
}

/** Returns the fields of /proc/PID/stat from the state on; the name before them may contain anything. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
