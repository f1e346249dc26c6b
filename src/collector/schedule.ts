/** Work on many things at once, within limits for what they share. */
export interface ScheduleOptions<T> {
  readonly items: readonly T[];
  readonly concurrency: number;
  /** What an item shares with others (a subnet, a bastion) and how many may share it at the same time. */
  readonly limitsOf: (item: T) => readonly Limit[];
  /** No item is begun once it is aborted. */
  readonly signal: AbortSignal;
  /** When it rejects, so does the schedule. */
  readonly work: (item: T) => Promise<void>;
}

export interface Limit {
  readonly key: string;
  readonly most: number;
}

/** Works on every item once, in order as far as the limits let it. Resolves with those that were not begun. */
export function runSchedule<T>(options: ScheduleOptions<T>): Promise<readonly T[]> {
  const { items, limitsOf, signal } = options;
  const busy = new Map<string, number>();
  /** Items whose turn came while this limit was used up. */
  const waiting = new Map<string, T[]>();
  const released: T[] = [];
  let cursor = 0;
  let active = 0;

  const usedUp = (item: T): string | null =>
    limitsOf(item).find(({ key, most }) => (busy.get(key) ?? 0) >= most)?.key ?? null;
  const count = (item: T, by: 1 | -1): void => {
    for (const { key } of limitsOf(item)) busy.set(key, (busy.get(key) ?? 0) + by);
  };

  const next = (): T | null => {
    for (;;) {
      const item = released.shift() ?? items[cursor++];
      if (item === undefined) return null;
      const key = usedUp(item);
      if (key === null) return item;
      const others = waiting.get(key);
      if (others === undefined) waiting.set(key, [item]);
      else others.push(item);
    }
  };

  const release = (item: T): void => {
    count(item, -1);
    for (const { key } of limitsOf(item)) {
      const first = waiting.get(key)?.shift();
      if (first !== undefined) released.push(first);
    }
  };

  return new Promise((resolve, reject) => {
    const begin = async (item: T): Promise<void> => {
      try {
        await options.work(item);
        active--;
        release(item);
        fill();
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    };
    const fill = (): void => {
      while (active < options.concurrency && !signal.aborted) {
        const item = next();
        if (item === null) break;
        active++;
        count(item, 1);
        void begin(item);
      }
      if (active > 0) return;
      resolve([...released, ...[...waiting.values()].flat(), ...items.slice(cursor)]);
    };
    fill();
  });
}
