/** Work on many things at once, within limits for what they share, and without the slow ones in the way of the others. */
export interface ScheduleOptions<T> {
  readonly items: readonly T[];
  readonly concurrency: number;
  /** What an item shares with others (a subnet, a bastion) and how many may share it at the same time: asked anew each time. */
  readonly limitsOf: (item: T) => readonly Limit[];
  /**
   * Items that will probably take long and bring nothing. While others wait they get a quarter of the places at most.
   * Asked at the start and when an item's turn comes: what was not slow may have become so.
   */
  readonly isSlow: (item: T) => boolean;
  /** No item is begun once it is aborted. */
  readonly signal: AbortSignal;
  /** `leave` gives back what the item shares with others before its work is over. When it rejects, so does the schedule. */
  readonly work: (item: T, leave: () => void) => Promise<void>;
}

export interface Limit {
  readonly key: string;
  /** At least 1. */
  readonly most: number;
}

/**
 * So many are begun in one turn of the event loop at most. Where the far ends are slow, turns are short and all places are taken
 * within milliseconds; where this process is, as many are under way as it keeps up with, however many places there are:
 * a thousand key exchanges begun together would each wait for all others, and run into deadlines that are meant for clients.
 */
const begunPerTurn = 8;

/** Works on every item once, in order as far as the limits let it. Resolves with those that were not begun. */
export function runSchedule<T>(options: ScheduleOptions<T>): Promise<readonly T[]> {
  const { limitsOf, isSlow, signal, concurrency } = options;
  const slowPlaces = Math.floor(concurrency / 4);
  const busy = new Map<string, number>();
  const usual = createQueue<T>();
  const slow = createQueue<T>();
  for (const item of options.items) (isSlow(item) ? slow : usual).add(item);
  let active = 0;
  let slowActive = 0;
  let begunInTurn = 0;

  const usedUp = (item: T): string | null =>
    limitsOf(item).find(({ key, most }) => (busy.get(key) ?? 0) >= most)?.key ?? null;

  /** The first item of a queue that may begin. */
  const next = (queue: Queue<T>): T | null => {
    for (let turn = queue.take(); turn !== null; turn = queue.take()) {
      const { item, wokenBy } = turn;
      const turnedSlow = queue === usual && isSlow(item);
      const key = turnedSlow ? null : usedUp(item);
      if (!turnedSlow && key === null) return item;
      if (turnedSlow) slow.add(item);
      else if (key !== null) queue.park(item, key);
      // It does not take the place that woke it, so that place is another's.
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
    const beginNextSlow = (): boolean => (slowActive < slowPlaces || usual.isEmpty()) && beginNext(slow);
    const fill = (): void => {
      while (active < concurrency && begunInTurn < begunPerTurn && !signal.aborted) {
        // Asked twice: the usual ones that were left may just have turned slow.
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
  /** The limit it waited for. */
  readonly wokenBy: string | null;
}

interface Queue<T> {
  readonly add: (item: T) => void;
  readonly take: () => Turn<T> | null;
  /** Sets an item aside until somebody leaves what it waits for. */
  readonly park: (item: T, key: string) => void;
  readonly wake: (key: string) => void;
  /** Nobody waits, neither for a turn nor for a limit. */
  readonly isEmpty: () => boolean;
  readonly rest: () => readonly T[];
}

function createQueue<T>(): Queue<T> {
  const items: T[] = [];
  const woken: Turn<T>[] = [];
  const parked = new Map<string, T[]>();
  let cursor = 0;
  let parkedCount = 0;
  return {
    add: (item) => void items.push(item),
    take: () => {
      const first = woken.shift();
      if (first !== undefined) return first;
      if (cursor >= items.length) return null;
      return { item: items[cursor++] as T, wokenBy: null };
    },
    park: (item, key) => {
      const others = parked.get(key);
      if (others === undefined) parked.set(key, [item]);
      else others.push(item);
      parkedCount++;
    },
    wake: (key) => {
      const others = parked.get(key);
      const item = others?.shift();
      if (item === undefined) return;
      if (others?.length === 0) parked.delete(key);
      parkedCount--;
      woken.push({ item, wokenBy: key });
    },
    isEmpty: () => cursor >= items.length && woken.length === 0 && parkedCount === 0,
    rest: () => [...woken.map(({ item }) => item), ...[...parked.values()].flat(), ...items.slice(cursor)],
  };
}
