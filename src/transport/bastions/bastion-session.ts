import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';

import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { abortedError } from '../connection/aborted.ts';
import type { DialOptions } from '../connection/dial.ts';
import { bastionFailed, dialRefusalCode, notForwarded, ofClient } from './bastion-failed.ts';
import { privatePartsOf } from '../ssh2/private-parts.ts';
import { NameQueue } from './name-queue.ts';
import type { SshSession } from '../ssh2/ssh-connection.ts';
import type { ClientChannel } from '../connection/ssh2.ts';
import type { Wire } from '../connection/wire.ts';

export interface ForwardOptions extends Omit<DialOptions, 'client' | 'family'> {
  /** The name in errors. */
  readonly client: string;
}

export interface BastionSessionOptions {
  readonly name: string;
  readonly session: SshSession;
  /** Called once if the connection breaks without a call of `end`. */
  readonly onBroken: (why: FleetError) => void;
  /** Called when the last connection through the bastion has ended. */
  readonly onIdle: () => void;
  /** True if another login at the bastion can be asked in place of this one. */
  readonly mayMove: () => boolean;
}

/** The time that a bastion has to close after `end`, before its socket is destroyed. */
const endMs = 2_000;

/** A login at a bastion, with the connections through it. */
export class BastionSession {
  readonly #options: BastionSessionOptions;
  readonly #wires = new Set<ForwardedWire>();
  /** Null if the version of ssh2 is unknown. */
  readonly #names: NameQueue | null;
  #opening = 0;
  #broken: FleetError | null = null;
  #ended = false;
  /** True if the bastion refused a channel for lack of resources. Another login may have channels left. */
  full = false;

