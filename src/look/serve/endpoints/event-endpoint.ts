import type { ServedEventsConfig } from '../../../config/config.ts';
import { networkMatcher, socketWord } from '../../../config/values/networks.ts';
import type { EventIntake } from '../../../collector/events/events.ts';
import { type ParsedEvent, parseEvents } from '../../../collector/events/parse-event.ts';
import { Rates } from '../rates.ts';
import { isLoopback } from '../visitor.ts';

const usualPerMinute = 600;
/** The size of an event in memory in addition to its text. */
const heldBytes = 768;

/** The outcome of a text: its events are durable, or the reason of the refusal. */
export type Outcome = 'received' | 'not-allowed' | 'no-json' | 'too-many';

interface EventEndpointOptions {
  readonly events: ServedEventsConfig;
  readonly intake: EventIntake;
  readonly onReceived: (events: readonly ParsedEvent[], address: string) => void;
}

/** Accepts events by sender and rate, for HTTP and datagrams alike. */
export class EventEndpoint {
  readonly #options: EventEndpointOptions;
  readonly #isAllowed: (address: string) => boolean;
  readonly #rates: Rates;
  readonly #isUnlimited: (address: string) => boolean;

  constructor(options: EventEndpointOptions) {
    const { from, maxPerMinute } = options.events;
    const isNamed = networkMatcher(from ?? []);
    this.#options = options;
    this.#isAllowed = (address) =>
      from === null || (address === socketWord ? from.includes(socketWord) : isNamed(address));
    const burst = maxPerMinute ?? usualPerMinute;
    this.#rates = new Rates({ burst, perSecond: burst / 60 });
    this.#isUnlimited = (address) => maxPerMinute === null && (address === socketWord || isLoopback(address));
  }

  /** True if events of the address are accepted. */
  allows(address: string): boolean {
    return this.#isAllowed(address);
  }

  /** Stores the events of a text. Resolves when they are durable. Throws the errors of EventIntake.accept. */
  async take(text: string, address: string): Promise<Outcome> {
    if (!this.allows(address)) return 'not-allowed';
    const events = parseEvents(text, Date.now());
    if (events === null) return 'no-json';
    if (!this.#isUnlimited(address) && !this.#rates.take(address, events.length)) return 'too-many';
    await this.#options.intake.accept(events, text.length + heldBytes * events.length);
    this.#options.onReceived(events, address);
    return 'received';
  }
}
