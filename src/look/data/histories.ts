import type { Rule } from '../../config/config.ts';
import { type ClientHistory, encodeHistory } from '../page/encode-series.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { counted } from '../../text/numbers.ts';
import type { CauseStore } from '../../storage/store/digest-store.ts';
import type { Grid, PlotStore, Watch } from '../../storage/store/look-store.ts';
import { readChangeTimes } from './client-changes.ts';
import { clientHistory, readFigures } from './client-history.ts';
import { maxSeriesClients, readSeries, type SeriesFigures } from './client-series.ts';

const sparkPoints = 48;
/** The clients whose histories are encoded to estimate the size of all. */
const maxTried = 24;
/** The clients that keep their history if the file would otherwise be far too large. */
const worst = 500;
/** The bytes of a client's history at the coarsest resolution. */
const minBytes = 700;

interface HistoryClient {
  readonly client: string;
  readonly rules: readonly Rule[];
  readonly alerts: readonly Alert[];
}

interface HistoriesOptions extends Watch {
  readonly plots: PlotStore;
  readonly causes: Pick<CauseStore, 'changeTimes'>;
  /** Worst first. */
  readonly clients: readonly HistoryClient[];
  /** Returns the grid of the span for a number of clients, with at most `points` points. */
  readonly gridOf: (clients: number, points?: number) => Grid;
  /** The most bytes that the encoded histories may take. */
  readonly historyBytes: number;
}

/** The plots of a client. */
export interface ClientPlots {
  readonly spark: readonly (number | null)[];
  /** The encoded history; null if it was left out to keep the file small. */
  readonly history: string | null;
}

interface Thinning {
  /** False if clients without alerts have no plots of interfaces and series. */
  readonly isFull: boolean;
  readonly stepFactor: number;
  readonly clients: number;
  readonly words: readonly string[];
}

const notFull =
  'Plots of the network, of checks and of textfiles are only of clients with alerts, to keep the file small.';
const coarser = 'Plots are coarser to keep the file small.';
const worstSeries = `Only the ${maxSeriesClients} clients that are worst off have plots of checks and textfiles.`;
const worstOnly = `Only the ${worst} clients that are worst off have plots.`;

/** Steps that make the file smaller, each in addition to the one before. `thinnest` is the last. */
const thinnings: readonly Thinning[] = [
  { isFull: true, stepFactor: 1, clients: Infinity, words: [] },
  { isFull: false, stepFactor: 1, clients: Infinity, words: [notFull] },
  { isFull: false, stepFactor: 4, clients: Infinity, words: [notFull, coarser] },
];
const thinnest: Thinning = { isFull: false, stepFactor: 4, clients: worst, words: [notFull, coarser, worstOnly] };

const sampled = 'A point is one report of its time, not the mean of all: there are too many rows.';

/** Reads and encodes the histories of clients within `historyBytes`. `omissions` names what was left out. */
export async function readHistories(
  options: HistoriesOptions,
): Promise<{ readonly plots: readonly ClientPlots[]; readonly omissions: readonly string[] }> {
  const { plots, causes, clients, gridOf, historyBytes, signal, onProgress } = options;
  const most = historyBytes === 0 ? 0 : Math.max(worst, historyBytes / minBytes);
  const detailed = clients.length <= most ? clients : clients.slice(0, Math.min(worst, most));
  const isWhole = detailed.length === clients.length;
  const grid = gridOf(detailed.length);
  const names = (some: readonly HistoryClient[]): readonly string[] => some.map(({ client }) => client);
  const figures = await readFigures(plots, names(detailed), grid, {
    signal,
    onProgress: (share) => onProgress(share * (isWhole ? 1 : 0.8)),
  });
  const series = await readWorstSeries(options, names(detailed), grid);
  const changes = await readChangeTimes(causes, names(detailed), grid);
  const sparkGrid = isWhole ? grid : gridOf(clients.length, sparkPoints);
  const cpu = isWhole
    ? figures.stats
    : await plots.fleetFigures(
        { clients: names(clients), table: 'stats', columns: [cpuColumn], ranges: [], grid: sparkGrid },
        { signal, onProgress: (share) => onProgress(0.8 + share * 0.2) },
      );
  const draw = (client: HistoryClient, { isFull, stepFactor }: Thinning): ClientHistory =>
    clientHistory({
      ...{ ...client, figures, series, grid, stepFactor, isFull: isFull || client.alerts.length > 0 },
      changesMs: changes.get(client.client) ?? [],
    });
  const encoded = encodeAll(detailed, historyBytes, (client, thinning) => encodeHistory(draw(client, thinning)));
  return {
    plots: clients.map(({ client }, index) => ({
      spark: sparkOf(cpu.of(client)[0]?.figures.get(cpuColumn)?.mean ?? []),
      history: encoded.histories[index] ?? null,
    })),
    omissions: [
      ...(grid.sampleMs === null || detailed.length === 0 ? [] : [sampled]),
      ...(series.isCut ? [worstSeries] : []),
      ...encoded.words.filter((words) => words !== worstOnly || clients.length > worst),
      ...(isWhole || encoded.words.includes(worstOnly) ? [] : [wordsOfRest(detailed.length)]),
    ],
  };
}

