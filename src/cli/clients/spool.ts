import { createHash } from 'node:crypto';

import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import {
  putSpoolLineScript,
  removeSpoolLineScript,
  spoolComment,
  spoolLine,
  type SpoolLineOptions,
} from '../../transport/loader/spool-line.ts';
import { dayMs } from '../../platform/units.ts';
import { loadAgentOwner } from '../../state-folder/collector-id.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { formatDuration, parseDuration } from '../../text/durations.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { cronSchedule, schedulablePause } from '../command/cron-schedule.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { chooseClient, loadSettings } from '../command/settings.ts';
import type { spoolParameters } from './parameters.ts';
import { sshCommand } from './ssh-target.ts';
import { lastReader } from './last-reader.ts';

/** A client takes reports itself if there was no visit for so many intervals of the collector. */
const pausesUntilMissed = 1.5;
/** The size of an ordinary machine's report on a disk: one block. */
const bytesOnDisk = 4096;

/** Runs `spool`: prints a client's crontab line that takes reports while no collector visits. Changes nothing. */
export async function spoolCommand(context: Context, options: OptionsOf<typeof spoolParameters>): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const client = chooseClient(config, options.client);
  const everyMs = options.every === null ? schedulablePause(config.collector.everyMs) : durationOf(options.every);
  const line: SpoolLineOptions = {
    collectorId: collectorIdOf(config),
    folder: createHash('sha256').update(client.name).digest('hex').slice(0, 32),
    schedule: cronSchedule(everyMs, client.name),
    pauseSeconds: Math.round((pausesUntilMissed * config.collector.everyMs) / 1000),
  };
  if (!options.remove) {
    if (client.state === 'retired') throw usageError(`${client.name} is retired, so nobody brings its reports home`);
    refuseWhatIsNotVisited(client);
    await refuseWhatCannotSeal(context, config, client);
  }
  const script = options.remove ? removeSpoolLineScript(line) : putSpoolLineScript(line, client.name);
  const reportsADay = Math.round(dayMs / everyMs);
  if (output.json) {
    output.printJson({
      command: 'spool',
      client: client.name,
      collector: line.collectorId,
      ...(options.remove
        ? { script }
        : {
            every_s: everyMs / 1000,
            not_within_s: line.pauseSeconds,
            line: spoolLine(line),
            reports_a_day: reportsADay,
            bytes_a_day: reportsADay * bytesOnDisk,
            ...(options.script ? { script } : {}),
          }),
    });
  } else if (!options.script && !options.remove) {
    const megabytes = ((reportsADay * bytesOnDisk) / 1e6).toFixed(1);
    const more = options.every === null ? '' : ` --every ${shownShellWord(options.every)}`;
    output.print(
      [
        `# For the crontab of the account that ${client.name} is logged in to with (crontab -e there). ` +
          'It works from the next',
        `# visit on: every ${formatDuration(everyMs)}, unless the collector came in the last ` +
          `${formatDuration(line.pauseSeconds * 1000)}, a report is kept, sealed, until it comes:`,
        `# about ${megabytes} MB a day on the client's disk, and never more than 3000 reports or 8 MiB of them.`,
        `# This puts it in:`,
        `#   fleet-health spool ${shownShellWord(client.name)}${more} --script | ${sshTo(client, config)}`,
        spoolComment(line, client.name),
        spoolLine(line),
      ].join('\n'),
    );
  } else output.print(script.trimEnd());
  return 0;
}

function sshTo(client: Client, config: Config): string {
  if (client.arrival.kind === 'local') return 'sh';
  const { hops } = createTransportShared({ config }).routeTo(client);
  return `${sshCommand(hops, client, hops.at(-1)?.username ?? '')} sh`;
}

/** Throws FleetError `usage` for a client that is not visited: the line runs programs that a visit leaves there. */
function refuseWhatIsNotVisited({ name, arrival }: Client): void {
  if (arrival.kind === 'site') {
    throw usageError(`${name} is visited by its site ${arrival.site}`, 'Run this on the collector of that site.');
  }
  if (arrival.kind !== 'comes' && arrival.kind !== 'asked') return;
  const how = arrival.kind === 'asked' ? 'is asked over HTTP' : 'pushes its reports';
  throw usageError(
    `${name} ${how}: the crontab line is for clients that are visited`,
    'Its fleet-health-agent has a spool of its own.',
  );
}

/**
 * Refuses a client of the shell agent, which keeps no reports. Accepts any without a database: the line is harmless.
 */
async function refuseWhatCannotSeal(context: Context, { storage }: Config, { name }: Client): Promise<void> {
  const reader = await lastReader(context, storage, name, 'and the line needs Node.js there');
  if (reader !== 'shell') return;
  throw usageError(
    `${name} is read by the shell agent, which cannot seal, so no report may be kept there`,
    `Install Node.js there, and visit it once: fleet-health collect ${shownShellWord(name)}.`,
  );
}

function durationOf(text: string): number {
  const everyMs = parseDuration(text);
  if (everyMs !== null && everyMs > 0) return everyMs;
  throw usageError(`--every ${JSON.stringify(text)} is no duration such as 5m or 1h`);
}

function collectorIdOf({ stateDir, collector }: Config): string {
  const paths = statePaths(stateDir);
  claimStateFolder(paths, []);
  return loadAgentOwner(paths.collectorId, collector);
}
