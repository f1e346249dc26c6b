/**
 * The way to a client. A transport opens one connection; what is said over it (loader, upload, frames) is the
 * collector's business. Promises: never a connection whose host key was not checked, every wait ends by its deadline,
 * and nothing of a dead client stays behind in this process.
 */
import type { Readable, Writable } from 'node:stream';

export interface ConnectOptions {
  /** Until TCP stands. */
  readonly tcpTimeoutMs: number;
  /** Until the login is done, TCP included. */
  readonly connectTimeoutMs: number;
  /** Until a command runs, each; default: connectTimeoutMs. */
  readonly channelTimeoutMs?: number;
  /** The whole visit: when it is aborted, everything is destroyed at once. */
  readonly signal: AbortSignal;
  /** The command that `exec` will be given first: a way that can sends it with the login, without waiting for that. */
  readonly ahead?: string;
}

export interface Transport {
  /** Connects, checks the host key and logs in. Throws FleetError with stage resolve, connect, handshake or login. */
  connect(options: ConnectOptions): Promise<Connection>;
}

/** One connection to one client, logged in. */
export interface Connection {
  /** From the start to the end of the login. */
  readonly connectMs: number;
  /** True if a key was all that the client asked for. */
  readonly byKey?: boolean;
  /** Bytes on the wire so far (for `local`: of the pipes). */
  bytes(): { readonly in: number; readonly out: number };
  /** Runs one command line through the client's login shell. One channel at a time. Throws FleetError stage channel. */
  exec(command: string): Promise<Channel>;
  /**
   * Leaves so that what was written arrives: ends the channel's input and half-closes the socket, never SSH DISCONNECT
   * (which overtakes acknowledgements). Resolves when the slot is free; an own timer destroys what does not close.
   * sshd drops what the command has not taken by then beyond a pipe's 64 KiB: with more to send, wait for `exit`.
   */
  leave(): Promise<void>;
  /** Ends everything at once. Never throws. */
  destroy(): void;
}

/** stdout and stderr share one window of 2 MiB: the client is held up until both are read (or resumed). */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * How the command ended; its last output may still be unread then. Rejects with a FleetError when the connection
   * broke before it did; a rejection that nobody waits for is not an unhandled one.
   */
  readonly exit: Promise<ChannelExit>;
}

export interface ChannelExit {
  readonly status: number | null;
  readonly signal: string | null;
}
