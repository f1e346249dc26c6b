import { writePrivateFile } from '../../agent/start/private-file.ts';
import type { AgentLog } from './agent-program.ts';
import type { AgentSettings } from './settings.ts';

/** The surroundings of a mode that stays. */
export interface ModeContext {
  readonly settings: AgentSettings;
  /** The state folder. */
  readonly place: string;
  readonly log: AgentLog;
  /** Aborted at the end, and when the settings are read again: the mode runs anew with them. */
  readonly signal: AbortSignal;
  /** `--send`: alerts leave this machine whatever agent.json says. */
  readonly send: boolean;
  /** `push --every`: the time between two pushes; null: as agent.json says. */
  readonly everyMs: number | null;
  /** Called once the mode is at work: `start` waits for it. */
  readonly ready: () => void;
  /** Keeps what `status` prints. */
  readonly note: (status: ModeStatus) => void;
}

/** The newest facts of a mode, for `status`. */
export interface ModeStatus {
  readonly lastReportAtMs: number | null;
  /** The number of reports that wait to be sent; null for a mode that sends none. */
  readonly queue: number | null;
}

/** Returns the name of the file that holds the newest ModeStatus of a mode. */
export function statusFile(mode: string): string {
  return `${mode}-status.json`;
}

/** Returns a function that keeps the status of a mode. A disk that does not take it changes nothing else. */
export function statusKeeper(place: string, mode: string): (status: ModeStatus) => void {
  return (status) => {
    try {
      writePrivateFile(place, statusFile(mode), Buffer.from(JSON.stringify(status)), false);
    } catch {
      // The disk is full: `status` prints older facts.
    }
  };
}