  constructor(options: BastionSessionOptions) {
    this.#options = options;
    const { ssh, socket } = options.session;
    const parts = privatePartsOf(ssh);
    this.#names = parts === null ? null : new NameQueue({ ping: parts.ping, mayMove: options.mayMove });
    ssh.on('error', (error) => this.#break(`the connection broke: ${messageOf(error)}`));
    ssh.on('end', () => socket.destroy());
    // Each opening connection adds a listener. Node would warn from the eleventh on, and cron would mail the warning.
    setMaxListeners(0, socket);
    socket.on('close', () => this.#break('it closed the connection'));
    if (socket.destroyed) this.#break('it closed the connection');
  }

  get usable(): boolean {
    return this.#broken === null && !this.#ended && !this.full;
  }

  /** True while the bastion does nothing else for this login than to resolve a name. */
  get held(): boolean {
    return this.#names !== null && this.#names.holder !== null;
  }

  /** True while a connection through the bastion is open or being opened. */
  get busy(): boolean {
    return this.#wires.size + this.#opening > 0;
  }

  /**
   * Opens a connection to a machine behind the bastion. Returns null if another name holds this login, so that another
   * one has to be asked. Sets `full` if the bastion has no channel left. Throws FleetError `bastion-failed` if the
   * bastion is at fault, otherwise the errors of `dial`.
   */
  async forward(options: ForwardOptions): Promise<Wire | null> {
    const { client, signal } = options;
    if (this.#broken !== null) throw ofClient(this.#broken, client);
    if (signal.aborted) throw abortedError(signal, 'connect', client);
    this.#opening += 1;
    try {
      const channel = await this.#open(options);
      if (channel === null) return null;
      const wire = new ForwardedWire(channel, client);
      this.#wires.add(wire);
      wire.once('close', () => {
        this.#wires.delete(wire);
        if (!this.busy) this.#options.onIdle();
      });
      return wire;
    } finally {
      this.#opening -= 1;
      if (!this.busy) this.#options.onIdle();
    }
  }

  async #open(options: ForwardOptions): Promise<ClientChannel | null> {
    const { client, host, port, timeoutMs, signal } = options;
    const { ssh, socket } = this.#options.session;
    let onClose = (): void => undefined;
    let takeBack = (): void => undefined;
    let onAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    const opened = new Promise<ClientChannel | null>((resolve, reject) => {
      const fail = (why: FleetError): void => reject(ofClient(why, client));
      onClose = () => fail(this.#broken ?? this.#fault('it closed the connection'));
      socket.once('close', onClose);
      const send = (): void => {
        onAsked();
        try {
          ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
            if (error === undefined) resolve(channel);
            else reject(this.#refusal(client, `${host} port ${port}`, error));
          });
        } catch (thrown) {
          fail(this.#fault(messageOf(thrown)));
        }
      };
      if (this.#names === null || isIP(host) !== 0) send();
      else takeBack = this.#names.ask({ name: host, send, moveOn: () => resolve(null) });
    });
    const late = (): FleetError => this.#late(options);
    const aborted = (): FleetError => abortedError(signal, 'connect', client);
    const limits = { timeoutMs, signal, late, aborted };
    try {
      // The bastion has the time for the connection alone, not for the names before it.
      await withDeadline(limits, () => Promise.race([asked, opened]));
      return await withDeadline(limits, () => opened);
    } catch (thrown) {
      // The channel may open after the deadline or the abort: its data is dropped.
      opened.then((channel) => channel && new ForwardedWire(channel, client).destroy()).catch(() => undefined);
      throw thrown;
    } finally {
      socket.removeListener('close', onClose);
      takeBack();
    }
  }

  /** Returns the error of a machine that was not connected to in time. */
  #late({ client, host, port, timeoutMs }: ForwardOptions): FleetError {
    const { name } = this.#options;
    const holder = this.#names?.holder ?? null;
    if (holder === host) {
      const message = `bastion ${name} did not resolve ${host} within ${timeoutMs} ms`;
      return new FleetError({ client, code: 'dns', stage: 'connect', message });
    }
    const why = holder === null ? '' : `, in which it did not resolve ${holder}`;
    const message = `no answer from ${host} port ${port} through bastion ${name} within ${timeoutMs} ms${why}`;
    return new FleetError({ client, code: 'connect-timeout', stage: 'connect', message });
  }

  /**
   * Returns the error of a refused channel. The reasons of RFC 4254, section 5.1: 1 prohibited, 2 connect failed, 4
   * resource shortage.
   */
  #refusal(client: string, place: string, error: Error & { readonly reason?: unknown }): FleetError {
    const { name } = this.#options;
    const answer = messageOf(error).replace(/^\(SSH\) Channel open failure: /, '');
    if (error.reason === 2) {
      const message = `${place}, dialled by bastion ${name}: ${answer}`;
      return new FleetError({ client, code: dialRefusalCode(answer), stage: 'connect', message, cause: error });
    }
    if (error.reason === 4) this.full = true;
    const fault = notForwarded(name, place, { answer, isProhibited: error.reason === 1, cause: error });
    return ofClient(bastionFailed(name, fault), client);
  }

  #fault(message: string): FleetError {
    const { name } = this.#options;
    return bastionFailed(name, new FleetError({ code: 'connect-failed', stage: 'connect', message }));
  }

  #break(message: string): void {
    if (this.#broken !== null || this.#ended) return;
    const { session, onBroken } = this.#options;
    // An outer bastion is the cause if it ended before this one.
    this.#broken = session.socket.brokenBy ?? this.#fault(message);
    session.socket.destroy();
    for (const wire of this.#wires) wire.breakOff(ofClient(this.#broken, wire.client));
    onBroken(this.#broken);
  }

  /** Leaves the bastion. Connections that still go through it end. */
  end(): void {
    this.#ended = true;
    const { socket } = this.#options.session;
    const timer = setTimeout(() => socket.destroy(), endMs);
    socket.once('close', () => clearTimeout(timer));
    socket.end();
  }
}

/** A connection that a bastion forwards (direct-tcpip, RFC 4254, section 7.2), with the behaviour of a socket. */
class ForwardedWire extends Duplex implements Wire {
  readonly #channel: ClientChannel;
  #bytesRead = 0;
  #bytesWritten = 0;
  #brokenBy: FleetError | null = null;

  /** The name of the machine at the far end, in errors. */
  readonly client: string;

  constructor(channel: ClientChannel, client: string) {
    super();
    this.client = client;
    this.#channel = channel;
    channel.on('data', (data: Buffer) => {
      // ssh2 still emits data of a destroyed channel until the other side closes it.
      if (this.destroyed) return;
      this.#bytesRead += data.length;
      if (!this.push(data)) channel.pause();
    });
    channel.once('end', () => {
      this.push(null);
      // A socket also ends its own side when the peer has ended (allowHalfOpen is false).
      this.end();
    });
    channel.once('close', () => this.destroy());
    channel.on('error', () => this.destroy());
    // A forwarded connection has no stderr, and unread data would stay in memory.
    channel.stderr.resume();
    // Errors are reported by `close` and `brokenBy`; an error without a listener would end the process.
    this.on('error', () => undefined);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get brokenBy(): FleetError | null {
    return this.#brokenBy;
  }

  /** Ends the connection because the bastion that carries it has failed. */
  breakOff(why: FleetError): void {
    this.#brokenBy = why;
    this.destroy();
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#bytesWritten += chunk.length;
    this.#channel.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.destroy();
    this.#channel.resume();
    done(error);
  }
}
