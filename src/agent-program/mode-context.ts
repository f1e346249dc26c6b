import { writePrivateFile } from '../../agent/start/private-file.ts';
import type { AgentLog } from './agent-program.ts';
import type { AgentSettings } from './settings.ts';

/** The environment of a mode that keeps running. */
export interface ModeContext {
  readonly settings: AgentSettings;
  /** The state folder. */
  readonly place: string;
  readonly log: AgentLog;
  /** Aborted at the end, and when the settings are read again: then the mode runs anew with them. */
  readonly signal: AbortSignal;
  /** True for `--send`: alerts leave this machine whatever agent.json contains. */
  readonly send: boolean;
  /** The value of `--every`: the time between two pushes; null for the value of agent.json. */
  readonly everyMs: number | null;
  /** The server of pattoo from the command line; null for that of agent.json. */
  readonly to: URL | null;
  /** Called once the mode works: `start` waits for this call. */
  readonly ready: () => void;
  /** Stores the facts that `status` prints. */
  readonly note: (status: ModeStatus) => void;
}

/** The newest facts of a mode, for `status`. */
export interface ModeStatus {
  readonly lastReportAtMs: number | null;
  /** The number of reports that wait to be sent; null for a mode that sends no reports. */
  readonly queue: number | null;
}

/** Returns the name of the file that holds the newest ModeStatus of a mode. */
export function statusFile(mode: string): string {
  return `${mode}-status.json`;
}

/** Returns a function that stores the status of a mode. Ignores a disk that cannot store it. */
export function statusKeeper(place: string, mode: string): (status: ModeStatus) => void {
  return (status) => {
    try {
      writePrivateFile(place, statusFile(mode), Buffer.from(JSON.stringify(status)), false);
    } catch {
      // The disk is full: `status` prints older facts.
    }
  };
}
