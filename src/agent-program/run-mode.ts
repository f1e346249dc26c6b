import { messageOf } from '../platform/errors/errors.ts';
import { secondMs } from '../platform/units.ts';
import { holdLock } from '../state-folder/lock.ts';
import type { AgentLog } from './agent-program.ts';
import { lockFile } from './control.ts';
import { type ModeContext, statusKeeper } from './mode-context.ts';
import { modeNamed } from './modes.ts';
import { readSettings, type AgentSettings } from './settings.ts';
import { openStatePlace } from './state-place.ts';

export interface RunModeOptions extends Pick<ModeContext, 'send' | 'everyMs' | 'to'> {
  readonly mode: string;
  readonly configFile: string | null;
  /** Aborted by SIGTERM. */
  readonly signal: AbortSignal;
  readonly log: AgentLog & { readonly reopen: () => void };
  /** Called once the mode runs. */
  readonly onReady: () => void;
}

/** The time from SIGTERM to the forced end. */
const endWithinMs = 4.5 * secondMs;

/**
 * Runs a mode until the signal aborts. SIGHUP reopens the log, reads the settings and runs the mode with them. Settings
 * that are faulty or with which the mode does not start are logged, and the earlier settings stay in use. Throws
 * FleetError `locked` if the mode is already running.
 */
export async function runMode(options: RunModeOptions): Promise<void> {
  const { mode, configFile, signal, send, everyMs, to, log, onReady } = options;
  const run = modeNamed(mode);
  let settings = readSettings(configFile);
  const place = openStatePlace(settings.stateDirectory);
  const release = await lockMode(place, mode);
  let again = new AbortController();
  /** The settings before the last SIGHUP, until the mode runs with the new ones. */
  const before: { settings: AgentSettings | null } = { settings: null };
  const reload = (): void => {
    log.reopen();
    try {
      const found = readSettings(configFile);
      before.settings ??= settings;
      settings = found;
      log.event('settings-read', { mode });
    } catch (thrown) {
      log.problem('settings-refused', { mode, reason: messageOf(thrown) });
    }
    again.abort();
  };
  const endByForce = (): void => {
    setTimeout(() => {
      log.problem('ended-by-force', { mode });
      process.exit(0);
    }, endWithinMs).unref();
  };
  process.on('SIGHUP', reload);
  signal.addEventListener('abort', endByForce, { once: true });
  try {
    log.event('started', { mode, pid: process.pid });
    while (!signal.aborted) {
      again = new AbortController();
      const note = statusKeeper(place, mode);
      const ready = (): void => {
        before.settings = null;
        onReady();
      };
      try {
        const ended = AbortSignal.any([signal, again.signal]);
        await run({ settings, place, log, note, send, everyMs, to, ready, signal: ended });
      } catch (thrown) {
        if (before.settings === null) throw thrown;
        log.problem('settings-refused', { mode, reason: messageOf(thrown) });
        settings = before.settings;
        before.settings = null;
      }
    }
    log.event('stopped', { mode });
  } finally {
    process.off('SIGHUP', reload);
    release();
  }
}

/** Takes the lock of a mode. Waits, because `status` holds the lock for a moment. */
async function lockMode(place: string, mode: string): Promise<() => void> {
  return await holdLock({
    file: lockFile(place, mode),
    message: (holder) => `${mode} is running already${holder === null ? '' : ` (pid ${holder.pid})`}`,
    advice: `End it first: fleet-health-agent stop ${mode}`,
    waitMs: secondMs,
  });
}
