import type { Rule } from '../config/config.ts';
import { type ClientHistory, encodeHistory } from '../page/encode-series.ts';
import type { Alert } from '../storage/store/alert.ts';
import { counted } from '../text/numbers.ts';
import type { Grid, LookStore } from '../storage/store/look-store.ts';
import { readClientHistory } from './client-history.ts';

const sparkPoints = 48;
/** Clients that are tried to find out how much the histories take. */
const mostTried = 24;
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

const whole: Thinning = { network: true, stepFactor: 1, clients: Infinity, words: [] };

/** Ways to make the file smaller, each on top of the one before. */
const thinnings: readonly Thinning[] = [
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
  const { thinning, tried: known } = await chooseThinning(options);
  const plots: ClientPlots[] = [];
  let left = options.historyBytes;
  let dropped = 0;
  for (const [index, client] of options.clients.entries()) {
    options.signal.throwIfAborted();
    const { history, ...drawn } = known.get(client) ?? (await plotsOf(options, client, thinning));
    const bytes = history?.length ?? 0;
    const isKept = index < thinning.clients && bytes <= left;
    if (isKept) left -= bytes;
    else if (index < thinning.clients) dropped += 1;
    plots.push({ ...drawn, history: isKept ? history : null });
    options.onProgress(index + 1);
  }
  const rest = dropped === 0 ? [] : [`${counted(dropped, 'client')} more have no plots: the file is full.`];
  return { plots, omissions: [...thinning.words, ...rest] };
}

interface Choice {
  readonly thinning: Thinning;
  /** The clients that were tried with it. */
  readonly tried: ReadonlyMap<HistoryClient, ClientPlots>;
}

/** Tries clients from all over the list, and takes the first thinning with which all are expected to fit. */
async function chooseThinning(options: HistoriesOptions): Promise<Choice> {
  const { clients, historyBytes, signal } = options;
  const every = Math.max(1, Math.floor(clients.length / mostTried));
  const sample = clients.filter((_, index) => index % every === 0);
  let tried = new Map<HistoryClient, ClientPlots>();
  let chosen: Thinning = whole;
  for (const thinning of [whole, ...thinnings]) {
    chosen = thinning;
    tried = new Map();
    let bytes = 0;
    for (const client of sample) {
      signal.throwIfAborted();
      const plots = await plotsOf(options, client, thinning);
      bytes += plots.history?.length ?? 0;
      tried.set(client, plots);
    }
    const expected = (bytes / Math.max(1, sample.length)) * Math.min(clients.length, thinning.clients);
    if (expected <= historyBytes) break;
  }
  return { thinning: chosen, tried };
}

async function plotsOf(
  { look, grid }: HistoriesOptions,
  client: HistoryClient,
  { network, stepFactor }: Thinning,
): Promise<ClientPlots> {
  const history = await readClientHistory({
    ...client,
    look,
    withNetwork: network || client.alerts.length > 0,
    grid: { ...grid, stepMs: grid.stepMs * stepFactor, points: Math.ceil(grid.points / stepFactor) },
  });
  return { spark: sparkOf(history), history: encodeHistory(history), cpus: history.cpus };
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
