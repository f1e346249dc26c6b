import type { GroupState } from '../../alerter/inhibit/group-states.ts';
import type { SharedSite } from '../../storage/read-shares.ts';
import type { FleetStatus } from '../../look/data/fleet-status.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { heldBackJson } from '../command/alert-words.ts';
import { memberJson } from '../command/member-words.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { canaryJson, lossJson, repliesJson, sealedJson } from './sealed-words.ts';

/** Returns the document of `status`. docs/json.md describes the fields. */
export function statusJson(status: FleetStatus, nowMs: number): object {
  const { members, unlisted, lastRun, forwarded, lastPass, lastIngest, alerting, sealed, loss, shares } = status;
  const { firing, critical, ofFleet, undelivered, held } = alerting;
  return {
    command: 'status',
    at: jsonTime(nowMs),
    last_run: collectJson(lastRun),
    ...(forwarded.size === 0 ? {} : { forwarding_sites: [...forwarded].map(forwarderJson) }),
    last_pass: runJson(lastPass),
    last_ingest: runJson(lastIngest),
    sealed: sealedJson(sealed),
    loss: lossJson(loss),
    mail_path: canaryJson(status.canary),
    replies_unread: repliesJson(status.repliesUnread),
    ...(shares.length === 0 ? {} : { sites: shares.map(siteJson) }),
    alerts: { firing, critical, fleet: ofFleet },
    groups: status.groups.map(groupJson),
    undelivered: jsonFields(undelivered),
    silences: held.filter(({ silence }) => silence !== null).length,
    held_back: heldBackJson(held),
    unlisted: unlisted.length,
    unlisted_clients: unlisted.map(({ client, lastVisitAtMs, namesake }) => ({
      client,
      last_visit_at: jsonTime(lastVisitAtMs),
      same_address: namesake,
    })),
    clients: members.map(memberJson),
  };
}

function collectJson(run: RunFact | null): object | null {
  return runJson(run, ({ clients, succeeded, failed }) => ({ clients, succeeded, failed }));
}

/** Returns who serves in a group that needs some of its members. */
export function groupJson({ group, lost, unknown, serving, state }: GroupState): object {
  const { need, members, needed } = group;
  const away = [...new Set(lost.map(({ client }) => client))];
  return { group: need.name, members: members.length, needed, serving, state, lost: away, unknown };
}

function forwarderJson([site, run]: readonly [string, RunFact | null]): object {
  return { site, last_run: collectJson(run) };
}

function siteJson({ site, slices, visited, cycle, beganAtMs, newest, configs, collectors }: SharedSite): object {
  const shares = collectors.map(({ id: collector, host, slices: own, seenAtMs, isGone: gone }) =>
    jsonFields({ collector, host, slices: own, seenAtMs, gone }),
  );
  const { clients = 0, succeeded = 0, failed = 0, skipped = 0 } = newest ?? {};
  return {
    ...jsonFields({ site, slices, visited, cycle, beganAtMs }),
    ...{ clients, succeeded, failed, skipped, configs, collectors: shares },
  };
}

function runJson(run: RunFact | null, counts: (run: RunFact) => object = () => ({})): object | null {
  if (run === null) return null;
  const { id: runId, outcome, startedAtMs, finishedAtMs } = run;
  return { ...jsonFields({ runId, outcome, startedAtMs, finishedAtMs }), ...counts(run) };
}
