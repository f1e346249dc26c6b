import type { Config } from '../../config/config.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { openMutes } from './mutes.ts';
import { windowUntil } from '../../config/recipients/windows.ts';

/** A silence in force or an open window, and the number of firing alerts that it holds back. */
export interface HeldBack {
  /** The id of the silence; null for a window of config.xml. */
  readonly silence: number | null;
  readonly untilMs: number;
  readonly alerts: number;
}

interface HeldBackOptions {
  readonly config: Config;
  readonly storage: Pick<Storage, 'operator' | 'evaluation'>;
  readonly nowMs: number;
}

/** Returns silences in force by id, then open windows by their end. Includes mutes that hold back nothing. */
export async function readHeldBack({ config, storage, nowMs }: HeldBackOptions): Promise<readonly HeldBack[]> {
  const silences = await storage.operator.silences(nowMs);
  const mutes = openMutes({ config, silences });
  const firing = (await storage.evaluation.openAlerts(null)).filter(({ state }) => state === 'firing');
  const reasons = firing.flatMap((alert) => mutes.reasonsAt(alert, nowMs));
  const inForce = silences.filter(({ startsAtMs }) => startsAtMs <= nowMs);
  const all: readonly HeldBack[] = [
    ...inForce.map(({ id, endsAtMs }) => ({ silence: id, untilMs: endsAtMs, alerts: 0 })),
    ...openWindows(config, nowMs).map((untilMs) => ({ silence: null, untilMs, alerts: 0 })),
    ...reasons.map((one) => ({ silence: one.kind === 'silence' ? one.id : null, untilMs: one.untilMs, alerts: 1 })),
  ];
  const held = new Map<string, HeldBack>();
  for (const one of all) {
    const key = `${one.silence ?? 'window'} ${one.untilMs}`;
    held.set(key, { ...one, alerts: one.alerts + (held.get(key)?.alerts ?? 0) });
  }
  const rank = ({ silence }: HeldBack): number => silence ?? Infinity;
  return [...held.values()].sort((one, other) => rank(one) - rank(other) || one.untilMs - other.untilMs);
}

/** Returns the ends of the windows that are open. */
function openWindows({ clients, alerts }: Config, nowMs: number): readonly number[] {
  // Clients share their lists of windows.
  const lists = new Set([alerts.windows, ...clients.map(({ windows }) => windows)]);
  const windows = new Set([...lists].flat());
  return [...windows].flatMap((window) => windowUntil(window, nowMs, alerts.zone) ?? []);
}
