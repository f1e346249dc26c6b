import type { AlertState, AlertStore, Judged, UntreatedBatch } from '../../storage/store/alert-store.ts';
import type { ClientMemory, Episode } from '../../storage/store/episode.ts';

/** What a pass asks of the store until mails are sent. */
export type PassStore = Pick<
  AlertStore,
  | 'nowMs'
  | 'takeLease'
  | 'releaseLease'
  | 'leaseHolder'
  | 'untreated'
  | 'disksOf'
  | 'networksOf'
  | 'reportsOf'
  | 'exportsOf'
  | 'systemsOf'
  | 'openEpisodes'
  | 'memories'
  | 'saveJudged'
  | 'runs'
  | 'lastRunOf'
  | 'seenClients'
  | 'sealedWaiting'
  | 'ownDisks'
  | 'state'
  | 'series'
  | 'silences'
  | 'saveTelling'
>;

/** Rows of each kind that a dry run judges: they are held in memory, for nothing marks them as treated. */
const rehearsedRows = 50_000;

/** A store that keeps in memory what a pass would store, over one that is only read. */
export function createRehearsal(store: AlertStore): PassStore {
  const episodes = new Map<number, Episode>();
  const memories = new Map<string, ClientMemory>();
  let nextId = -1;
  let judged = false;

  const overlay = (stored: readonly Episode[], isWanted: (episode: Episode) => boolean): readonly Episode[] => {
    const unchanged = stored.filter(({ id }) => id === null || !episodes.has(id));
    return [...unchanged, ...episodes.values()].filter(isWanted);
  };
  const isOpen = ({ state }: Episode): boolean => state !== 'resolved';

  return {
    ...store,
    takeLease: (name, holder) => Promise.resolve({ name, epoch: 0, holder }),
    releaseLease: () => Promise.resolve(),
    untreated: async (): Promise<UntreatedBatch> => {
      if (judged) return { reports: [], visits: [], more: false, next: null };
      judged = true;
      return { ...(await store.untreated(rehearsedRows)), next: null };
    },
    openEpisodes: async (clients) =>
      overlay(
        await store.openEpisodes(clients),
        (episode) => isOpen(episode) && (clients === null || clients.includes(episode.client)),
      ),
    memories: async (clients) => {
      const stored = new Map(await store.memories(clients));
      for (const client of clients) {
        const memory = memories.get(client);
        if (memory !== undefined) stored.set(client, memory);
      }
      return stored;
    },
    saveJudged: (_lease, { episodes: changed, memories: remembered }: Judged) => {
      for (const episode of changed) {
        // Numbers of their own, below those that are stored.
        const id = episode.id ?? nextId--;
        episodes.set(id, { ...episode, id });
      }
      for (const [client, memory] of remembered) memories.set(client, memory);
      return Promise.resolve();
    },
    state: async (nowMs): Promise<AlertState> => {
      const state = await store.state(nowMs);
      return { ...state, episodes: overlay(state.episodes, (episode) => isOpen(episode) || !episode.settled) };
    },
    saveTelling: () => Promise.resolve('stored'),
  };
}
