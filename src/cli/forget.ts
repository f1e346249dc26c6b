import { didYouMean } from '../config/nearest.ts';
import { FleetError } from '../errors.ts';
import type { AlertStore } from '../storage/alert-store.ts';
import type { Context, ExitStatus } from './context.ts';
import { changeStored } from './read-stored.ts';
import { loadSettings } from './settings.ts';

const dayMs = 86_400_000;

/** `forget collector`: one that is no more is silent no longer; one that runs again is known again. */
export async function forgetCollectorCommand(context: Context, id: string): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const others = await changeStored(config, signal, async (alerts) =>
    (await alerts.forgetCollector(id)) ? null : await collectorsOf(alerts),
  );
  if (others !== null) {
    throw new FleetError({
      code: 'usage',
      stage: 'usage',
      message: `there is no collector ${id} in the database${didYouMean(id, others)}`,
      advice: others.length === 0 ? 'None has run of late.' : `These have run of late: ${others.join(', ')}.`,
    });
  }
  if (output.json) output.printJson({ command: 'forget collector', id });
  else if (output.verbosity !== 'quiet') {
    output.print(
      `Collector ${id} is forgotten: its alerts end, and nobody waits for its runs. If it runs again, it is back.`,
    );
  }
  return 0;
}

async function collectorsOf(alerts: AlertStore): Promise<readonly string[]> {
  const runs = await alerts.runs('collect', (await alerts.nowMs()) - 7 * dayMs);
  return [...new Set(runs.map(({ collectorId }) => collectorId))].filter((known) => known !== '').sort();
}
