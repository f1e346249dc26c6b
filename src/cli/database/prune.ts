import type { Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { takeLock } from '../../state-folder/lock.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import type { FileSpace } from '../../storage/sql/database.ts';
import { kindNamed } from '../../config/databases/kinds.ts';
import { driverOf } from '../../storage/dialects/drivers.ts';
import { drivers } from '../../storage/dialects/registry.ts';
import { checkMigrations } from '../../storage/migrate/migrate.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { PruneLimits, PruneResult, Storage } from '../../storage/store/storage.ts';
import { hourMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';
import { formatSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { overlappedText } from '../command/lock-holder.ts';
import { loadSettings } from '../command/settings.ts';
import { progressOf, showsProgress } from '../terminal/progress.ts';
import { readerTime } from '../terminal/reader-time.ts';
import type { pruneParameters } from './parameters.ts';

/**
 * Runs `prune`: removes all rows older than `<retention>` allows, at once. May run beside `collect`, which removes such
 * rows too: a row counts once. The exit status is 1 if a signal ended the command; the next run continues.
 */
export async function pruneCommand(context: Context, options: OptionsOf<typeof pruneParameters>): Promise<ExitStatus> {
  const config = loadSettings(context);
  const driver = driverOf(config.storage);
  if (options.vacuum && driver.vacuumAdvice !== null) {
    const able = Object.entries(drivers).filter(([, { vacuumAdvice }]) => vacuumAdvice === null);
    const files = able.map(([name]) => kindNamed(name).title);
    throw usageError(`--vacuum is for ${files.join(' and ')}, and <storage> names a server`, driver.vacuumAdvice);
  }
  if (options.dryRun) return await showPrunable(context, config);
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, []);
  const lock = await takeLock({ file: paths.pruneLock, nowMs: Date.now() });
  if (lock.kind === 'taken') {
    return printDone(
      context.output,
      () => ({ command: 'prune', outcome: 'overlapped' }),
      () => overlappedText('prune', lock.holder, Date.now()),
    );
  }
  try {
    return await pruneAll(context, config, options);
  } finally {
    lock.release();
  }
}

async function pruneAll(
  context: Context,
  config: Config,
  options: OptionsOf<typeof pruneParameters>,
): Promise<ExitStatus> {
  const { output, signal } = context;
  const { pruned, space, until } = await withStore(config, config.storage.migrate, async ({ retention, stored }) => {
    const total = showsProgress(output) ? rowsOf(await retention.countPrunable(limitsOf(config))) : 0;
    const progress = (await progressOf(output))('pruning', total);
    try {
      const show = (removed: PruneResult): void => progress.to(rowsOf(removed));
      const all = { ...limitsOf(config), freeAll: true };
      const removed = await retention.prune(all, signal, show);
      return { pruned: removed, space: await retention.fileSpace(), until: await untilWords(config, stored) };
    } finally {
      progress.end();
    }
  });
  const wanted = options.vacuum && space !== null && !pruned.more && !signal.aborted;
  // All connections of this process are closed by now: the file is made anew by one program alone.
  const anew = wanted ? { freedBytes: await driverOf(config.storage).vacuum(config.storage, space) } : null;
  printDone(
    output,
    () => ({
      command: 'prune',
      outcome: pruned.more ? 'interrupted' : 'finished',
      ...countsOf(pruned),
      freed_bytes: pruned.freedBytes + (anew?.freedBytes ?? 0),
      vacuumed: anew !== null,
    }),
    () => [...sentences(pruned), ...until, ...spaceSentences(space, pruned, anew)].join('\n'),
  );
  return pruned.more ? 1 : 0;
}

async function showPrunable({ output, signal }: Context, config: Config): Promise<ExitStatus> {
  const { applied } = await checkMigrations({ storage: config.storage, signal });
  const { counts: prunable, until } =
    applied.length === 0
      ? { counts: nothing, until: [] }
      : await withStore(config, false, async ({ retention, stored }) => ({
          counts: await retention.countPrunable(limitsOf(config)),
          until: await untilWords(config, stored),
        }));
  return printDone(
    output,
    () => ({ command: 'prune', dry_run: true, ...countsOf(prunable) }),
    () => [`It would remove ${list(prunable)}.`, ...until, keptSentence(config)].join('\n'),
  );
}

/** Returns a sentence if the runs do not confirm the time of now. */
async function untilWords(config: Config, stored: Store['stored']): Promise<readonly string[]> {
  const nowMs = Date.now();
  const confirmedMs = await stored.pruneNowMs(nowMs);
  if (nowMs - confirmedMs < hourMs) return [];
  const at = readerTime(config, nowMs).momentAndAge(confirmedMs);
  return [`What is old counts from ${at}: runs have confirmed no later time, and a clock may have leapt ahead.`];
}

function keptSentence({ retention }: Config): string {
  const { rawMs, detailMs, logsMs, alertsMs, visitsMs, changesMs, hourlyMs, dailyMs } = retention;
  const kept = (ms: number | null): string => (ms === null ? 'not made' : formatDuration(ms));
  const rollups = `rollups of an hour ${kept(hourlyMs)}, of a day ${kept(dailyMs)}`;
  const rows = `rows ${kept(rawMs)}, whole reports ${kept(detailMs)}, lines of logs ${kept(logsMs)}`;
  return `Kept: ${rows}, alerts and mails ${kept(alertsMs)}, visits ${kept(visitsMs)}, changes ${kept(changesMs)}, ${rollups}.`;
}

/** The counts before the first run, when there is no database. */
const nothing: PruneResult = {
  stats: 0,
  reports: 0,
  visits: 0,
  runs: 0,
  hourly: 0,
  daily: 0,
  freedBytes: 0,
  more: false,
};

type Store = Pick<Storage, 'retention' | 'stored'>;

async function withStore<T>(config: Config, migrate: boolean, work: (store: Store) => Promise<T>): Promise<T> {
  // Opened without the signal, which ends pruning between two transactions and need not abort one.
  const open = await openStorage({ storage: config.storage, migrate, program: 'collect' });
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}

function limitsOf({ retention }: Config): PruneLimits {
  return { nowMs: Date.now(), ...retention };
}

function rowsOf(pruned: PruneResult): number {
  return Object.values(countsOf(pruned)).reduce((sum, rows) => sum + rows, 0);
}

function countsOf({ stats, reports, visits, runs, hourly, daily }: PruneResult): Readonly<Record<string, number>> {
  return { stats, reports, visits, runs, hourly, daily };
}

function sentences(pruned: PruneResult): readonly string[] {
  const rows = rowsOf(pruned) === 0 ? 'Nothing was old enough to go.' : `Removed ${list(pruned)}.`;
  return pruned.more ? [rows, 'Interrupted: the next prune, or collect, goes on.'] : [rows];
}

function list({ stats, reports, visits, runs, hourly, daily }: PruneResult): string {
  const parts = [
    `${stats} rows of stats with their mounts and interfaces`,
    `${reports} whole reports`,
    `${visits} visits`,
    `${runs} runs`,
    `${hourly} rollups of an hour`,
  ];
  return `${parts.join(', ')} and ${daily} of a day`;
}

function spaceSentences(
  space: FileSpace | null,
  pruned: PruneResult,
  anew: { readonly freedBytes: number } | null,
): readonly string[] {
  if (space === null) return [];
  const freedBytes = pruned.freedBytes + (anew?.freedBytes ?? 0);
  if (anew !== null || space.shrinks) {
    const size = formatSize(space.sizeBytes - (anew?.freedBytes ?? 0));
    return [`The file has ${size}${freedBytes === 0 ? '' : `; ${formatSize(freedBytes)} were given back`}.`];
  }
  const used = formatSize(space.sizeBytes - space.freeBytes);
  return [
    `The file has ${formatSize(space.sizeBytes)}, ${formatSize(space.freeBytes)} of it free for new rows; it was ` +
      `made by an older version and does not shrink by itself.`,
    `\`fleet-health prune --vacuum\` makes it anew. That needs twice ${used} beside it for a while, and nobody can ` +
      `write meanwhile.`,
  ];
}
