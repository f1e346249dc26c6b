import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

import { asFleetError } from '../platform/errors/errors.ts';

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LogFile {
  readonly write: (line: string) => void;
  /** Opens the file again after logrotate has renamed it. Continues with the open file if that fails. */
  readonly reopen: () => void;
}

/** Returns the log file of a mode. */
export function logFileOf(directory: string, mode: string): string {
  return path.join(directory, `fleet-health-agent-${mode}.log`);
}

/** Opens a log file of mode 0640. Throws FleetError `state-unusable` if it cannot be opened. */
export function openLogFile(file: string): LogFile {
  const open = (): number => {
    const handle = openSync(file, flags, 0o640);
    try {
      // Whatever the umask, the group may read the file.
      fchmodSync(handle, 0o640);
    } catch {
      // A file of another account keeps its mode.
    }
    return handle;
  };
  let handle: number;
  try {
    handle = open();
  } catch (thrown) {
    const advice = 'Make the folder of "log_directory" in agent.json writable for this account.';
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'run', advice });
  }
  return {
    write: (line) => {
      try {
        writeSync(handle, `${line}\n`);
      } catch {
        // A full disk does not end a mode.
      }
    },
    reopen: () => {
      try {
        const next = open();
        closeSync(handle);
        handle = next;
      } catch {
        // The earlier file is still open.
      }
    },
  };
}
