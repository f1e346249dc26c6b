/** The crontab of the account, and the timers of the Debian package. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { systemConfigPath } from '../../state-folder/paths.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { runCommand } from '../../platform/run-command.ts';
import { minuteMs } from '../../platform/units.ts';
import { oneLine } from '../../text/plain-text.ts';

/** The length from which a crontab is not changed: the end of a longer text might be cut off and lost. */
const maxCrontabChars = 64_000;

/** Returns the crontab of this account; empty if the account has none. Throws FleetError `crontab-failed`. */
export async function readCrontab(signal: AbortSignal): Promise<string> {
  const { ok, stdout, stderr } = await crontab(['-l'], signal);
  if (ok && stdout.length >= maxCrontabChars)
    throw failed('it has more than 64,000 characters; put the lines in by hand');
  if (ok && stdout.includes('\ufffd')) throw failed('it is not UTF-8; put the lines in by hand');
  if (ok) return stdout;
  // A crontab that cannot be read must not be replaced.
  if (/^no crontab for |can't open '[^']*': No such file/im.test(stderr)) return '';
  throw failed(`crontab -l: ${oneLine(stderr)}`);
}

/** Replaces the crontab of this account; removes it if the text is empty. Throws FleetError `crontab-failed`. */
export async function writeCrontab(text: string, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-health-crontab-'));
  try {
    const file = path.join(folder, 'crontab');
    writeFileSync(file, text, { mode: 0o600 });
    const { ok, stderr } = await crontab(text === '' ? ['-r'] : [file], signal);
    if (!ok) throw failed(`crontab: ${oneLine(stderr)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function crontab(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly stdout: string; readonly stderr: string }> {
  // The messages of crontab(1) are matched, so they must not be translated.
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const limits = { timeoutMs: minuteMs, signal, maxOutput: maxCrontabChars };
  try {
    const run = await runCommand({ command: 'crontab', args, env, ...limits, waitsForOutput: true });
    return { ok: !run.isLate && run.status === 0, ...run };
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT') throw failed('there is no crontab(1) here', withoutCron);
    if (errno === 'EACCES') return { ok: false, stdout: '', stderr: messageOf(thrown) };
    throw thrown;
  }
}

function failed(message: string, advice?: string): FleetError {
  return new FleetError({ code: 'crontab-failed', stage: 'usage', message, advice });
}

/** The folder that exists if systemd has booted the machine. */
const bootedFolder = 'run/systemd/system';
/** The folder that the packaged units may write to. */
const packagedState = '/var/lib/fleet-health';
const timers = ['fleet-health-collect.timer', 'fleet-health-alert.timer'];
const unitsFolder = '/etc/systemd/system';
const enableTimers = `systemctl enable --now ${timers.join(' ')}`;
const withoutCron =
  `Install cron, or have systemd start the programs, as root: ${enableTimers} with the Debian package, ` +
  `or else fleet-health crontab --systemd ${unitsFolder}.`;

/** The part of config.xml that decides how the programs are started. */
export type StartedConfig = Pick<Config, 'file' | 'clients' | 'collector' | 'stateDir' | 'storage' | 'metrics'>;

/**
 * Returns root's command by which systemd starts this config.xml: systemctl for the Debian package's timers, or
 * `crontab --systemd` if config.xml needs other units. Returns null if systemd does not run, or if the timers are not
 * installed or use another file. `root` stands for `/`.
 */
export function startingCommand(config: StartedConfig, root = '/'): string | null {
  const { file } = config;
  const needed = [bootedFolder, ...timers.map((name) => `usr/lib/systemd/system/${name}`)];
  if (file !== systemConfigPath || !needed.every((place) => existsSync(path.join(root, place)))) return null;
  if (!suitsPackage(config)) return `fleet-health -c ${file} crontab --systemd ${unitsFolder}`;
  return enableTimers;
}

/**
 * Returns the command that has this machine start the programs from now on: root's of `startingCommand`, or the
 * account's crontab, or units of systemd. Without all of them it prints the lines. `program` is the command line of
 * fleet-health with its file, `searched` the value of PATH.
 */
export function lastingCommand(
  config: StartedConfig,
  program: string,
  { root = '/', searched = process.env['PATH'] ?? '' } = {},
): string {
  const start = startingCommand(config, root);
  if (start !== null) return start;
  if (searched.split(':').some((folder) => existsSync(path.join(folder, 'crontab'))))
    return `${program} crontab --install`;
  const isBooted = existsSync(path.join(root, bootedFolder));
  return isBooted ? `${program} crontab --systemd ${unitsFolder}` : `${program} crontab`;
}

/** True if the package's units suit: two programs, every five minutes, in a sandbox with one writable folder. */
function suitsPackage({ clients, collector, stateDir, storage, metrics }: StartedConfig): boolean {
  const { everyMs, open, sharedSite } = collector;
  const written = [storage.path, metrics?.textfile ?? null]
    .filter((place) => place !== null)
    .map((place) => path.dirname(place));
  // A site that forwards opens nothing.
  const isUsual = everyMs === 5 * minuteMs && open && sharedSite === null;
  const isInside = [stateDir, ...written].every((folder) => `${folder}/`.startsWith(`${packagedState}/`));
  return isUsual && isInside && !clients.some(({ arrival }) => arrival.kind === 'local');
}
