import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { fleetAlert, type FleetFacts } from './fleet-facts.ts';
import { counted } from '../../text/numbers.ts';

/**
 * Begins an alert if sealed reports have waited in the database for as long as the rule says: one for reports that no
 * `ingest` has looked at, and one for each key that no `ingest` has, with the key's id for its subject. It ends once
 * the oldest waiting report is younger, or none waits.
 */
export function evaluateIngest(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, nowMs, mayMiss, alerts } = facts;
  const allowedMs = rule.forMs ?? (rule.forCount ?? 3) * config.collector.everyMs;
  const waiting = bySubject(facts.sealed ?? []);
  const open = alerts.filter((alert) => alert.client === '' && alert.rule === rule.name);
  const subjects = new Set([...open.map(({ subject }) => subject), ...waiting.keys()]);
  return [...subjects].flatMap((subject): readonly Alert[] => {
    const known = facts.open('', rule.name, subject);
    const found = waiting.get(subject) ?? null;
    if (found === null || nowMs - found.sinceMs < allowedMs) {
      return known === null ? [] : [closeAlert(known, 'recovered', { atMs: nowMs, runId: null })];
    }
    if (known !== null || !mayMiss) return [];
    return [
      fleetAlert(rule, {
        subject,
        valueText: describe(subject, found, nowMs),
        limitText: `none for ${formatValue('seconds', allowedMs / 1000)}`,
        firstEvidence: `${subject}@${found.sinceMs}`,
        pendingSinceMs: found.sinceMs,
        firingSinceMs: nowMs,
      }),
    ];
  });
}

type Waiting = Pick<SealedSummary, 'reports' | 'clients' | 'sinceMs'>;

/** Returns waiting reports by key; those that no `ingest` has seen are under ''. */
function bySubject(sealed: readonly SealedSummary[]): ReadonlyMap<string, Waiting> {
  const found = new Map<string, Waiting>();
  for (const { keyId, code, reports, clients, sinceMs } of sealed) {
    const subject = code === null ? '' : keyId;
    const before = found.get(subject);
    found.set(subject, {
      reports: reports + (before?.reports ?? 0),
      // The same clients may wait for two keys.
      clients: Math.max(clients, before?.clients ?? 0),
      sinceMs: Math.min(sinceMs, before?.sinceMs ?? Infinity),
    });
  }
  return found;
}

function describe(subject: string, { reports, clients, sinceMs }: Waiting, nowMs: number): string {
  const what = `${counted(reports, 'report')} of ${counted(clients, 'client')}`;
  const age = formatValue('seconds', (nowMs - sinceMs) / 1000);
  return subject === ''
    ? `not opened by any ingest: ${what}, the oldest for ${age}`
    : `sealed to key ${subject}, which no ingest has: ${what}, the oldest for ${age}`;
}
