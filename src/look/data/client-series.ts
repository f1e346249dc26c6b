import { ownLabels } from '../metrics/series-families.ts';
import type { PlottedSeries } from '../page/encode-series.ts';
import type { SeriesUnit } from '../page/series-layout.ts';
import type { FleetFigures, Grid, KnownSeries, PlotStore, Watch } from '../../storage/store/look-store.ts';

/** The most plots of a client's series, and the most lines in all of these plots. */
const maxPlots = 12;
const maxLines = 24;
/** The clients of a report that have plots of series. Series are read client by client. */
export const maxSeriesClients = 50;

/** The series of a client that are drawn, and the number of others. */
interface ChosenSeries {
  readonly shown: readonly ShownSeries[];
  readonly more: number;
}

interface ShownSeries {
  readonly id: number;
  readonly plot: string;
  readonly name: string;
  readonly unit: SeriesUnit;
}

/** The chosen series of clients with their samples. */
export interface SeriesFigures {
  readonly chosen: ReadonlyMap<string, ChosenSeries>;
  readonly figures: FleetFigures;
}

const units: readonly SeriesUnit[] = ['seconds', 'bytes', 'percent', 'ratio', 'per_second'];

/** Chooses and reads the series of clients. */
export async function readSeries(
  plots: Pick<PlotStore, 'knownSeries' | 'seriesFigures'>,
  clients: readonly string[],
  grid: Grid,
  watch: Watch,
): Promise<SeriesFigures> {
  const chosen = new Map<string, ChosenSeries>();
  for (const client of clients) {
    watch.signal.throwIfAborted();
    chosen.set(client, chooseSeries(await plots.knownSeries(client, grid)));
  }
  const ids = new Map([...chosen].map(([client, { shown }]) => [client, shown.map(({ id }) => id)]));
  return { chosen, figures: await plots.seriesFigures(ids, grid, watch) };
}

/** Chooses the most informative series: changing ones, then temperatures, figures of checks, and samples. */
export function chooseSeries(known: readonly KnownSeries[]): ChosenSeries {
  const ranked = known.map((series) => ({ series, rank: rankOf(series) })).sort((one, other) => one.rank - other.rank);
  const plots = new Set<string>();
  const shown: ShownSeries[] = [];
  for (const { series } of ranked) {
    const one = shownSeries(series);
    const plot = `${one.plot} ${one.unit}`;
    if (shown.length >= maxLines || (!plots.has(plot) && plots.size >= maxPlots)) continue;
    plots.add(plot);
    shown.push(one);
  }
  return { shown, more: known.length - shown.length };
}

function rankOf({ metric, isVaried }: KnownSeries): number {
  const change = isVaried === null ? 1 : isVaried ? 0 : 2;
  const kind = /temp|celsius/i.test(metric) ? 0 : metric.includes(' ') ? 1 : 2;
  return change * 3 + kind;
}

/** Returns a series with its plot and line. The plot of a figure is its check; the plot of a sample is its metric. */
function shownSeries({ id, metric, labels, unit }: KnownSeries): ShownSeries {
  const own = ownLabels(labels);
  const known = units.find((one) => one === unit) ?? 'count';
  const { check, label } = own;
  if (metric.includes(' ') && check !== undefined && label !== undefined) {
    return { id, plot: check, name: label, unit: known };
  }
  const words = Object.entries(own).map(([name, value]) => `${name} ${value}`);
  return { id, plot: metric, name: words.length === 0 ? metric : words.join(', '), unit: known };
}

/** Returns the lines of a client. Omits series without a sample in the span. */
export function seriesLines(
  { chosen, figures }: SeriesFigures,
  client: string,
  stepFactor: number,
): readonly PlottedSeries[] {
  const byId = new Map(figures.of(client, stepFactor).map((one) => [one.subject, one.figures.get('value')]));
  return (chosen.get(client)?.shown ?? []).flatMap(({ id, plot, name, unit }) => {
    const values = byId.get(String(id))?.mean;
    return values === undefined ? [] : [{ group: 'series' as const, name, plot, unit, values }];
  });
}