interface WorstSeries extends SeriesFigures {
  /** True if more clients than these have series. */
  readonly isCut: boolean;
}

/** Reads the series of the worst clients among the clients that have series. */
async function readWorstSeries(
  { plots, signal }: HistoriesOptions,
  clients: readonly string[],
  grid: Grid,
): Promise<WorstSeries> {
  const counts = await plots.seriesCounts(clients, grid.sinceMs);
  const having = clients.filter((client) => counts.has(client));
  const watch = { signal, onProgress: () => undefined };
  const series = await readSeries(plots, having.slice(0, maxSeriesClients), grid, watch);
  return { ...series, isCut: having.length > maxSeriesClients };
}

const cpuColumn = 'cpu_percent';

function wordsOfRest(detailed: number): string {
  if (detailed === 0) return 'Plots were left out to keep the file small.';
  return `Only the ${counted(detailed, 'client')} that are worst off have plots.`;
}

/** Encodes histories within `historyBytes`, the worst clients first. */
function encodeAll(
  clients: readonly HistoryClient[],
  historyBytes: number,
  encode: (client: HistoryClient, thinning: Thinning) => string,
) {
  const thinning = chooseThinning(clients, historyBytes, encode);
  let left = historyBytes;
  let dropped = 0;
  const histories = clients.map((client, index) => {
    if (index >= thinning.clients) return null;
    const history = encode(client, thinning);
    if (history.length > left) {
      dropped += 1;
      return null;
    }
    left -= history.length;
    return history;
  });
  const rest = dropped === 0 ? [] : [`${counted(dropped, 'client')} more have no plots: the file is full.`];
  return { histories, words: [...thinning.words, ...rest] };
}

/** Encodes a sample of clients from the whole list. Returns the first thinning with which all are expected to fit. */
function chooseThinning(
  clients: readonly HistoryClient[],
  historyBytes: number,
  encode: (client: HistoryClient, thinning: Thinning) => string,
): Thinning {
  const every = Math.max(1, Math.floor(clients.length / maxTried));
  const sample = clients.filter((_, index) => index % every === 0);
  const expected = (thinning: Thinning): number => {
    const bytes = sample.reduce((total, client) => total + encode(client, thinning).length, 0);
    return (bytes / Math.max(1, sample.length)) * Math.min(clients.length, thinning.clients);
  };
  return thinnings.find((thinning) => expected(thinning) <= historyBytes) ?? thinnest;
}

function sparkOf(cpu: readonly (number | null)[]): readonly (number | null)[] {
  if (cpu.length === 0) return [];
  const columns = Math.min(sparkPoints, cpu.length);
  return Array.from({ length: columns }, (_, column) => {
    const start = Math.floor((column * cpu.length) / columns);
    const values = cpu.slice(start, Math.floor(((column + 1) * cpu.length) / columns));
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0) / known.length;
  });
}
