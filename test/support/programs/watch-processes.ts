import { readFileSync } from 'node:fs';

export interface SeenProcess {
  /** The arguments, separated by NUL. */
  readonly command: string;
  /** `NAME=value`, separated by NUL; null for the watched process itself, whose environment the test has set. */
  readonly environment: string | null;
}

export interface ProcessWatch {
  stop(): readonly SeenProcess[];
}

const everyMs = 3;

/** Watches a process and its descendants by polling, as `ps` would. Needs root or the same user. */
export function watchProcesses(pid: number): ProcessWatch {
  const seen = new Map<string, SeenProcess>();
  const look = (at: number, parent: string | null): void => {
    const command = read(`/proc/${at}/cmdline`);
    if (command !== '') {
      // A child that has not executed its program yet is a copy of its parent.
      const environment = parent === null || command === parent ? null : read(`/proc/${at}/environ`);
      seen.set(`${at} ${command} ${environment ?? ''}`, { command, environment });
    }
    for (const child of read(`/proc/${at}/task/${at}/children`).split(' '))
      if (child !== '') look(Number(child), command);
  };
  const timer = setInterval(() => look(pid, null), everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen.values()];
    },
  };
}

/** Reads a file. Returns '' if it cannot be read, as that of an ended process. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
