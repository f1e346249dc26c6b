import type { Rule } from '../config/config.ts';
import { type ClientHistory, encodeHistory } from '../page/encode-series.ts';
import type { Alert } from '../storage/store/alert.ts';
import type { Grid, LookStore } from '../storage/store/look-store.ts';
import { readClientHistory } from './client-history.ts';

const sparkPoints = 48;
/** Clients that are tried to find out how much the histories take. */
const tried = 24;
/** The clients that keep their history in a file that would be far too large. */
const worst = 500;

export interface HistoryClient {
  readonly client: string;
  readonly rules: readonly Rule[];
  readonly alerts: readonly Alert[];
}

export interface HistoriesOptions {
  readonly look: LookStore;
  /** Worst first. */
  readonly clients: readonly HistoryClient[];
  readonly grid: Grid;
  /** The most bytes that the encoded histories may take. */
  readonly historyBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

/** The drawn parts of a client. */
export interface ClientPlots {
  readonly spark: readonly (number | null)[];
  /** null: left out to keep the file small. */
  readonly history: string | null;
  readonly cpus: number | null;
}

interface Thinning {
  /** False: clients without alerts have no network plot. */
  readonly network: boolean;
  readonly stepFactor: number;
  readonly clients: number;
  readonly words: readonly string[];
}

const noNetwork = 'Network plots of clients without alerts were left out to keep the file small.';

/** Ways to make the file smaller, each on top of the one before. */
const thinnings: readonly Thinning[] = [
  { network: true, stepFactor: 1, clients: Infinity, words: [] },
  { network: false, stepFactor: 1, clients: Infinity, words: [noNetwork] },
  { network: false, stepFactor: 4, clients: Infinity, words: [noNetwork, 'Plots are coarser to keep the file small.'] },
  {
    network: false,
    stepFactor: 4,
    clients: worst,
    words: [noNetwork, `Only the ${worst} clients that are worst off have plots.`],
  },
];

/** Reads and encodes the histories of clients so that they fit. Says what it left out. */
export async function readHistories(
  options: HistoriesOptions,
): Promise<{ readonly plots: readonly ClientPlots[]; readonly omissions: readonly string[] }> {
  const thinning = await chooseThinning(options);
  const plots: ClientPlots[] = [];
  let left = options.historyBytes;
  let dropped = 0;
  for (const [index, client] of options.clients.entries()) {
    options.signal.throwIfAborted();
    const history = await read(options, client, thinning);
    const encoded = index < thinning.clients ? encodeHistory(history) : null;
    const fits = encoded === null || encoded.length <= left;
    if (encoded !== null && fits) left -= encoded.length;
    if (!fits) dropped += 1;
    plots.push({ spark: sparkOf(history), history: fits ? encoded : null, cpus: history.cpus });
    options.onProgress(index + 1);
  }
  const rest = dropped === 0 ? [] : [`${dropped} clients more have no plots: the file is full.`];
  return { plots, omissions: [...thinning.words, ...rest] };
}

/** Tries clients from all over the list, and takes the first thinning with which all are expected to fit. */
async function chooseThinning(options: HistoriesOptions): Promise<Thinning> {
  const { clients, historyBytes, signal } = options;
  const every = Math.max(1, Math.floor(clients.length / tried));
  const sample = clients.filter((_, index) => index % every === 0);
  for (const thinning of thinnings) {
    let bytes = 0;
    for (const client of sample) {
      signal.throwIfAborted();
      bytes += encodeHistory(await read(options, client, thinning)).length;
    }
    const expected = (bytes / Math.max(1, sample.length)) * Math.min(clients.length, thinning.clients);
    if (expected <= historyBytes) return thinning;
  }
  return thinnings.at(-1) ?? { network: false, stepFactor: 1, clients: worst, words: [] };
}

function read({ look, grid }: HistoriesOptions, client: HistoryClient, thinning: Thinning): Promise<ClientHistory> {
  const stepMs = grid.stepMs * thinning.stepFactor;
  const withNetwork = thinning.network || client.alerts.length > 0;
  const points = Math.ceil(grid.points / thinning.stepFactor);
  return readClientHistory({ ...client, look, withNetwork, grid: { ...grid, stepMs, points } });
}

function sparkOf({ series, points }: ClientHistory): readonly (number | null)[] {
  const cpu = series.find(({ group, name }) => group === 'cpu' && name === 'mean')?.values ?? [];
  if (cpu.length === 0) return [];
  const columns = Math.min(sparkPoints, points);
  return Array.from({ length: columns }, (_, column) => {
    const values = cpu.slice(Math.floor((column * points) / columns), Math.floor(((column + 1) * points) / columns));
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0) / known.length;
  });
}
