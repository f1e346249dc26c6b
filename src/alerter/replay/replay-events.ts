import { greatest } from '../../platform/group-by.ts';
import type { Config } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { eventDays, type EventStore, type NewestEvent } from '../../storage/store/event-store.ts';
import { eventRules } from '../evaluate/event-samples.ts';
import { ruleLists } from '../../config/rules/rule-matcher.ts';

export type ReplayedEvents = Pick<EventStore, 'newestEventsAt' | 'eventsAfter'>;

const pageEvents = 1_000;

/** The newest event of each service at a time. */
interface EventsAt {
  readonly newest: readonly NewestEvent[];
  /** False if events may be missing because they were removed since. */
  readonly mayMiss: boolean;
}

/** Follows the newest event of each service over time. Returns null, and reads nothing, without a rule of events. */
export function followEvents(
  config: Config,
  events: ReplayedEvents,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): ((nowMs: number) => Promise<EventsAt>) | null {
  const rules = ruleLists(config).flatMap(eventRules);
  if (rules.length === 0) return null;
  const knownFromMs = untilMs - eventDays * dayMs + greatest(rules.map(({ withinMs }) => withinMs ?? 0));
  const newest = new Map<string, NewestEvent>();
  const note = (event: NewestEvent): void => {
    const key = JSON.stringify([event.service, event.host, event.instance]);
    newest.delete(key);
    newest.set(key, event);
  };
  let page: Awaited<ReturnType<ReplayedEvents['eventsAfter']>> = [];
  let isBegun = false;
  let isLast = false;
  let afterId = 0;
  return async (nowMs) => {
    if (!isBegun) for (const event of await events.newestEventsAt(sinceMs)) note(event);
    isBegun = true;
    while (page.length > 0 || !isLast) {
      if (page.length === 0) {
        page = await events.eventsAfter(sinceMs, afterId, pageEvents);
        isLast = page.length < pageEvents;
        afterId = page.at(-1)?.rowId ?? afterId;
      }
      const end = page.findIndex(({ receivedAtMs }) => receivedAtMs > nowMs);
      for (const event of end === -1 ? page : page.slice(0, end)) note(event);
      page = end === -1 ? [] : page.slice(end);
      if (end !== -1) break;
    }
    return { newest: [...newest.values()], mayMiss: nowMs >= knownFromMs };
  };
}
