import { noteForgotten } from '../../collector/inbox/stored-files.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { dayMs } from '../../platform/units.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { removePushTime } from '../../state-folder/push-keys.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { confirm } from '../command/question.ts';
import { changeStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { wholeId } from '../command/whole-id.ts';

/**
 * Runs `forget collector`: ends the alerts of a collector that will not run again. A later run makes the collector
 * known again. Throws FleetError `usage` for an unknown id, or for the beginning of several ids.
 */
export async function forgetCollectorCommand(context: Context, text: string): Promise<ExitStatus> {
  const { output, signal } = context;
  const id = await changeStored(loadSettings(context), signal, async (storage) => {
    const known = await collectorsOf(storage);
    const whole = wholeId(known, text, 'collector');
    if (await storage.retention.forgetCollector(whole)) return whole;
    throw usageError(
      `there is no collector ${text} in the database${didYouMean(text, known)}`,
      known.length === 0 ? 'None has run of late.' : `These have run of late: ${known.join(', ')}.`,
    );
  });
  return printDone(
    output,
    () => ({ command: 'forget collector', id }),
    () => `Collector ${id} is forgotten: its alerts end, and nobody waits for its runs. If it runs again, it is back.`,
  );
}

/** Runs `forget client`: deletes the history of a client that left config.xml. */
export async function forgetClientCommand(
  context: Context,
  { name: client, yes }: { readonly name: string; readonly yes: boolean },
): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  if (config.clients.some(({ name }) => name === client)) {
    throw usageError(`"${client}" is a client of config.xml`, 'Take it out there first, or write state="retired".');
  }
  const isForgotten = await changeStored(config, signal, async (storage) => {
    const known = (await storage.fleet.seenClients()).map(({ name }) => name);
    if (!known.includes(client)) {
      const listed = new Set(config.clients.map(({ name }) => name));
      const left = known.filter((name) => !listed.has(name));
      throw usageError(
        `there is no client "${client}" in the database${didYouMean(client, left)}`,
        left.length === 0
          ? 'All clients there are in config.xml.'
          : `These are not in config.xml: ${left.slice(0, 20).join(', ')}.`,
      );
    }
    const open = await storage.evaluation.openAlerts([client]);
    if (open.length > 0) {
      throw usageError(
        `${counted(open.length, 'alert')} of "${client}" ${open.length === 1 ? 'is' : 'are'} open`,
        'The next pass of fleet-health alert ends them and notifies people; forget the client then.',
      );
    }
    if (!yes && !(await isConfirmed(context, client))) return false;
    const paths = statePaths(config.stateDir);
    noteForgotten(paths, client, Date.now());
    removePushTime(paths, client);
    return await storage.retention.forgetClient(client, signal);
  });
  printDone(
    output,
    () => ({ command: 'forget client', client: isForgotten ? client : null }),
    () => escapeControls(isForgotten ? `All that was stored of ${client} is gone.` : 'Nothing was forgotten.'),
  );
  return isForgotten ? 0 : 1;
}

function isConfirmed(context: Context, client: string): Promise<boolean> {
  return confirm(context, escapeControls(`Delete all that is stored of ${client}?`), () =>
    usageError('nobody can be asked here', 'Add --yes to delete the history without a question.'),
  );
}

async function collectorsOf(storage: Pick<Storage, 'fleet' | 'nowMs'>): Promise<readonly string[]> {
  const runs = await storage.fleet.runs('collect', (await storage.nowMs()) - 7 * dayMs);
  return [...new Set(runs.map(({ collectorId }) => collectorId))].filter((known) => known !== '').sort();
}
