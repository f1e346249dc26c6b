import type { NotifyConfig, Rule } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { maxChecks } from '../../report/checks.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import { checkGroups, checkIdle } from '../rules/check-idle.ts';
import { alertName } from '../rules/merge-alert.ts';
import { maxRequestOptionBytes } from './probe-options.ts';
import type { ReadClient } from './read-clients.ts';
import { type Audience, notifyChooser } from '../recipients/read-recipients.ts';
import { hearersOf, listenersOf, worstSeverity } from '../recipients/listeners.ts';

export interface CheckClientsOptions {
  readonly clients: readonly ReadClient[];
  readonly notify: readonly NotifyConfig[];
  /** True if an Alertmanager gets every alert, so that every rule reaches somebody. */
  readonly postsAll: boolean;
  readonly placeOf: (rule: Rule) => Place | null;
  readonly findings: Findings;
  /** The place of the file as a whole, for findings that concern many clients. */
  readonly whole: Place;
}

/**
 * Reports faults that only all clients together show: written rules that reach nobody, and options that do not fit.
 */
export function checkClients(options: CheckClientsOptions): void {
  const { findings, whole } = options;
  const watched = options.clients.filter(({ client }) => client.state !== 'retired');
  if (!options.postsAll) checkReach(watched, options);
  checkRequests(watched, findings);
  const clients = watched.map(({ client }) => client);
  for (const { command, selects } of options.notify) {
    if (selects === null || clients.some(selects)) continue;
    findings.warn(whole, `<notify command="${command}"> selects no client; see its clients and labels`);
  }
  checkIdle(clients, options.placeOf, findings);
  checkGroups(clients, options.placeOf, findings);
}

/** Reports each <alert> that would reach nobody. Reports an inherited one once. */
function checkReach(clients: readonly ReadClient[], { notify, placeOf, findings }: CheckClientsOptions): void {
  const unheardBy = remembered((audience: Audience) =>
    remembered((rules: readonly Rule[]) =>
      remembered((programs: readonly NotifyConfig[]) => unheardRules(rules, audience, programs)),
    ),
  );
  const notifyOf = notifyChooser(notify);
  const deaf = clients.flatMap((read) =>
    unheardBy(read.audience)(read.client.rules)(notifyOf(read.client)).map((rule) => ({
      read,
      rule,
      place: ownAlert(read, rule) ?? placeOf(rule) ?? read,
    })),
  );
  const byAlert = groupBy(deaf, ({ place, rule }) => `${place.source.order}:${place.line ?? 0}:${rule.name}`);
  for (const [first, ...others] of byAlert.values()) {
    if (first === undefined) continue;
    const { place, rule, read } = first;
    const remedy =
      rule.mail === null
        ? 'write mail="..." or <mail to="..."/> there or further out'
        : 'to remove it write enabled="no"';
    const whom = list([read, ...others.map((other) => other.read)]);
    findings.fault(place, `<alert> "${rule.name}" would reach nobody for ${whom}; ${remedy}`);
  }
}

function unheardRules(rules: readonly Rule[], audience: Audience, notify: readonly NotifyConfig[]): readonly Rule[] {
  return rules.filter(
    (rule) =>
      rule.origin === 'file' &&
      !(audience.muted && rule.mail === null) &&
      hearersOf(listenersOf({ rule, ...audience, notify, smtp: null }), worstSeverity(rule)).length === 0,
  );
}

/**
 * Returns the client's own <alert> of a rule, or null. Clients share equal rules, so the rule may name the element of
 * another client.
 */
function ownAlert({ element }: ReadClient, rule: Rule): Place | null {
  return element.children.find((child) => child.name === 'alert' && alertName(child.attributes) === rule.name) ?? null;
}

/** Reports clients with too many checks, and clients whose request does not fit into a command line. */
function checkRequests(clients: readonly ReadClient[], findings: Findings): void {
  for (const [checks, reads] of groupBy(clients, ({ client }) => client.checks)) {
    const [first] = reads;
    if (first === undefined) continue;
    if (checks.length > maxChecks) {
      const problem = `are more than ${maxChecks}; write fewer, or one script that runs several`;
      findings.fault(first, `the ${checks.length} checks for ${list(reads)} ${problem}`);
      continue;
    }
    const checkBytes = checks.length === 0 ? 0 : bytesOf(checks.map(({ requested }) => requested));
    for (const [probeOptions, alike] of groupBy(reads, ({ client }) => client.probeOptions)) {
      const takenBytes = checkBytes + bytesOf(probeOptions);
      const [place] = alike;
      if (place === undefined || takenBytes <= maxRequestOptionBytes) continue;
      findings.fault(place, tooLarge(list(alike), takenBytes, checkBytes));
    }
  }
}

function tooLarge(whom: string, takenBytes: number, checkBytes: number): string {
  const what = 'units, processes and mounts that rules name';
  const limit = `do not fit into one visit (${takenBytes} bytes, ${maxRequestOptionBytes} are the most)`;
  if (checkBytes === 0) return `the ${what} for ${whom} ${limit}; name fewer`;
  const remedy = 'write shorter commands, or put some into a conf file of the client (docs/checks.md)';
  return `the checks (${checkBytes} bytes) and the ${what} for ${whom} ${limit}; ${remedy}`;
}

function bytesOf(part: unknown): number {
  return Buffer.byteLength(JSON.stringify(part));
}

/** Formats clients as `web-1`, `web-1 and web-2`, or `web-1 and 79 others`. */
function list(clients: readonly ReadClient[]): string {
  const [first, second] = clients;
  const names = [first?.name ?? '', second?.name ?? ''];
  if (clients.length <= 2) return names.filter((name) => name !== '').join(' and ');
  return `${names[0] ?? ''} and ${clients.length - 1} others`;
}
