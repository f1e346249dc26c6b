/**
 * The interfaces of a transport, which opens a connection to a client. The collector's protocol (loader, upload,
 * frames) is not part of it. Guarantees: every host key is checked, every wait ends by its deadline, and a dead client
 * leaves nothing behind in this process.
 */
import type { Readable, Writable } from 'node:stream';

import type { PolledVisit } from '../report/seal/push.ts';

export interface ConnectOptions {
  /** The limit of the TCP connection, in ms. */
  readonly tcpTimeoutMs: number;
  /** The limit of the login, TCP included, in ms. */
  readonly connectTimeoutMs: number;
  /** The limit until a command runs, for each command, in ms; default: connectTimeoutMs. */
  readonly channelTimeoutMs?: number;
  /** The signal of the whole visit: an abort destroys everything at once. */
  readonly signal: AbortSignal;
  /** True if the name did not resolve at the last visit: a bastion is asked for it apart from other names. */
  readonly hasFailedToResolve?: boolean;
  /** The command of the first `exec`. A transport with pipelining sends it with the login. */
  readonly ahead?: string;
  /** Called with each IP address that is dialled, here or by the last bastion. Never called by OpenSSH. */
  readonly onDial?: (dialled: Dialled) => void;
}

/** An IP address and a port. */
export interface Dialled {
  readonly address: string;
  readonly port: number;
}

export interface Transport<Made extends OpenConnection = Connection> {
  /** Connects, checks the host key and logs in. Throws FleetError with stage resolve, connect, handshake or login. */
  connect(options: ConnectOptions): Promise<Made>;
}

/** A connection to one client after the login, whatever is asked over it. */
export interface OpenConnection {
  /** The time from the start of the connection to the end of the login, in ms. */
  readonly connectMs: number;
  /** True if the client asked for a key alone. */
  readonly byKey?: boolean;
  /** Returns the bytes on the wire so far (for `local`: of the pipes). */
  bytes(): { readonly in: number; readonly out: number };
  /**
   * Leaves so that written data arrives: ends the channel's input and half-closes the socket. Never sends SSH
   * DISCONNECT, which overtakes acknowledgements. Resolves when the slot is free; a timer destroys a connection that
   * does not close. sshd drops data beyond a pipe's 64 KiB that the command has not read by then: with more to send,
   * wait for `exit`.
   */
  leave(): Promise<void>;
  /** Ends everything at once. Never throws. */
  destroy(): void;
}

/** A connection that runs commands. */
export interface Connection extends OpenConnection {
  /** Runs one command line through the client's login shell. One channel at a time. Throws FleetError stage channel. */
  exec(command: string): Promise<Channel>;
}

/** A connection to an agent that answers over HTTP. */
export interface PolledConnection extends OpenConnection {
  /**
   * Polls the agent. stdout of the channel has the answered stream; data written to stdin is sent when stdin ends.
   * Throws FleetError.
   */
  poll(request: PolledVisit): Promise<Channel>;
}

/** The transport to a client of any kind. */
export type AnyTransport = Transport<Connection | PolledConnection>;

/**
 * A command's channel. stdout and stderr share one window of 2 MiB: the client blocks until both are read (or resumed).
 */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * The exit status of the command, whose last output may still be unread. Rejects with a FleetError if the connection
   * breaks first. A rejection without a handler does not count as unhandled.
   */
  readonly exit: Promise<ChannelExit>;
}

export interface ChannelExit {
  readonly status: number | null;
  readonly signal: string | null;
}

/** The exit of a channel that is not a process. */
export const noExit: ChannelExit = { status: null, signal: null };
