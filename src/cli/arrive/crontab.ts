import { realpathSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';

import { findConfig } from '../../config/find-config.ts';
import { writeDurably } from '../../state/durable-file.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { readCrontab, writeCrontab } from './account-crontab.ts';
import { cronBlock, withBlock } from './cron-block.ts';

export interface CrontabOptions {
  readonly install: boolean;
  readonly remove: boolean;
  /** The account of lines for /etc/cron.d. */
  readonly cronD: string | null;
  readonly mailTo: string;
}

/** `crontab`: prints the lines that start collector and alerter, or puts them into the account's crontab. */
export async function crontabCommand(context: Context, options: CrontabOptions): Promise<ExitStatus> {
  const { output } = context;
  if (options.remove) return await change(context, null);
  const file = findConfig(context.configFile ?? undefined);
  const { collector } = loadSettings({ configFile: file });
  const block = cronBlock({
    ...{ everyMs: collector.everyMs, host: hostname(), mailTo: options.mailTo, user: options.cronD },
    ...{ node: process.execPath, program: realpathSync(process.argv[1] ?? ''), config: path.resolve(file) },
  });
  if (options.install) return await change(context, block);
  printAnswer(
    output,
    () => ({ command: 'crontab', lines: block, changed: false }),
    () => block.trimEnd(),
  );
  return 0;
}

/** Changes the account's crontab; the one before stays as a file in its home. */
async function change({ output, signal }: Context, block: string | null): Promise<ExitStatus> {
  const before = await readCrontab(signal);
  const after = withBlock(before, block);
  const changed = after !== before;
  const backup = changed && before !== '' ? path.join(homedir(), '.fleet-health-crontab.before') : null;
  if (backup !== null) writeDurably({ file: backup, content: before, mode: 0o600 });
  if (changed) await writeCrontab(after, signal);
  const done = block === null ? 'The lines are out of the crontab.' : 'The lines are in the crontab.';
  const kept = backup === null ? '' : ` The one before: ${backup}`;
  printDone(
    output,
    () => ({ command: 'crontab', lines: block, changed, backup }),
    () => (changed ? `${done}${kept}` : 'The crontab is as it should be.'),
  );
  return 0;
}
