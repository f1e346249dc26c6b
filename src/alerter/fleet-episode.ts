import type { Rule } from '../config/config.ts';
import type { Episode } from '../storage/episode.ts';

export interface FleetEpisode {
  readonly rule: Rule;
  readonly client: string;
  readonly subject: string;
  readonly valueText: string;
  readonly limitText: string;
  readonly evidence: string;
  readonly runId: string | null;
  readonly sinceMs: number;
  /** null: it is pending. */
  readonly firingSinceMs: number | null;
}

/** The beginning of an alert that follows from no row. */
export function beginFleetEpisode(begun: FleetEpisode): Episode {
  const { rule, client, subject, valueText, limitText, evidence, runId, sinceMs, firingSinceMs } = begun;
  return {
    client,
    rule: rule.name,
    subject,
    id: null,
    severity: rule.severity,
    state: firingSinceMs === null ? 'pending' : 'firing',
    value: null,
    valueText,
    limitText,
    pendingSinceMs: sinceMs,
    firingSinceMs,
    resolvedAtMs: null,
    closedReason: null,
    firstEvidence: evidence,
    changedByRun: runId,
    sequence: firingSinceMs === null ? 0 : 1,
    flapping: false,
    settled: false,
    past: false,
    acknowledgedBy: null,
    acknowledgedUntilMs: null,
    acknowledgedSeverity: null,
    progress: { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: sinceMs },
  };
}
