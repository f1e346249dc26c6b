import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Config, Finding } from '../../config/config.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { accountName } from '../../platform/account.ts';
import { readCrontab, type StartedConfig, startingCommand } from '../command/schedulers.ts';

/** A line of a crontab or of a unit that starts one of the programs. */
interface Starter {
  /** The crontab or file, for people. */
  readonly where: string;
  readonly command: string;
}

interface StarterPlaces {
  /** The crontab of this account; null: it cannot be read. */
  readonly crontab: string | null;
  /** The folder that stands for `/`. */
  readonly root: string;
}

/** A command line that starts collector, alerter or opener. */
const starts = /fleet-health(?!-agent).*\s(?:collect|alert|ingest)\b/;
const unitFolders = ['etc/systemd/system', 'run/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];
const wantedTimers = 'etc/systemd/system/timers.target.wants';
/** The length to which a file is read; crontabs are shorter. */
const maxChars = 1_000_000;

/** Warns if nothing on this machine starts the programs, or if a line that starts them names a missing file. */
export async function starterWarnings(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const crontab = await readCrontab(signal).catch(() => null);
  signal.throwIfAborted();
  return warningsOf(config, { crontab, root: '/' });
}

/** Returns the warnings of `starterWarnings` about a machine with these places. */
export function warningsOf(config: StartedConfig, { crontab, root }: StarterPlaces): readonly Finding[] {
  const { file } = config;
  const starters = findStarters({ crontab, root });
  const collects = starters.some(({ command }) => /\s(?:collect|ingest)\b/.test(command));
  const alerts = config.collector.forward !== null || starters.some(({ command }) => /\salert\b/.test(command));
  const programs = collects ? 'alert' : alerts ? 'collect' : 'collect and alert';
  // The command starts all programs; a program that cron starts already would run at two intervals.
  const isCron = starters.some(({ where }) => !where.endsWith('.service'));
  const start = isCron ? null : startingCommand(config, root);
  const missing = collects && alerts ? [] : [notStarted(programs, start)];
  const messages = [...missing, ...starters.flatMap((starter) => goneWords(starter))];
  return messages.map((message) => ({ file, line: null, message: escapeControls(message) }));
}

/** Returns the lines of crontabs and enabled timers that start collector, alerter or opener. */
export function findStarters({ crontab, root }: StarterPlaces): readonly Starter[] {
  const cronFiles = ['etc/crontab', ...namesIn(path.join(root, 'etc/cron.d')).map((name) => `etc/cron.d/${name}`)];
  const texts: (readonly [where: string, text: string])[] = [
    ['the crontab of this account', crontab ?? ''],
    ...cronFiles.map((name) => [`/${name}`, fileText(path.join(root, name))] as const),
  ];
  const cron = texts.flatMap(([where, text]) =>
    text
      .split('\n')
      .filter((line) => !/^\s*#/.test(line) && starts.test(line))
      .map((line) => ({ where, command: line.replace(/^\s*(?:@\w+|(?:\S+\s+){5})\s*/, '') })),
  );
  return [...cron, ...namesIn(path.join(root, wantedTimers)).flatMap((timer) => timedStarters(root, timer))];
}

/** Returns the files that a starter's command names and that do not exist. */
export function goneFiles({ command }: Starter): readonly string[] {
  const until = command.slice(0, command.search(/\s-c\s|\s(?:collect|alert|ingest)\b/));
  const words = [...until.matchAll(/"([^"]*)"|'([^']*)'|([^\s;&|"']+)/g)].map(
    (found) => found[1] ?? found[2] ?? found[3],
  );
  return words.filter((word) => word?.startsWith('/') === true && !existsSync(word)).map(String);
}

function goneWords(starter: Starter): readonly string[] {
  return goneFiles(starter).map(
    (gone) => `${starter.where} starts ${gone}, which is gone; run fleet-health crontab again as it was run then`,
  );
}

function notStarted(programs: string, start: string | null): string {
  const account = accountName() ?? 'this account';
  return (
    `nothing was found here that starts ${programs} (crontab of ${account}, /etc/cron.d, systemd's timers); ` +
    (start === null ? 'see: fleet-health crontab' : `as root: ${start}`)
  );
}

/** Returns the commands of the service that an enabled timer starts. */
function timedStarters(root: string, timer: string): readonly Starter[] {
  if (!timer.endsWith('.timer')) return [];
  const service = timer.replace(/\.timer$/, '.service');
  for (const folder of unitFolders) {
    const lines = fileText(path.join(root, folder, service)).split('\n');
    const commands = lines.filter((line) => line.startsWith('ExecStart=') && starts.test(line));
    if (commands.length > 0)
      return commands.map((line) => ({ where: service, command: line.slice('ExecStart='.length) }));
  }
  return [];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** Returns the text of a file; empty if the file is missing or this account cannot read it. */
function fileText(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, maxChars);
  } catch {
    return '';
  }
}
