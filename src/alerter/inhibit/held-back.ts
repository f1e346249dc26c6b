import type { Config } from '../../config/config.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import { openMutes } from './mutes.ts';
import { windowUntil } from './windows.ts';

/** A silence in force or a window that is open, and how many firing alerts it holds back. */
export interface HeldBack {
  /** The id of the silence; null for a window of config.xml. */
  readonly silence: number | null;
  readonly untilMs: number;
  readonly alerts: number;
}

interface HeldBackOptions {
  readonly config: Config;
  readonly store: Pick<AlertStore, 'silences' | 'openAlerts'>;
  readonly nowMs: number;
}

/** Returns silences in force by id, then open windows by their end. Includes those that hold back nothing. */
export async function readHeldBack({ config, store, nowMs }: HeldBackOptions): Promise<readonly HeldBack[]> {
  const held = new Map<string, { silence: number | null; untilMs: number; alerts: number }>();
  const add = (silence: number | null, untilMs: number, alerts: number): void => {
    const key = `${silence ?? 'window'} ${untilMs}`;
    const known = held.get(key) ?? { silence, untilMs, alerts: 0 };
    held.set(key, { ...known, alerts: known.alerts + alerts });
  };
  const silences = await store.silences(nowMs);
  for (const { id, startsAtMs, endsAtMs } of silences) {
    if (startsAtMs <= nowMs) add(id, endsAtMs, 0);
  }
  for (const untilMs of openWindows(config, nowMs)) add(null, untilMs, 0);
  const mutes = openMutes({ config, silences });
  for (const alert of await store.openAlerts(null)) {
    if (alert.state !== 'firing') continue;
    for (const reason of mutes.reasonsAt(alert, nowMs)) {
      if (reason.kind === 'silence') add(reason.id, reason.untilMs, 1);
      if (reason.kind === 'window') add(null, reason.untilMs, 1);
    }
  }
  const rank = ({ silence }: HeldBack): number => silence ?? Infinity;
  return [...held.values()].sort((one, other) => rank(one) - rank(other) || one.untilMs - other.untilMs);
}

/** Returns the ends of the windows that are open. */
function openWindows({ clients, alerts }: Config, nowMs: number): readonly number[] {
  // Clients share their lists.
  const lists = new Set([alerts.windows, ...clients.map(({ windows }) => windows)]);
  const windows = new Set([...lists].flat());
  return [...windows].flatMap((window) => windowUntil(window, nowMs, alerts.zone) ?? []);
}
