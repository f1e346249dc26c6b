import { type Config, type MetricsConfig } from '../../config/config.ts';
import { fileFault, FleetError } from '../../platform/errors/errors.ts';
import { writeMetrics } from '../../look/metrics/metrics.ts';
import { claimHourlyLine } from '../../notify/hourly-line.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { writeStreamed } from '../../state-folder/streamed-file.ts';
import { complaintText } from '../command/complain.ts';
import { readStored } from '../command/read-stored.ts';
import type { Output } from '../terminal/output.ts';

/**
 * Writes the file of `<metrics textfile>` at a run's end. Reports a failure once an hour, because cron mails every
 * line. A failure does not change the result of the run.
 */
export async function writeTextfile(
  config: Config,
  { textfile: file, families: groups }: MetricsConfig,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  try {
    await readStored(config.storage, signal, async (storage) => {
      if (storage === null) return;
      const nowMs = await storage.nowMs();
      const chunks = writeMetrics({ config, storage, nowMs, groups, format: 'text', signal });
      await writeStreamed({ file, mode: 0o644, chunks });
    });
  } catch (thrown) {
    const isDue = claimHourlyLine(statePaths(config.stateDir).textfileLogged, 0, Date.now());
    if (!isDue && output.verbosity !== 'verbose') return;
    const message = `${file} cannot be written: ${fileFault(thrown, 'its folder')}`;
    const fault = new FleetError({ code: 'textfile-unwritable', stage: 'run', message, cause: thrown });
    output.complain(complaintText(fault));
  }
}
