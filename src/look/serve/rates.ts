/** The most addresses that are stored. The least recently seen one is dropped first. */
const maxAddresses = 10_000;

export interface RateOptions {
  /** The requests that an address may make at once. */
  readonly burst: number;
  /** The requests per second after the burst. */
  readonly perSecond: number;
  /** Returns the milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** Limits the rate of an action per address or other key (a token bucket). An IPv6 address counts by its /64. */
export class Rates {
  readonly #options: Required<RateOptions>;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(options: RateOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  /**
   * Counts `cost` requests of an address, which may be more than it has left; the excess delays later requests. Returns
   * false and counts nothing if the address has none left.
   */
  take(address: string, cost = 1): boolean {
    return this.#count(address, cost, (left) => left >= 1);
  }

  /** Counts `cost` requests of an address even if it has none left, up to a debt of one burst. */
  charge(address: string, cost: number): void {
    this.#count(address, cost, () => true);
  }

  /** Returns what an address has left; 0 or less if it has to wait. */
  left(address: string): number {
    return this.#bucketOf(networkOf(address)).left;
  }

  #bucketOf(key: string): { readonly left: number; readonly at: number } {
    const { burst, perSecond, now } = this.#options;
    const at = now();
    const bucket = this.#buckets.get(key) ?? { left: burst, at };
    return { left: Math.min(burst, bucket.left + ((at - bucket.at) / 1000) * perSecond), at };
  }

  #count(address: string, cost: number, isTaken: (left: number) => boolean): boolean {
    const key = networkOf(address);
    const { left, at } = this.#bucketOf(key);
    this.#buckets.delete(key);
    const taken = isTaken(left);
    this.#buckets.set(key, { left: taken ? Math.max(-this.#options.burst, left - cost) : left, at });
    if (this.#buckets.size > maxAddresses) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return taken;
  }
}

/** Counts the uses in progress per address or other key. */
export class InUse {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Returns a function that ends the use; null if the address has reached the limit. */
  take(address: string): (() => void) | null {
    const key = networkOf(address);
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#most) return null;
    this.#counts.set(key, count + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const missing = 8 - groups.length - tail.split(':').filter(Boolean).length;
  return [
    ...groups,
    ...new Array<string>(Math.max(0, address.includes('::') ? missing : 0)).fill('0'),
    ...tail.split(':'),
  ]
    .slice(0, 4)
    .join(':');
}
