import { didYouMean } from '../config/nearest.ts';
import { FleetError } from '../errors.ts';
import type { AlertStore } from '../storage/alert-store.ts';
import type { Context, ExitStatus } from './context.ts';
import { changeStored } from './read-stored.ts';
import { loadSettings } from './settings.ts';

const dayMs = 86_400_000;
/** Fewer characters of an id are more likely a mistake. */
const leastPrefix = 4;

/** `forget collector`: a collector that will not run again is silent no longer; a collector that runs again is known again. */
export async function forgetCollectorCommand(context: Context, asked: string): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const id = await changeStored(config, signal, async (alerts) => {
    const whole = await wholeId(alerts, asked);
    return (await alerts.forgetCollector(whole)) ? whole : await refuse(alerts, asked);
  });
  if (output.json) output.printJson({ command: 'forget collector', id });
  else if (output.verbosity !== 'quiet') {
    output.print(
      `Collector ${id} is forgotten: its alerts end, and nobody waits for its runs. If it runs again, it is back.`,
    );
  }
  return 0;
}

/** The id of the one collector of late that begins so; else what was asked for. */
async function wholeId(alerts: AlertStore, asked: string): Promise<string> {
  const [first, ...others] = (await collectorsOf(alerts)).filter((id) => id.startsWith(asked));
  return first !== undefined && others.length === 0 && asked.length >= leastPrefix ? first : asked;
}

async function refuse(alerts: AlertStore, asked: string): Promise<never> {
  const known = await collectorsOf(alerts);
  const many = known.filter((id) => id.startsWith(asked)).length > 1;
  throw new FleetError({
    code: 'usage',
    stage: 'usage',
    message: many
      ? `${asked} is the beginning of several collectors' ids`
      : `there is no collector ${asked} in the database${didYouMean(asked, known)}`,
    advice: known.length === 0 ? 'None has run of late.' : `These have run of late: ${known.join(', ')}.`,
  });
}

async function collectorsOf(alerts: AlertStore): Promise<readonly string[]> {
  const runs = await alerts.runs('collect', (await alerts.nowMs()) - 7 * dayMs);
  return [...new Set(runs.map(({ collectorId }) => collectorId))].filter((known) => known !== '').sort();
}
