import { beforeWords, causeSentence, namedWords } from '../../alerter/cause/cause-words.ts';
import type { FoundCause } from '../../alerter/cause/find-cause.ts';
import { maxFurther, namedChanges, type WeighedSet } from '../../alerter/cause/weigh-changes.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { changeWords } from '../../text/change-words.ts';
import { commaGrouped, counted } from '../../text/numbers.ts';
import { oneLine, quoted, withoutStop } from '../../text/plain-text.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';

/** The most sets that are listed for an alert, and those that are listed unless the command line names its rule. */
const maxSets = 40;
const maxUnasked = 3;
/** The changes of a set that its line names, and the most further ones below it. */
const named = 1 + maxFurther;
const maxOthers = 8;

interface ChangesOptions {
  readonly detailed: boolean;
  readonly time: ReaderTime;
}

/** Lists the changes before an alert in the order of the test; the stored sentence for an alert that is over. */
export function changesBefore(
  alert: Alert,
  found: FoundCause | null,
  { detailed, time }: ChangesOptions,
): readonly string[] {
  if (found === null) {
    const sentence =
      alert.cause === undefined || alert.cause === null ? null : causeSentence(alert.client, alert.cause);
    return sentence === null ? [] : [sentence];
  }
  const { sets, group, cause } = found;
  const shown = sets.slice(0, detailed ? maxSets : maxUnasked);
  const common = cause.allOf === null ? [] : [`Those that fail are just all of ${quoted(cause.allOf)}.`];
  const config = cause.configBeforeMs === null ? [] : [`config.xml changed ${beforeWords(cause.configBeforeMs)} it.`];
  const unknown = unknownLines(alert, found, time);
  const head =
    group === null ? 'Changed in the 24 h before it:' : `Changed in the 24 h before it, compared in ${quoted(group)}:`;
  const more =
    sets.length > shown.length
      ? [`  and ${counted(sets.length - shown.length, 'change')} more${detailed ? '' : '; name the rule to see all'}`]
      : [];
  const list = sets.length > 0 ? [head, ...shown.flatMap((set) => setLines(set, group, detailed)), ...more] : [];
  const none = sets.length + unknown.length === 0 && detailed ? ['No change is known in the 24 h before it.'] : [];
  return [...common, ...list, ...none, ...config, ...unknown];
}

const verdicts: Readonly<Record<WeighedSet['verdict'], string>> = {
  named: 'named',
  'by-chance': 'not named: it may be by chance',
  'found-later': 'found at a later visit, so it may have come after it',
  'others-have-it': 'others have it and do not fail',
  restless: 'restless',
  'same-time': 'at the same time',
  'while-away': 'while it was away',
};

/** Describes a set in a line, and its further changes in another one if the command line names the rule. */
function setLines(set: WeighedSet, group: string | null, detailed: boolean): readonly string[] {
  const others = set.changes.slice(named, named + maxOthers).map((change) => quoted(changeWords(change)));
  const more = set.changes.length - named - others.length;
  const list = [...others, ...(more > 0 ? [`${commaGrouped(more)} more`] : [])].join(', ');
  return [`  ${setWords(set, group)}`, ...(detailed && list !== '' ? [`    with it: ${list}`] : [])];
}

function setWords(set: WeighedSet, group: string | null): string {
  const { failing, others, chance, verdict, beforeMs, days } = set;
  const isAway = verdict === 'while-away';
  const what = `${namedWords(namedChanges(set, group))}${isAway ? '' : `, ${beforeWords(beforeMs)}`}`;
  if (chance === null)
    return `${what}: ${verdicts[verdict]}${verdict === 'restless' ? `, changed on ${days} of 30 days` : ''}`;
  const members =
    group === null
      ? ''
      : `${failing.having} of ${failing.all} failing, ${others.having} of ${counted(others.all, 'other')}, `;
  return `${what}: ${members}${chanceWords(chance)}; ${verdicts[verdict]}`;
}

/** Formats a probability: `1 in 2,100 by chance`. */
function chanceWords(chance: number): string {
  const times = chance <= 0 ? 1e9 : 1 / chance;
  const digits = times < 10 ? 1 : 10 ** Math.max(0, Math.floor(Math.log10(times)) - 1);
  return times < 1.5 ? 'likely by chance' : `1 in ${commaGrouped(Math.round(times / digits) * digits)} by chance`;
}

/** Says which parts of the client's state are not known, and since when. */
function unknownLines({ client }: Alert, { sections }: FoundCause, time: ReaderTime): readonly string[] {
  if (sections.length === 0) return [`No state of ${quoted(client)} is known, so nothing can be compared.`];
  return sections.flatMap(({ kind, observedAtMs, error }) => {
    if (error === null) return [];
    const since = observedAtMs === null ? '' : ` since ${time.moment(observedAtMs)}`;
    return [`No ${kind} state known${since}: ${withoutStop(oneLine(error))}.`];
  });
}

/** Returns the changes before an alert for JSON. */
export function changesBeforeJson(found: FoundCause | null): object | null {
  if (found === null) return null;
  const { sets, group, cause } = found;
  return {
    group,
    all_of: cause.allOf,
    sets: sets.slice(0, maxSets).map((set) => {
      const { changes, failing, others, chance, verdict, earliestMs, latestMs } = set;
      return {
        changes: changes.slice(0, maxSets).map(({ kind, item, oldValue, newValue }) => ({
          ...{ kind, item, before: oldValue, after: newValue },
        })),
        ...jsonFields({ count: changes.length, earliestAtMs: earliestMs, latestAtMs: latestMs }),
        before_s: Math.round(set.beforeMs / 1000),
        failing: [failing.having, failing.all],
        others: [others.having, others.all],
        ...{ chance, verdict: verdict.replaceAll('-', '_') },
      };
    }),
  };
}
