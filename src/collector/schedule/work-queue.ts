/** Work on many items at a time, within limits for shared resources. Slow items do not delay the others. */
export interface WorkQueueOptions<T> {
  readonly items: readonly T[];
  readonly concurrency: number;
  /** Returns the limits of the resources that an item shares (a subnet, a bastion). Called anew each time. */
  readonly limitsOf: (item: T) => readonly Limit[];
  /**
   * True if an item will probably take long and fail. While others wait, such items get at most a quarter of the slots.
   * Called at the start and when an item's turn comes, because an item may become slow.
   */
  readonly isSlow: (item: T) => boolean;
  /** No item begins once this is aborted. */
  readonly signal: AbortSignal;
  /**
   * Works on an item. `leave` frees the shared resources before the work is over. A rejection rejects the whole queue.
   */
  readonly work: (item: T, leave: () => void) => Promise<void>;
}

export interface Limit {
  readonly key: string;
  /** The number of slots, at least 1. */
  readonly most: number;
}

/**
 * The number of items that begin in one turn of the event loop. With slow clients turns are short, and all slots are
 * taken within milliseconds. With a slow collector only as many items run as it can handle: a thousand key exchanges
 * begun together would each wait for all others, and miss deadlines that are meant for clients.
 */
const begunPerTurn = 8;

/** Works on every item once, in order as far as the limits allow. Resolves with the items that were not begun. */
export function runWorkQueue<T>(options: WorkQueueOptions<T>): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    new WorkQueue(options, { resolve, reject }).fill();
  });
}

interface WorkQueueEnd<T> {
  readonly resolve: (notBegun: readonly T[]) => void;
  readonly reject: (error: Error) => void;
}

class WorkQueue<T> {
  readonly #options: WorkQueueOptions<T>;
  readonly #end: WorkQueueEnd<T>;
  readonly #slowSlots: number;
  readonly #busy = new Map<string, number>();
  readonly #usual = createQueue<T>();
  readonly #slow = createQueue<T>();
  #active = 0;
  #slowActive = 0;
  #begunInTurn = 0;

  constructor(options: WorkQueueOptions<T>, end: WorkQueueEnd<T>) {
    const { items, isSlow, concurrency } = options;
    this.#options = options;
    this.#end = end;
    this.#slowSlots = Math.floor(concurrency / 4);
    for (const item of items) (isSlow(item) ? this.#slow : this.#usual).add(item);
  }

  /** Begins the items for which there are slots. Resolves when nothing is left to begin or to wait for. */
  fill(): void {
    const { concurrency, signal } = this.#options;
    while (this.#active < concurrency && this.#begunInTurn < begunPerTurn && !signal.aborted) {
      // Slow items are tried twice: the last usual items may just have become slow.
      if (!this.#beginNextSlow() && !this.#beginNext(this.#usual) && !this.#beginNextSlow()) break;
    }
    const turnIsFull = this.#begunInTurn === begunPerTurn && !signal.aborted;
    if (this.#active === 0 && !turnIsFull) this.#end.resolve([...this.#usual.rest(), ...this.#slow.rest()]);
  }

  #beginNextSlow(): boolean {
    return (this.#slowActive < this.#slowSlots || this.#usual.isEmpty()) && this.#beginNext(this.#slow);
  }

  #beginNext(queue: Queue<T>): boolean {
    const item = this.#next(queue);
    if (item === null) return false;
    if (this.#begunInTurn++ === 0) {
      setImmediate(() => {
        this.#begunInTurn = 0;
        this.fill();
      });
    }
    void this.#begin(item, queue === this.#slow);
    return true;
  }

  /** Returns the first item of a queue that may begin. */
  #next(queue: Queue<T>): T | null {
    for (let turn = queue.take(); turn !== null; turn = queue.take()) {
      const { item, wokenBy } = turn;
      const turnedSlow = queue === this.#usual && this.#options.isSlow(item);
      const key = turnedSlow ? null : this.#usedUp(item);
      if (!turnedSlow && key === null) return item;
      if (turnedSlow) this.#slow.add(item);
      else if (key !== null) queue.park(item, key);
      // Passes the free slot on: this item cannot use it.
      if (wokenBy !== null && wokenBy !== key) queue.wake(wokenBy);
    }
    return null;
  }

  /** Returns the key of a limit without a free slot for the item; null if all have one. */
  #usedUp(item: T): string | null {
    return this.#options.limitsOf(item).find(({ key, most }) => this.#activeAt(key) >= most)?.key ?? null;
  }

  async #begin(item: T, isSlowTurn: boolean): Promise<void> {
    this.#active++;
    if (isSlowTurn) this.#slowActive++;
    const keys = this.#options.limitsOf(item).map(({ key }) => key);
    for (const key of keys) this.#busy.set(key, this.#activeAt(key) + 1);
    try {
      await this.#options.work(item, () => {
        this.#leave(keys);
        this.fill();
      });
      this.#active--;
      if (isSlowTurn) this.#slowActive--;
      this.#leave(keys);
      this.fill();
    } catch (thrown) {
      this.#end.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  /** Clears the keys of an item's shared resources, and wakes the items that wait for these limits. */
  #leave(keys: string[]): void {
    for (const key of keys.splice(0)) {
      this.#busy.set(key, this.#activeAt(key) - 1);
      this.#usual.wake(key);
      this.#slow.wake(key);
    }
  }

  #activeAt(key: string): number {
    return this.#busy.get(key) ?? 0;
  }
}

interface Turn<T> {
  readonly item: T;
  /** The limit for which the item waited. */
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
