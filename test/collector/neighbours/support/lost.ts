import type { Client, Rule } from '../../../../src/config/config.ts';
import type { VisitRecord } from '../../../../src/storage/store/storage.ts';
import { makeClient } from '../../../support/fleets/fleet.ts';

/** Returns the rule `unreachable`, critical at the second failure unless `more` says otherwise. */
export function unreachableRule(more: Partial<Rule> = {}): Rule {
  return { name: 'unreachable', severity: 'critical', forCount: 2, forMs: null, ...more } as Rule;
}

/** Returns a client that is asked about others, and they about it. */
export function neighbour(name: string, more: Partial<Client> = {}): Client {
  return makeClient(name, { neighbours: true, rules: [unreachableRule()], ...more });
}

/** Returns a failed visit. */
export function failed(code: string, stage = 'connect', message = 'no answer'): VisitRecord {
  return { ok: false, code, stage, message } as VisitRecord;
}
