import path from 'node:path';

import type { Config, StorageConfig } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { storageFromWords } from '../../config/settings/storage-from-words.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { holdLock, type LockHolder } from '../../state-folder/lock.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { copyDatabase, type CopyOptions, type CopyResult } from '../../storage/copy/copy.ts';
import { databaseKinds, nameOf } from '../../config/databases/kinds.ts';
import { absentDatabase, driverOf } from '../../storage/dialects/drivers.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';
import { commaGrouped } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { overlappedText } from '../command/lock-holder.ts';
import { loadSettings, ofOption } from '../command/settings.ts';
import { noProgress, progressOf } from '../terminal/progress.ts';
import type { copyParameters } from './parameters.ts';

type CopyCommandOptions = OptionsOf<typeof copyParameters>;

/**
 * Runs `copy`: copies the database into another one, which is empty or an earlier copy. Prevents `collect`, `alert`,
 * `ingest` and `prune` of this state folder from running meanwhile. Throws FleetError.
 */
export async function copyCommand(context: Context, options: CopyCommandOptions): Promise<ExitStatus> {
  const config = loadSettings(context);
  const source = config.storage;
  const target = targetOf(options);
  const [from, to] = [nameOf(source), nameOf(target)];
  if (from === to) throw usageError(`${to} is the database of ${config.file} itself`, 'Name another one with --to.');
  if (!(await driverOf(source).exists(source))) throw absentDatabase(source);
  const release = await lockState(config);
  try {
    const result = await copyShown(context, { source, target, overwrite: options.overwrite });
    return printDone(
      context.output,
      () => ({ command: 'copy', from, to, copied: result.copied, tables: result.tables }),
      () => sentences({ config, target, from, to, options, result }).join('\n'),
    );
  } finally {
    release();
  }
}

function targetOf({ to, passwordFile }: CopyCommandOptions): StorageConfig {
  if (to === null) {
    const urls = databaseKinds.map(({ urlForm }) => `--to ${urlForm}`).join(', ');
    throw usageError('copy needs --to', `Write ${urls} or --to CONFIG.xml.`);
  }
  if (urlForm.test(to)) return storageFromWords(to, passwordFile);
  if (passwordFile !== null) {
    throw usageError('--password-file is for a URL', `Write passwordFile= in the <storage> of ${to}.`);
  }
  return ofOption('--to', () => loadConfig({ file: to })).storage;
}

/** The beginning of a URL. Any other text names a file. */
const urlForm = /^[a-z]+:/i;

/** Takes the locks of all programs that write. Returns a function to release them. Throws FleetError `locked`. */
async function lockState({ stateDir }: Config): Promise<() => void> {
  const paths = statePaths(stateDir);
  claimStateFolder(paths, []);
  const held: (() => void)[] = [];
  const release = (): void => {
    for (const one of held) one();
  };
  const locks = { collect: paths.lock, alert: paths.alertLock, ingest: paths.ingestLock, prune: paths.pruneLock };
  const advice = 'Start copy again when it has ended. Cron may go on: while copy runs, no new one begins.';
  try {
    for (const [command, file] of Object.entries(locks)) {
      const message = (holder: LockHolder | null): string =>
        overlappedText(command, holder, Date.now()).replace(/^Another (\w+) is running already/, '$1 is at work');
      held.push(await holdLock({ file, message, advice }));
    }
  } catch (thrown) {
    release();
    throw thrown;
  }
  return release;
}

async function copyShown(
  { output, signal }: Context,
  databases: Pick<CopyOptions, 'source' | 'target' | 'overwrite'>,
): Promise<CopyResult> {
  const startProgress = await progressOf(output);
  const shown = { bar: noProgress, rows: 0 };
  try {
    return await copyDatabase({
      ...databases,
      signal,
      onStart: (total) => {
        shown.bar = startProgress('copying and comparing', total);
      },
      onRows: (count) => {
        shown.rows += count;
        shown.bar.to(shown.rows);
      },
    });
  } finally {
    shown.bar.end();
  }
}

interface Copied {
  readonly config: Config;
  readonly target: StorageConfig;
  readonly from: string;
  readonly to: string;
  readonly options: CopyCommandOptions;
  readonly result: CopyResult;
}

function sentences({ config, target, from, to, options, result: { tables, copied } }: Copied): readonly string[] {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const { passwordFile, to: named } = options;
  const password = passwordFile === null ? '' : ` passwordFile="${escapeMarkup(path.resolve(passwordFile))}"`;
  const storage =
    named !== null && urlForm.test(named)
      ? `<storage url="${escapeMarkup(target.path === null ? named : to)}"${password}/>`
      : `the <storage> of ${path.resolve(named ?? '')}`;
  return [
    `${to}: all ${commaGrouped(rows)} rows of ${tables.length} tables are those of ${from}, by count and digest; ` +
      `${commaGrouped(copied)} were copied just now.`,
    '',
    `To use it: write ${storage} into ${config.file}, on every machine that has it, ` +
      `and run \`fleet-health check --connect\`.`,
    `Nobody is notified again of what he knows. ${from} stays as it is; let nothing use it from then on.`,
  ];
}
