import { describeSize, rounded } from '../../text/numbers.ts';
import type { FigureOutlier } from './figure-outliers.ts';
import type { KindFact, KindOutlier } from './kind-outliers.ts';
import { type OutlierMetric, type OutlierMetricName, outlierMetrics } from './outlier-metrics.ts';

const names: Readonly<Record<Exclude<OutlierMetricName, 'mount'>, string>> = {
  cpu: 'CPU',
  memory: 'memory',
  load: 'load per CPU',
  swap: 'swap',
  processes: 'processes',
  temperature: 'temperature',
  received: 'received',
  sent: 'sent',
};
const units = new Map(outlierMetrics.map(({ name, unit }) => [name, unit]));

/** A figure in words: `CPU`, `94 %`, `12 %`. The text of a mount is the client's. */
export interface FigureOutlierWords {
  readonly what: string;
  readonly value: string;
  readonly median: string;
}

export function figureOutlierWords({ metric, subject, value, median }: FigureOutlier): FigureOutlierWords {
  const unit = units.get(metric) ?? 'count';
  return {
    what: metric === 'mount' ? subject : names[metric],
    value: figureWords(value, unit),
    median: figureWords(median, unit),
  };
}

function figureWords(value: number, unit: OutlierMetric['unit']): string {
  if (unit === 'percent') return `${rounded(value, 1)} %`;
  if (unit === 'celsius') return `${rounded(value, 1)} °C`;
  if (unit === 'bytes_per_second') return `${describeSize(value)}/s`;
  return String(rounded(value, unit === 'load' ? 2 : 0));
}

interface FactWords {
  readonly verbs: readonly [one: string, many: string];
  readonly before?: string;
  readonly behind?: string;
  /** The words for several values that are not usual. */
  readonly others?: string;
}

const factWords: Readonly<Record<KindFact, FactWords>> = {
  os: { verbs: ['runs', 'run'], others: 'another system' },
  kernel: { verbs: ['runs', 'run'], before: 'kernel ', others: 'another kernel' },
  architecture: { verbs: ['has', 'have'], before: 'architecture ', others: 'another architecture' },
  cpus: { verbs: ['has', 'have'], behind: ' CPUs', others: 'another number of CPUs' },
  memory: { verbs: ['has', 'have'], behind: ' of memory', others: 'another amount of memory' },
  mount: { verbs: ['lacks', 'lack'], before: 'mount ' },
};

/** Describes members of another kind: `4 of 80 run kernel 6.1.0-18 instead of 6.1.0-28`. The texts are the clients'. */
export function kindOutlierSentence({ fact, usual, value, members, clients }: KindOutlier): string {
  const { verbs, before = '', behind = '', others } = factWords[fact];
  const begins = `${clients.length} of ${members} ${verbs[clients.length === 1 ? 0 : 1]}`;
  if (value !== null) return `${begins} ${before}${value} instead of ${usual}${behind}`;
  return others === undefined ? `${begins} ${before}${usual}` : `${begins} ${others} than ${usual}`;
}
