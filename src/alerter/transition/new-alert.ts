import type { Alert } from '../../storage/store/alert.ts';

/** What every alert begins with: not stored, nobody was told, nobody has acknowledged it, one row holds. */
export function newAlert(
  sinceMs: number,
): Pick<
  Alert,
  | 'id'
  | 'value'
  | 'limitText'
  | 'pendingSinceMs'
  | 'firingSinceMs'
  | 'resolvedAtMs'
  | 'closedReason'
  | 'sequence'
  | 'flapping'
  | 'closedOut'
  | 'past'
  | 'acknowledgedBy'
  | 'acknowledgedUntilMs'
  | 'acknowledgedSeverity'
  | 'progress'
> {
  return {
    id: null,
    value: null,
    limitText: '',
    pendingSinceMs: sinceMs,
    firingSinceMs: null,
    resolvedAtMs: null,
    closedReason: null,
    sequence: 0,
    flapping: false,
    closedOut: false,
    past: false,
    acknowledgedBy: null,
    acknowledgedUntilMs: null,
    acknowledgedSeverity: null,
    progress: { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: sinceMs },
  };
}
