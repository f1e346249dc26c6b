import { isUtf8 } from 'node:buffer';
import { type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { EventDocuments } from '../../../collector/inbox/event-documents.ts';
import type { Config, ServeConfig } from '../../../config/config.ts';
import { plainAddress } from '../../../config/values/networks.ts';
import { FleetError, messageOf } from '../../../platform/errors/errors.ts';
import { EventDatabase } from '../../../collector/events/event-database.ts';
import { EventIntake } from '../../../collector/events/events.ts';
import type { ParsedEvent } from '../../../collector/events/parse-event.ts';
import type { Log } from '../../../platform/errors/log.ts';
import { isFamilyOff } from '../../../platform/listen.ts';
import { statePaths } from '../../../state-folder/paths.ts';
import { claimStateFolder } from '../../../state-folder/state-folder.ts';
import { EventCommand } from './event-command.ts';
import { EventEndpoint } from './event-endpoint.ts';

interface OpenEventEndpointOptions {
  readonly serve: ServeConfig;
  readonly settings: () => Config;
  readonly log: Pick<Log, 'event' | 'problem'>;
  readonly onFault: (thrown: unknown) => void;
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
  log,
  onFault,
  onVisit,
}: OpenEventEndpointOptions): OpenEventEndpoint | null {
  if (serve.events === null) return null;
  const paths = statePaths(settings().stateDir);
  claimStateFolder(paths, ['inbox', 'olderEvents']);
  const database = new EventDatabase(() => settings().storage);
  const intake = new EventIntake({
    waiting: new EventDocuments(
      paths,
      (line) => onFault(new Error(line)),
      () => settings().collector.spoolBytes,
    ),
    store: (events) => database.store(events),
    close: () => database.close(),
    onFault: (thrown) => log.problem('events-waiting', { message: messageOf(thrown) }),
    onStored: () => handOver?.wake(),
    onTakenUp: () => log.event('events-taken-up', {}),
  });
  const endpoint = new EventEndpoint({
    events: serve.events,
    intake,
    onReceived: (events, address) => {
      for (const one of events) logReceived(log, one, address);
    },
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
      if (datagrams.dropped > 0) log.problem('events-dropped', { datagrams: datagrams.dropped });
    },
  };
}

function logReceived(log: Pick<Log, 'event' | 'problem'>, event: ParsedEvent, address: string): void {
  const { eventId, host, service, instance, status, description, raw, doubt } = event;
  const named = { id: eventId, host, service, instance, status, description };
  const fields = raw === null ? named : { id: eventId, raw: raw.slice(0, 200) };
  const filled = Object.entries(fields).filter(([, value]) => value !== '');
  const shown = { address, ...Object.fromEntries(filled), doubt };
  if (doubt === undefined) log.event('event-received', shown);
  else log.problem('event-received', shown);
}

const maxBytes = 8 * 1024;
/** The receive buffer for bursts. The kernel drops datagrams that do not fit. */
const receiveBytes = 1024 * 1024;

interface EventDatagramsOptions {
  readonly serve: Pick<ServeConfig, 'hosts' | 'port' | 'ipv6Only'>;
  readonly endpoint: EventEndpoint;
  readonly onDatagram: () => void;
  readonly onFault: (thrown: unknown) => void;
}

/** Receives events by UDP, one per datagram. Unusable datagrams are dropped and counted. */
class EventDatagrams {
  readonly #options: EventDatagramsOptions;
  readonly #sockets: Socket[] = [];
  readonly #unfinished = new Set<Promise<void>>();
  #dropped = 0;

  constructor(options: EventDatagramsOptions) {
    this.#options = options;
  }

  /** The number of dropped datagrams. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Opens the sockets. Returns their addresses for people. Throws FleetError `listen-failed`. */
  async open(): Promise<readonly string[]> {
    const { hosts, port, ipv6Only } = this.#options.serve;
    const places: string[] = [];
    for (const host of hosts) {
      const isIpv6 = host.includes(':');
      const where = `udp://${isIpv6 ? `[${host}]` : host}:${port}`;
      const type = isIpv6 ? 'udp6' : 'udp4';
      const socket = createSocket({ type, ipv6Only: isIpv6 && (ipv6Only || hosts.length > 1) });
      try {
        socket.bind(port, host);
        await once(socket, 'listening');
      } catch (thrown) {
        // IPv6 may be switched off.
        if (host !== hosts.at(-1) && isFamilyOff(thrown)) continue;
        await this.close();
        const message = `cannot listen on ${where}: ${messageOf(thrown)}`;
        throw new FleetError({ code: 'listen-failed', stage: 'run', message, cause: thrown });
      }
      this.#listen(socket);
      places.push(where);
    }
    return places;
  }

  /** Stops receiving. Resolves when the received events are durable. */
  async close(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.close();
    await Promise.all(this.#unfinished);
  }

  #listen(socket: Socket): void {
    const { onDatagram, onFault } = this.#options;
    this.#sockets.push(socket);
    try {
      socket.setRecvBufferSize(receiveBytes);
    } catch {
      // The default size is used instead.
    }
    socket.on('error', onFault);
    socket.on('message', (bytes, { address }) => {
      onDatagram();
      const taken = this.#take(bytes, plainAddress(address)).finally(() => this.#unfinished.delete(taken));
      this.#unfinished.add(taken);
    });
  }

  async #take(bytes: Buffer, address: string): Promise<void> {
    try {
      const isText = bytes.length <= maxBytes && isUtf8(bytes);
      if (isText && (await this.#options.endpoint.take(bytes.toString('utf8'), address)) === 'received') return;
    } catch {
      // Too many events wait, or they cannot be stored.
    }
    this.#dropped += 1;
  }
}
