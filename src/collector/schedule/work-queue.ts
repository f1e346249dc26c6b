/** Work on many items at a time, within limits for what they share. Slow items do not delay the others. */
export interface WorkQueueOptions<T> {
  readonly items: readonly T[];
  readonly concurrency: number;
  /** Returns what an item shares with others (a subnet, a bastion), with its limits. Called anew each time. */
  readonly limitsOf: (item: T) => readonly Limit[];
  /**
   * True if an item will probably take long and fail. While others wait such items get a quarter of the slots at most.
   * Called at the start and when an item's turn comes, because an item may become slow.
   */
  readonly isSlow: (item: T) => boolean;
  /** Begins no item once it is aborted. */
  readonly signal: AbortSignal;
  /**
   * Works on an item. `leave` gives back what it shares before the work is over. A rejection rejects the whole queue.
   */
  readonly work: (item: T, leave: () => void) => Promise<void>;
}

export interface Limit {
  readonly key: string;
  /** At least 1. */
  readonly most: number;
}

/**
 * The items that are begun in one turn of the event loop. With slow clients turns are short, and all slots are taken
 * within milliseconds. With a slow collector only as many are under way as it keeps up with: a thousand key exchanges
 * begun together would each wait for all others, and miss deadlines that are meant for clients.
 */
const begunPerTurn = 8;

/** Works on every item once, in order as far as the limits allow. Resolves with the items that were not begun. */
export function runWorkQueue<T>(options: WorkQueueOptions<T>): Promise<readonly T[]> {
  const { limitsOf, isSlow, signal, concurrency } = options;
  const slowSlots = Math.floor(concurrency / 4);
  const busy = new Map<string, number>();
  const usual = createQueue<T>();
  const slow = createQueue<T>();
  for (const item of options.items) (isSlow(item) ? slow : usual).add(item);
  let active = 0;
  let slowActive = 0;
  let begunInTurn = 0;

  const usedUp = (item: T): string | null =>
    limitsOf(item).find(({ key, most }) => (busy.get(key) ?? 0) >= most)?.key ?? null;

  /** Takes the first item of a queue that may begin. */
  const next = (queue: Queue<T>): T | null => {
    for (let turn = queue.take(); turn !== null; turn = queue.take()) {
      const { item, wokenBy } = turn;
      const turnedSlow = queue === usual && isSlow(item);
      const key = turnedSlow ? null : usedUp(item);
      if (!turnedSlow && key === null) return item;
      if (turnedSlow) slow.add(item);
      else if (key !== null) queue.park(item, key);
      // Passes the free slot on: this item cannot use it.
      if (wokenBy !== null && wokenBy !== key) queue.wake(wokenBy);
    }
    return null;
  };

  return new Promise((resolve, reject) => {
    const begin = async (item: T, isSlowTurn: boolean): Promise<void> => {
      active++;
      if (isSlowTurn) slowActive++;
      const keys = limitsOf(item).map(({ key }) => key);
      for (const key of keys) busy.set(key, (busy.get(key) ?? 0) + 1);
      const leave = (): void => {
        for (const key of keys.splice(0)) {
          busy.set(key, (busy.get(key) ?? 0) - 1);
          usual.wake(key);
          slow.wake(key);
        }
      };
      try {
        await options.work(item, () => {
          leave();
          fill();
        });
        active--;
        if (isSlowTurn) slowActive--;
        leave();
        fill();
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    };
    const beginNext = (queue: Queue<T>): boolean => {
      const item = next(queue);
      if (item === null) return false;
      if (begunInTurn++ === 0) setImmediate(nextTurn);
      void begin(item, queue === slow);
      return true;
    };
    const beginNextSlow = (): boolean => (slowActive < slowSlots || usual.isEmpty()) && beginNext(slow);
    const fill = (): void => {
      while (active < concurrency && begunInTurn < begunPerTurn && !signal.aborted) {
        // Tried twice: the last usual items may just have turned slow.
        if (!beginNextSlow() && !beginNext(usual) && !beginNextSlow()) break;
      }
      const turnIsFull = begunInTurn === begunPerTurn && !signal.aborted;
      if (active === 0 && !turnIsFull) resolve([...usual.rest(), ...slow.rest()]);
    };
    const nextTurn = (): void => {
      begunInTurn = 0;
      fill();
    };
    fill();
  });
}

interface Turn<T> {
  readonly item: T;
  /** The limit that the item waited for. */
  readonly wokenBy: string | null;
}

type Queue<T> = ReturnType<typeof createQueue<T>>;

function createQueue<T>() {
  const items: T[] = [];
  const woken: Turn<T>[] = [];
  const parked = new Map<string, T[]>();
  let cursor = 0;
  let parkedCount = 0;
  return {
    add: (item: T): void => void items.push(item),
    take: (): Turn<T> | null => {
      const first = woken.shift();
      if (first !== undefined) return first;
      if (cursor >= items.length) return null;
      return { item: items[cursor++] as T, wokenBy: null };
    },
    /** Sets an item aside until the limit has a free slot. */
    park: (item: T, key: string): void => {
      const others = parked.get(key);
      if (others === undefined) parked.set(key, [item]);
      else others.push(item);
      parkedCount++;
    },
    wake: (key: string): void => {
      const others = parked.get(key);
      const item = others?.shift();
      if (item === undefined) return;
      if (others?.length === 0) parked.delete(key);
      parkedCount--;
      woken.push({ item, wokenBy: key });
    },
    /** True if no item waits for a turn or for a limit. */
    isEmpty: (): boolean => cursor >= items.length && woken.length === 0 && parkedCount === 0,
    rest: (): readonly T[] => [
      ...woken.map(({ item }) => item),
      ...[...parked.values()].flat(),
      ...items.slice(cursor),
    ],
  };
}
