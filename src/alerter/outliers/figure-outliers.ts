/** Members of a group whose figures lie far from the others'. Pure: uses neither database nor clock. */
import { compareText } from '../../text/compare-text.ts';
import { type Figures, figureOf } from './client-figures.ts';
import type { GroupValues } from './group-values.ts';
import { type OutlierMetric, type OutlierMetricName, outlierMetrics } from './outlier-metrics.ts';
import { type Centre, centreOf, minMembers, robustScore } from './robust-score.ts';

/** The number of newest reports that are evaluated, and of those that have to be outliers. */
export const lookedAt = 12;
export const minOutlying = 9;
const minScore = 5;
/** The most members that represent the others in reports before the newest. */
const maxReferences = 12;

/** A figure of a client that lies far from that of the other members of its group. */
export interface FigureOutlier {
  readonly group: string;
  readonly client: string;
  readonly metric: OutlierMetricName;
  /** The mount; empty for other metrics. */
  readonly subject: string;
  /** The newest figure, in the unit of the metric. */
  readonly value: number;
  /** The median of the group's newest figures. */
  readonly median: number;
  /** The robust z of the newest figure. */
  readonly score: number;
  /** The number of newest reports in which the figure is an outlier, and of those that have the figure. */
  readonly rows: number;
  readonly of: number;
}

/** A figure whose newest value is an outlier, and the members whose earlier reports decide. */
export interface Candidate extends Omit<FigureOutlier, 'group' | 'rows' | 'of'> {
  readonly key: string;
  readonly references: readonly string[];
}

/** Returns the figures of the newest reports of a client, the newest first. */
export type RecentFigures = (client: string) => readonly Figures[];

const metricsByName = new Map(outlierMetrics.map((metric) => [metric.name, metric]));

/** Returns the outliers among the newest figures of a group. Figures that were outliers only earlier do not count. */
export function candidatesOf(members: GroupValues): readonly Candidate[] {
  return [...members].flatMap(([key, { clients, values }]) => {
    const { metric: name, subject } = figureOf(key);
    const metric = metricsByName.get(name);
    if (metric === undefined || values.length < minMembers) return [];
    const centre = centreOf(values);
    if (![centre.least, centre.most].some((value) => isOutlier(value, centre, metric))) return [];
    const references = spread(clients);
    return clients.flatMap((client, index) => {
      const value = values[index] ?? centre.median;
      if (!isOutlier(value, centre, metric)) return [];
      return {
        ...{ client, metric: name, subject, key, value, median: centre.median },
        score: robustScore(value, centre, metric.minMad),
        references: [...new Set([...references, client])],
      };
    });
  });
}

/** Returns a candidate as an outlier if it is one in enough of the newest reports, else null. Newest reports first. */
export function confirmed(
  group: string,
  { key, references, ...candidate }: Candidate,
  recentOf: RecentFigures,
): FigureOutlier | null {
  const metric = metricsByName.get(candidate.metric);
  if (metric === undefined) return null;
  const own = recentOf(candidate.client);
  const others = references.map(recentOf);
  let [rows, of] = [0, 0];
  for (let place = 0; place < lookedAt; place += 1) {
    const value = own[place]?.get(key);
    const known = others.flatMap((reports) => reports[place]?.get(key) ?? []);
    if (value === undefined || known.length < minMembers) continue;
    of += 1;
    if (isOutlier(value, centreOf(known), metric)) rows += 1;
  }
  return rows < minOutlying ? null : { group, ...candidate, rows, of };
}

function isOutlier(
  value: number,
  centre: Centre,
  { minMad: leastMad, minDistance: leastDistance }: OutlierMetric,
): boolean {
  return Math.abs(value - centre.median) >= leastDistance && Math.abs(robustScore(value, centre, leastMad)) >= minScore;
}

/** Returns some members at equal distances by name, so that the same ones are chosen each time. */
function spread(clients: readonly string[]): readonly string[] {
  if (clients.length <= maxReferences) return clients;
  return [...clients]
    .sort(compareText)
    .filter(
      (_, index) =>
        Math.floor((index * maxReferences) / clients.length) !==
        Math.floor(((index - 1) * maxReferences) / clients.length),
    );
}
