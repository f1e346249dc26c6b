import type { FleetOutliers } from '../../alerter/outliers/outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../alerter/outliers/outlier-words.ts';
import type { PageOutliers } from '../page/page.ts';

/** The most rows and the most sentences of a page. */
const maxFigures = 40;
const maxKinds = 20;

/** Returns the outliers of the clients of a page in the given order, the furthest first. */
export function pageOutliers({ figures, kinds }: FleetOutliers, shown: ReadonlySet<string>): PageOutliers {
  const ownFigures = figures.filter(({ client }) => shown.has(client));
  const ownKinds = kinds.flatMap((odd) => {
    const clients = odd.clients.filter((client) => shown.has(client));
    return clients.length === 0 ? [] : [{ group: odd.group, sentence: kindOutlierSentence(odd), clients }];
  });
  return {
    figures: ownFigures.slice(0, maxFigures).map((outlier) => {
      const { client, group } = outlier;
      return { client, group, ...figureOutlierWords(outlier) };
    }),
    kinds: ownKinds.slice(0, maxKinds),
    more: Math.max(0, ownFigures.length - maxFigures) + Math.max(0, ownKinds.length - maxKinds),
  };
}
