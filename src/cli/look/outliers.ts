import { comparedGroups } from '../../alerter/outliers/compared-groups.ts';
import { type FleetOutliers, fleetOutliers } from '../../alerter/outliers/outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../alerter/outliers/outlier-words.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { counted, namedUpTo, rounded } from '../../text/numbers.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettingsToShow } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

const maxNames = 8;

/** Runs `outliers`: prints the members of groups that differ from the others. */
export async function outliersCommand(
  context: Context,
  { groups }: { readonly groups: readonly string[] },
): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettingsToShow(context);
  const found = await readStored(config.storage, signal, async (storage): Promise<FleetOutliers> => {
    const named = groups.length === 0 ? null : groups;
    if (storage === null) return { groups: comparedGroups(config, named), figures: [], kinds: [] };
    return await fleetOutliers({ config, figures: storage.figures, groups: named, nowMs: Date.now() });
  });
  return printAnswer(
    output,
    () => outliersJson(found),
    () => outliersText(output, found),
  );
}

function outliersJson({ groups, figures, kinds }: FleetOutliers): object {
  return {
    command: 'outliers',
    groups: groups.map(({ group, clients }) => ({ group, clients: clients.length })),
    outliers: figures.map(({ value, median, score, ...outlier }) => ({
      ...outlier,
      value: rounded(value, 2),
      median: rounded(median, 2),
      score: rounded(score, 1),
    })),
    kinds,
  };
}

function outliersText(output: Output, { groups, figures, kinds }: FleetOutliers): string {
  const all = counted(new Set(groups.flatMap(({ clients }) => clients)).size, 'client');
  const where = `${all} in ${counted(groups.length, 'group')}`;
  if (groups.length === 0) return 'No group has five active clients: there is nothing to compare.';
  if (figures.length + kinds.length === 0) return `None of ${where} differs from the others.`;
  const table = renderTable(
    output,
    [
      { title: 'group', shrinks: true, keepsEnd: true, drops: 1, cell: ({ group }) => group },
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      { title: 'what', shrinks: true, keepsEnd: true, cell: ({ words }) => words.what },
      { title: 'value', align: 'right', cell: ({ words }) => ({ text: words.value, colour: 'yellow' }) },
      { title: 'median', align: 'right', cell: ({ words }) => words.median },
      { title: 'score', align: 'right', drops: 2, cell: ({ score }) => String(rounded(score, 1)) },
      { title: 'reports', align: 'right', drops: 3, cell: ({ rows, of }) => `${rows} of ${of}` },
    ],
    figures.map((outlier) => ({ ...outlier, words: figureOutlierWords(outlier) })),
  );
  const sentences = kinds.map((odd) =>
    escapeControls(`${odd.group}: ${kindOutlierSentence(odd)}: ${namedUpTo(maxNames, odd.clients)}`),
  );
  const parts = [...(figures.length === 0 ? [] : [table]), ...(kinds.length === 0 ? [] : [sentences.join('\n')])];
  return [...parts, `${where} were compared.`].join('\n\n');
}
