import type { SectionWords } from '../compose/mail-words.ts';
import type { FigureOutlier } from '../outliers/figure-outliers.ts';
import type { KindOutlier } from '../outliers/kind-outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../outliers/outlier-words.ts';
import { countedMany, joined } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { digestSection, firstLines, nameList, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

const nameColumns = 22;

/** Returns the members that differ from the others of their group in figures or inventories; null if there are none. */
export function outlierSection({ outliers }: DigestFacts, { most }: DigestWording): SectionWords | null {
  const { figures, kinds } = outliers;
  const count = figures.length + kinds.length;
  if (count === 0) return null;
  const figureLine = (outlier: FigureOutlier): string => {
    const { what, value, median } = figureOutlierWords(outlier);
    const short = (name: string): string => cut(quoted(name), nameColumns);
    return `${short(outlier.client)}: ${short(what)} ${value}, usual in ${short(outlier.group)} is ${median}`;
  };
  const kindLine = (outlier: KindOutlier): string => {
    const { group, clients } = outlier;
    return `${cut(quoted(group), nameColumns)}: ${quoted(kindOutlierSentence(outlier))}: ${nameList(clients)}`;
  };
  return digestSection({
    heading: 'Unlike the others of their group',
    count,
    blocks: [
      {
        title: joined([
          figures.length === 0 ? '' : countedMany(figures.length, 'figure'),
          kinds.length === 0 ? '' : countedMany(kinds.length, 'kind'),
        ]),
        lines: [...firstLines(figures, most, figureLine), ...firstLines(kinds, most, kindLine)],
      },
    ],
  });
}
