import { EventDocuments } from '../../collector/inbox/event-documents.ts';
import type { Config, ServeConfig } from '../../config/config.ts';
import { EventDatabase } from '../../events/event-database.ts';
import { EventIntake } from '../../events/events.ts';
import type { ParsedEvent } from '../../events/parse-event.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { EventDatagrams } from './event-datagrams.ts';
import { EventCommand } from './event-command.ts';
import { EventEndpoint } from './event-endpoint.ts';

/** Facts about events, for the log. */
export type EventEndpointEvent =
  | { readonly kind: 'events-received'; readonly events: readonly ParsedEvent[]; readonly address: string }
  | { readonly kind: 'events-waiting'; readonly thrown: unknown }
  | { readonly kind: 'events-taken-up' }
  | { readonly kind: 'events-dropped'; readonly datagrams: number }
  | { readonly kind: 'fault'; readonly thrown: unknown };

export interface OpenEventEndpointOptions {
  readonly serve: ServeConfig;
  readonly settings: () => Config;
  readonly observe: (event: EventEndpointEvent) => void;
  /** Called for each datagram. */
  readonly onVisit: () => void;
}

/** The path of events from the network to the database. */
export interface OpenEventEndpoint {
  readonly endpoint: EventEndpoint;
  /** Returns the number of accepted events that are no rows yet. */
  readonly queued: () => number;
  /** Listens for datagrams. Returns the addresses for people. Throws FleetError `listen-failed`. */
  readonly open: () => Promise<readonly string[]>;
  /** Stops receiving datagrams. */
  readonly stop: () => Promise<void>;
  /** Makes the accepted events durable. */
  readonly close: () => Promise<void>;
}

/** Opens the path of events. Returns null without `<events>`. Throws FleetError `state-unusable`. */
export function openEventEndpoint({
  serve,
  settings,
  observe,
  onVisit,
}: OpenEventEndpointOptions): OpenEventEndpoint | null {
  if (serve.events === null) return null;
  const paths = statePaths(settings().stateDir);
  claimStateFolder(paths, ['inbox', 'olderEvents']);
  const onFault = (thrown: unknown): void => observe({ kind: 'fault', thrown });
  const database = new EventDatabase(() => settings().storage);
  const intake = new EventIntake({
    waiting: new EventDocuments(paths, (line) => onFault(new Error(line))),
    store: (events) => database.store(events),
    close: () => database.close(),
    onFault: (thrown) => observe({ kind: 'events-waiting', thrown }),
    onStored: () => handOver?.wake(),
    onTakenUp: () => observe({ kind: 'events-taken-up' }),
  });
  const endpoint = new EventEndpoint({
    events: serve.events,
    intake,
    onReceived: (events, address) => observe({ kind: 'events-received', events, address }),
  });
  const datagrams = new EventDatagrams({ serve, endpoint, onDatagram: onVisit, onFault });
  const handOver =
    serve.events.handOver === null
      ? null
      : new EventCommand({
          ...serve.events.handOver,
          read: (most) => database.with((store) => store.unprocessedEvents(most)),
          mark: (rowId) => database.with((store) => store.markProcessed(rowId)),
          onFault,
        });
  return {
    endpoint,
    queued: () => intake.queued,
    open: async () => (serve.events?.udp === true ? datagrams.open() : []),
    stop: () => datagrams.close(),
    close: async () => {
      await handOver?.close();
      await intake.close();
      if (datagrams.dropped > 0) observe({ kind: 'events-dropped', datagrams: datagrams.dropped });
    },
  };
}
