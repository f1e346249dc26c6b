import { readFileSync } from 'node:fs';

export interface SeenProcess {
  /** Arguments, separated by NUL. */
  readonly command: string;
  /** `NAME=value`, separated by NUL; null for the process itself, which was given its environment by somebody else. */
  readonly environment: string | null;
}

export interface ProcessWatch {
  stop(): readonly SeenProcess[];
}

const everyMs = 3;

/** Looks at a process and all that it starts, again and again, as `ps` would. Needs root or the same user. */
export function watchProcesses(pid: number): ProcessWatch {
  const seen = new Map<string, SeenProcess>();
  const look = (at: number, parent: string | null): void => {
    const command = read(`/proc/${at}/cmdline`);
    if (command !== '') {
      // A child that has not become its program yet is a copy of its parent.
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

/** Empty for what has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
