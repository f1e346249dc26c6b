import type { CollectEvent } from '../collect-options.ts';

/** Reports of one client that a run names when they go to quarantine. */
const mostNamed = 20;

/** Passes events on, but for the quarantined reports of a client beyond the first twenty: those are only counted. */
export function tellFew(observe: (event: CollectEvent) => void): (event: CollectEvent) => void {
  const named = new Map<string, number>();
  return (event) => {
    if (event.kind !== 'quarantined') {
      observe(event);
      return;
    }
    const count = (named.get(event.client) ?? 0) + 1;
    named.set(event.client, count);
    if (count < mostNamed) observe(event);
    if (count === mostNamed) observe({ ...event, message: `${event.message}; further reports of it are only counted` });
  };
}
