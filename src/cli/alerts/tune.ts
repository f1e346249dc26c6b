import { tune, type TuneResult } from '../../alerter/tune/tune.ts';
import type { TuneLine } from '../../alerter/tune/propose.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { parseSince, parseSpanOption } from '../command/until.ts';
import { noProgress, progressOf } from '../terminal/progress.ts';
import { readerTime } from '../terminal/reader-time.ts';
import type { tuneParameters } from './parameters.ts';
import { tuneJson } from './tune-json.ts';
import { quietedText, type ShownTune, titleOf, tuneText } from './tune-text.ts';

/** Runs `tune`: proposes edits of config.xml that would have quieted past noise. */
export async function tuneCommand(context: Context, options: OptionsOf<typeof tuneParameters>): Promise<ExitStatus> {
  const { output, signal } = context;
  const trees: ConfigTree[] = [];
  const config = loadSettings(context, (tree) => trees.push(tree));
  const [tree = { root: null, sources: [], digest: '', includes: false }] = trees;
  const withinMs = parseSpanOption('--within', options.within);
  const isReplayed = !options.noReplay && options.show === null;
  const shown = await readAfterFirstRun(config.storage, signal, async (storage): Promise<ShownTune> => {
    const untilMs = await storage.nowMs();
    const span = { sinceMs: parseSince('--since', options.since, config, untilMs), untilMs, withinMs };
    const progress = isReplayed ? (await progressOf(output))('replaying', 100) : noProgress;
    const result = await tune({
      ...{ config, storage, ...span, tree, signal },
      replayMs: isReplayed ? minuteMs : null,
      observe: (share) => progress.to(Math.floor(share * 100)),
    }).finally(() => progress.end());
    const listed = options.show === null ? null : linesOf(result, options.show);
    return { time: readerTime(config, untilMs), ...span, isReplayed, listed, result };
  });
  return printAnswer(
    output,
    () => tuneJson(shown),
    () =>
      shown.listed === null
        ? tuneText(output, shown)
        : quietedText(output, shown.listed, shown.time, shown.result.clients),
  );
}

/** Returns the lines of a rule, a pattern, or a title of a line. Throws FleetError `usage` if there is none. */
function linesOf({ lines }: TuneResult, pattern: string): readonly TuneLine[] {
  const isWanted = ruleMatcher(pattern);
  const found = lines.filter(
    (line) => titleOf(line) === pattern || isWanted({ name: line.name, type: line.rule?.type ?? null }),
  );
  if (found.length > 0) return found;
  const near = didYouMean(
    pattern,
    lines.flatMap((line) => [line.name, titleOf(line)]),
  );
  throw usageError(`tune has no line for a rule "${pattern}"${near}`, 'Name a rule that `fleet-health tune` lists.');
}
