import { labelledClients } from '../../config/clients/select-clients.ts';
import type { Config } from '../../config/config.ts';
import { type AlertView, sortAlerts, viewAlerts } from '../../look/data/alert-views.ts';
import { byName } from '../../text/name-order.ts';
import { readFleetStatus } from '../../look/data/fleet-status.ts';
import { dayMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import { renderAlertTable } from '../command/alert-table.ts';
import { alertJson } from '../command/alert-words.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readStored } from '../command/read-stored.ts';
import { isWholeFleet, loadSettingsToShow, type Selection, selectedClients } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime, readerTime } from '../terminal/reader-time.ts';
import { clientFilter, clientNames } from './client-filter.ts';
import type { alertsParameters } from './parameters.ts';

type AlertsCommandOptions = OptionsOf<typeof alertsParameters>;

/** The values of `--sort`: the worst first, the newest first, or by name and then the worst first. */
type AlertSorting = 'urgency' | 'since' | 'client' | 'rule';

const recentMs = 7 * dayMs;
const maxClosed = 1000;

/** Runs `alerts`: lists open alerts with their beginning and the recipients that were notified. */
export async function alertsCommand(context: Context, options: AlertsCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettingsToShow(context);
  const { views, nowMs } = await readStored(config.storage, signal, async (storage) => {
    if (storage === null) return { views: [], nowMs: Date.now() };
    const now = await storage.nowMs();
    const chosen = await readChosen(config, storage, options, now);
    return { views: await viewAlerts(config, storage, order(chosen, options.sort, now), now), nowMs: now };
  });
  const nothing = options.since === null ? 'Nothing is open.' : 'Nothing was firing since then.';
  printAnswer(
    output,
    () => ({ command: 'alerts', at: jsonTime(nowMs), alerts: views.map(alertJson) }),
    () => (views.length === 0 ? nothing : alertsText(output, config, views, nowMs)),
  );
  return options.exitStatus && views.some(({ alert }) => alert.state === 'firing') ? 1 : 0;
}

/** Reads the alerts that the command line selects. Throws FleetError `usage` for an unknown client or group. */
async function readChosen(
  config: Config,
  storage: Storage,
  options: AlertsCommandOptions,
  nowMs: number,
): Promise<readonly Alert[]> {
  const sinceTimeMs = options.since === null ? null : parseSince('--since', options.since, config, nowMs);
  const closedSinceMs = options.all ? Math.min(nowMs - recentMs, sinceTimeMs ?? Infinity) : sinceTimeMs;
  const closed =
    closedSinceMs === null
      ? []
      : (await storage.alertHistory.alertsOf({ openOnly: false, limit: maxClosed })).filter(
          ({ state, resolvedAtMs }) => state === 'resolved' && (resolvedAtMs ?? 0) >= closedSinceMs,
        );
  const found = [...(await storage.evaluation.openAlerts(null)), ...closed];
  const isNamed = namedClients(config, found, options);
  const { failing, notVisited } = options;
  const narrowed =
    failing || notVisited ? await readFleetStatus(config, storage, { nowMs, only: null, failing, notVisited }) : null;
  const shown = narrowed === null ? null : new Set(narrowed.members.map(({ client }) => client));
  // The alert of the group is about its members.
  const isOfNamed = (alert: Alert): boolean =>
    kindOf(alert).carriesOthers && alert.subject === options.group && (options.label ?? null) === null;
  return found.filter(
    (alert) =>
      (isNamed(alert.client) || isOfNamed(alert)) &&
      (shown?.has(alert.client) ?? true) &&
      (sinceTimeMs === null || firedSince(alert, sinceTimeMs)),
  );
}

/** Returns a test for clients that are named or in the group, and have the labels. All pass if nothing is selected. */
function namedClients(config: Config, alerts: readonly Alert[], selection: Selection): (client: string) => boolean {
  if (isWholeFleet(selection)) return () => true;
  const { clients, group, label = null } = selection;
  const names = clientNames(config, alerts);
  const tests = clients.map((wanted) => clientFilter(names, wanted));
  const ofGroup = new Set(
    group === null ? [] : selectedClients(config, { clients: [], group }).map(({ name }) => name),
  );
  const isAny = clients.length === 0 && group === null;
  const labelled = label === null ? null : new Set(labelledClients(config.clients, label).map(({ name }) => name));
  return (client) =>
    (labelled?.has(client) ?? true) && (isAny || ofGroup.has(client) || tests.some((matches) => matches(client)));
}

/** True if the alert was firing at any time since `atMs`. */
function firedSince({ firingSinceMs, resolvedAtMs }: Alert, atMs: number): boolean {
  return firingSinceMs !== null && (resolvedAtMs ?? Infinity) >= atMs;
}

const comparisons: Readonly<Record<AlertSorting, (one: Alert, other: Alert) => number>> = {
  urgency: () => 0,
  since: (one, other) => other.pendingSinceMs - one.pendingSinceMs,
  client: (one, other) => byName(one.client, other.client),
  rule: (one, other) => byName(one.rule, other.rule),
};

function order(alerts: readonly Alert[], by: AlertSorting, nowMs: number): readonly Alert[] {
  return [...sortAlerts(alerts, nowMs)].sort(comparisons[by]);
}

/** Returns the table of alerts, the number that fire, and the time zone. */
function alertsText(output: Output, config: Config, views: readonly AlertView[], nowMs: number): string {
  const time = readerTime(config, nowMs);
  const table = renderAlertTable(output, views, { time, nowMs, withClients: true });
  const firing = views.filter(({ alert }) => alert.state === 'firing').length;
  const count = firing === 0 ? 'Nothing fires' : `${counted(firing, 'alert')} ${firing === 1 ? 'fires' : 'fire'}`;
  const whom = views.some(({ alert }) => !kindOf(alert).followsRows) ? 'CLIENT, or --fleet,' : 'CLIENT';
  const more = `fleet-health explain ${whom} says more, ack NUMBER ends reminders.`;
  return `${table}\n\n${count}. Times are ${time.zone}. ${more}`;
}
