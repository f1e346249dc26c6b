import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';

import { findConfig } from '../../config/find-config.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { accountName } from '../../platform/account.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import { counted } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { loadSettings } from '../command/settings.ts';
import { readCrontab, writeCrontab } from '../command/schedulers.ts';
import { cronBlock, ownCaFile, withBlock } from './cron-block.ts';
import type { crontabParameters } from './parameters.ts';
import { systemdState, systemdUnits, type Unit, unitsToEnable } from './systemd-units.ts';

/** Runs `crontab`: prints or installs the lines that start collector and alerter, or makes units of systemd. */
export async function crontabCommand(
  context: Context,
  options: OptionsOf<typeof crontabParameters>,
): Promise<ExitStatus> {
  const { output } = context;
  if (options.remove) return await change(context, null);
  const file = findConfig(context.configFile ?? undefined);
  const config = loadSettings({ configFile: file });
  const programs = { node: process.execPath, program: realpathSync(process.argv[1] ?? '') };
  if (options.systemd !== null) {
    const account = runner(config.stateDir);
    const units = systemdUnits({ ...programs, config, configFile: path.resolve(file), account, caFile: ownCaFile() });
    const before = makingStateFolder(config.stateDir, account);
    return writeUnits(context, units, options.systemd === true ? null : path.resolve(options.systemd), before);
  }
  const block = cronBlock({
    ...{ everyMs: config.collector.everyMs, host: hostname(), mailTo: options.mailTo, user: options.cronD },
    site: config.collector.sharedSite,
    alerts: config.collector.forward === null,
    caFile: ownCaFile(),
    ...{ ...programs, config: path.resolve(file) },
  });
  if (options.install) return await change(context, block);
  const status = printAnswer(
    output,
    () => ({ command: 'crontab', lines: block, changed: false }),
    () => block.trimEnd(),
  );
  const installing =
    options.cronD === null ? '--install' : `--cron-d ${shownShellWord(options.cronD)} >/etc/cron.d/fleet-health`;
  adviseAtTerminal(context, 'These lines are only printed', installing);
  return status;
}

/** Names the command that installs printed lines, on stderr, if a person reads them at a terminal. */
function adviseAtTerminal({ output, configFile }: Context, fact: string, options: string): void {
  if (!output.terminal || output.json || output.verbosity === 'quiet') return;
  const file = configFile === null ? '' : ` -c ${shownShellWord(configFile)}`;
  output.complain(`${fact}. To install them: fleet-health${file} crontab ${options}`);
}

/** Returns the account that runs the programs: this account, or for root the owner of the state folder. */
function runner(stateDir: string): string {
  const own = process.getuid?.() ?? 0;
  if (own !== 0) return accountName() ?? String(own);
  const owner = statSync(stateDir, { throwIfNoEntry: false })?.uid ?? 0;
  return owner === 0 ? 'fleet-health' : String(owner);
}

/** Returns the beginning of a command line that makes the state folder; '' if the folder exists or systemd makes it. */
function makingStateFolder(stateDir: string, account: string): string {
  if (existsSync(stateDir) || path.dirname(stateDir) === systemdState) return '';
  return `install -d -m 0700 -o ${shownShellWord(account)} ${shownShellWord(stateDir)} && `;
}

/** Prints the units, or writes them into a folder. `before` begins the command line that starts the units. */
function writeUnits(context: Context, units: readonly Unit[], folder: string | null, before: string): ExitStatus {
  const { output } = context;
  const texts = Object.fromEntries(units.map(({ name, text }) => [name, text]));
  if (folder === null) {
    const status = printAnswer(
      output,
      () => ({ command: 'crontab', units: texts, folder }),
      () => units.map(({ name, text }) => `# /etc/systemd/system/${name}\n${text}`).join('\n'),
    );
    adviseAtTerminal(context, 'These units are only printed', '--systemd /etc/systemd/system');
    return status;
  }
  try {
    for (const { name, text } of units) {
      writeDurably({ file: path.join(folder, name), content: text, mode: 0o644, inExistingFolder: true });
    }
  } catch (thrown) {
    const advice = 'Name a folder that is there and can be written; systemd reads /etc/systemd/system.';
    throw new FleetError({ code: 'crontab-failed', stage: 'usage', message: messageOf(thrown), advice, cause: thrown });
  }
  const enable = `${before}systemctl daemon-reload && systemctl enable --now ${unitsToEnable(units).join(' ')}`;
  return printDone(
    output,
    () => ({ command: 'crontab', units: texts, folder }),
    () => `${counted(units.length, 'unit')} in ${folder}. Start them:\n  ${enable}`,
  );
}

/** Changes the account's crontab. Keeps the earlier crontab as a file in the account's home. */
async function change({ output, signal }: Context, block: string | null): Promise<ExitStatus> {
  const before = await readCrontab(signal);
  const after = withBlock(before, block);
  const changed = after !== before;
  const backup = changed && before !== '' ? path.join(homedir(), '.fleet-health-crontab.before') : null;
  if (backup !== null) keepBefore(backup, before);
  if (changed) await writeCrontab(after, signal);
  const done = block === null ? 'The lines are out of the crontab.' : 'The lines are in the crontab.';
  const kept = backup === null ? '' : ` The one before: ${backup}`;
  return printDone(
    output,
    () => ({ command: 'crontab', lines: block, changed, backup }),
    () => (changed ? `${done}${kept}` : 'The crontab is as it should be.'),
  );
}

/** Writes the earlier crontab into the home, which is not made. */
function keepBefore(file: string, content: string): void {
  const home = path.dirname(file);
  if (statSync(home, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const message = `the home ${home} is missing, where the crontab of before is kept`;
    throw new FleetError({ code: 'crontab-failed', stage: 'usage', message, advice: 'Set HOME to a folder.' });
  }
  writeDurably({ file, content, mode: 0o600 });
}
