import { type FleetMember, sortMembers } from '../../look/data/fleet-member.ts';
import { type FleetStatus, readFleetStatus } from '../../look/data/fleet-status.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { leftDatabase } from '../command/left-database.ts';
import { readStored } from '../command/read-stored.ts';
import { isWholeFleet, loadSettingsToShow, selectedClients } from '../command/settings.ts';
import type { statusParameters } from './parameters.ts';
import { statusJson } from './status-json.ts';
import { statusText } from './status-text.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** Runs `status`: shows the fleet in a table. */
export async function statusCommand(
  context: Context,
  options: OptionsOf<typeof statusParameters>,
): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettingsToShow(context);
  const only = isWholeFleet(options) ? null : new Set(selectedClients(config, options).map(({ name }) => name));
  const read = async (storage: Storage | null, nowMs: number): Promise<FleetStatus> => {
    const { failing, notVisited, sort } = options;
    const status = await readFleetStatus(config, storage, { nowMs, only, failing, notVisited });
    return { ...status, members: sortMembers(status.members, sort) };
  };
  if (options.watch) return (await import('./watch-status.ts')).watchStatus(context, config, read);
  const nowMs = Date.now();
  const status = await readStored(config.storage, context.signal, (stored) => read(stored, nowMs));
  printAnswer(
    output,
    () => statusJson(status, nowMs),
    () => statusText(output, config, status, nowMs),
  );
  const left = leftDatabase(config, status.lastRun);
  if (left !== null) {
    if (!output.json) output.print(left);
    return 1;
  }
  return options.exitStatus && !isWell(status) ? 1 : 0;
}

/** True if no client shown is late or failing, no alert fires, and no mail is undelivered. */
function isWell({ members, alerting }: FleetStatus): boolean {
  const isBad = ({ state, openAlerts }: FleetMember): boolean =>
    state === 'failing' || state === 'late' || openAlerts > 0;
  return !members.some(isBad) && alerting.ofFleet + alerting.undelivered.mails === 0;
}
