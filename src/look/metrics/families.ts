import type { FamilyGroup } from '../../config/config.ts';
import { type FamilyBase, type FigureFamily, figures, type Labels } from './figures.ts';
import { dayMs } from '../../platform/units.ts';
import type { CollectorShare, SiteShare } from '../../storage/store/share-store.ts';
import type { FleetFacts } from './fleet-facts.ts';
import { checkValues, seriesValues, type ValueFamily } from './series-families.ts';

/** The prefix of every name. */
export const prefix = 'fleet_health_';

/** A value with its labels. Client names, mounts and the like are as reported. */
export interface MetricSample {
  readonly labels: Labels;
  readonly value: number;
}

/** A family that is never dropped. Its samples are computed from facts about the fleet. */
interface FactFamily extends FamilyBase {
  readonly kind: 'fact';
  readonly samples: (facts: FleetFacts) => readonly MetricSample[];
}

export type Family = FactFamily | FigureFamily | ValueFamily;

function fact(
  group: FamilyGroup,
  family: Omit<FactFamily, 'kind' | 'group' | 'type'> & { readonly type?: 'info' },
): FactFamily {
  return { kind: 'fact', group, type: 'gauge', ...family };
}

/** Every family, most needed first. If there are too many series, figures are dropped from the end. */
export const families: readonly Family[] = [
  fact('client', {
    name: 'client_info',
    type: 'info',
    unit: null,
    help:
      'A client of config.xml that is not retired; group has the names of its groups, outermost first, ' +
      'label_NAME each of its labels.',
    labels: ['client', 'address', 'group', 'hostname', 'os'],
    samples: ({ clients }) =>
      clients.map(({ client, address, group, hostname, os, labels }) => ({
        labels: { client, address, group, hostname, os, ...prefixed(labels) },
        value: 1,
      })),
  }),
  fact('client', {
    name: 'client_up',
    unit: null,
    help: '1 if the newest visit of an active client succeeded and its newest report is not late.',
    labels: ['client'],
    samples: ({ clients }) =>
      clients
        .filter(({ isActive }) => isActive)
        .map(({ client, isUp }) => ({ labels: { client }, value: isUp ? 1 : 0 })),
  }),
  fact('client', {
    name: 'client_report_timestamp_seconds',
    unit: 'seconds',
    help: "When a client's newest report was true.",
    labels: ['client'],
    samples: ({ clients }) =>
      clients.flatMap(({ client, lastReportAtMs }) =>
        lastReportAtMs === null ? [] : [{ labels: { client }, value: lastReportAtMs / 1000 }],
      ),
  }),
  fact('alerts', {
    name: 'alert_firing',
    unit: null,
    help:
      '1 for each alert that fires; client is empty for those of the fleet or a group as a whole. eased has the ' +
      'group that has enough without the client.',
    labels: ['client', 'rule', 'subject', 'severity'],
    samples: ({ firing }) =>
      firing.map(({ client, rule, subject, severity, eased }) => ({
        labels: { client, rule, subject, severity, ...(eased === null ? {} : { eased }) },
        value: 1,
      })),
  }),
  fact('alerts', {
    name: 'group_members',
    unit: null,
    help: 'Active members of each group that needs some of them: those that serve, are lost, or are unknown.',
    labels: ['group', 'state'],
    samples: ({ groups }) =>
      groups.flatMap(({ group: { need }, serving, lostMembers, unknown }) =>
        Object.entries({ serving, lost: lostMembers, unknown: unknown.length }).map(([state, value]) => ({
          labels: { group: need.name, state },
          value,
        })),
      ),
  }),
  fact('alerts', {
    name: 'group_members_needed',
    unit: null,
    help: 'Members that each such group needs.',
    labels: ['group'],
    samples: ({ groups }) =>
      groups.map(({ group: { need, needed } }) => ({ labels: { group: need.name }, value: needed })),
  }),
  fact('disk', {
    name: 'filesystem_full_timestamp_seconds',
    unit: 'seconds',
    help: 'When a file system will be full if it grows as it does, within 90 days; resource is space or inodes.',
    labels: ['client', 'mount', 'resource'],
    samples: ({ forecasts }) =>
      forecasts.map(({ client, mount, kind, daysLeft, asOfMs }) => ({
        labels: { client, mount, resource: kind },
        value: Math.round((asOfMs + daysLeft * dayMs) / 1000),
      })),
  }),
  fact('self', {
    name: 'run_duration_seconds',
    unit: 'seconds',
    help: 'How long the newest finished run over the whole fleet took, or the newest cycle of a shared fleet.',
    labels: ['program'],
    samples: ({ runs }) =>
      runs.map(({ program, startedAtMs, finishedAtMs }) => ({
        labels: { program },
        value: Math.max(0, finishedAtMs - startedAtMs) / 1000,
      })),
  }),
  fact('self', {
    name: 'run_last_finished_timestamp_seconds',
    unit: 'seconds',
    help: 'When the newest finished run over the whole fleet ended, or the newest cycle of a shared fleet.',
    labels: ['program'],
    samples: ({ runs }) =>
      runs.map(({ program, finishedAtMs }) => ({ labels: { program }, value: finishedAtMs / 1000 })),
  }),
  fact('self', {
    name: 'visits',
    unit: null,
    help: 'Clients of that run of collect, or of that cycle, by result.',
    labels: ['result'],
    samples: ({ runs }) =>
      runs
        .filter(({ program }) => program === 'collect')
        .flatMap((run) =>
          (['succeeded', 'failed', 'skipped'] as const).map((result) => ({ labels: { result }, value: run[result] })),
        ),
  }),
  fact('self', {
    name: 'mails_undelivered',
    unit: null,
    help: 'Mails that were tried and not taken, or refused for good; 1000 at most.',
    labels: [],
    samples: ({ undelivered }) => [{ labels: {}, value: undelivered }],
  }),
  fact('self', {
    name: 'sealed_waiting_reports',
    unit: null,
    help: 'Sealed reports that wait for ingest.',
    labels: [],
    samples: ({ sealed }) => [{ labels: {}, value: sealed }],
  }),
  fact('self', {
    name: 'restored_reports',
    unit: null,
    help: 'Stored reports that the database had forgotten and that runs of the last day have stored again.',
    labels: [],
    samples: ({ restored }) => [{ labels: {}, value: restored }],
  }),
  fact('self', {
    name: 'mail_path_seconds',
    unit: 'seconds',
    help: 'The time in which the newest canary came back; missing while none comes back.',
    labels: [],
    samples: ({ canary }) => {
      const { found = null, newest = null } = canary ?? {};
      return newest === null || found?.kind === 'lost' ? [] : [{ labels: {}, value: newest.afterMs / 1000 }];
    },
  }),
  fact('self', {
    name: 'collector_slices',
    unit: null,
    help: 'Slices of a shared fleet that a collector was the last to claim.',
    labels: ['site', 'collector', 'host'],
    samples: ({ shares }) => shares.flatMap(eachCollector(({ slices }) => slices)),
  }),
  fact('self', {
    name: 'collector_seen_timestamp_seconds',
    unit: 'seconds',
    help: 'When a collector that shares a fleet began its newest run.',
    labels: ['site', 'collector', 'host'],
    samples: ({ shares }) => shares.flatMap(eachCollector(({ seenAtMs }) => seenAtMs / 1000)),
  }),
  fact('self', {
    name: 'slices_waiting',
    unit: null,
    help: 'Slices of a shared fleet whose clients were not all visited yet in the newest cycle.',
    labels: ['site'],
    samples: ({ shares }) => shares.map(({ site, slices, visited }) => ({ labels: { site }, value: slices - visited })),
  }),
  fact('self', {
    name: 'metrics_dropped',
    unit: null,
    help: '1 for each family that is left out because there are more than 200000 series.',
    labels: ['family'],
    samples: ({ dropped }) => dropped.map((name) => ({ labels: { family: `${prefix}${name}` }, value: 1 })),
  }),
  ...figures,
  checkValues,
  seriesValues,
];

/** Returns a function that returns a sample for each collector of a site. */
function eachCollector(value: (share: CollectorShare) => number) {
  return ({ site, collectors }: SiteShare) =>
    collectors.map((share) => ({ labels: { site, collector: share.id, host: share.host }, value: value(share) }));
}

/** Returns labels of config.xml with the prefix `label_`, apart from the labels that every client has. */
function prefixed(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label_${name}`, value]));
}

/** Returns the families of these groups that come from reports. */
export function figureFamilies(groups: readonly FamilyGroup[]): readonly FigureFamily[] {
  return families.filter((family): family is FigureFamily => family.kind === 'figure' && groups.includes(family.group));
}
