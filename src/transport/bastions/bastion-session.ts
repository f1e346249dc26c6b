import { setMaxListeners } from 'node:events';
import { Duplex } from 'node:stream';

import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { abortedError } from '../connection/aborted.ts';
import type { DialOptions } from '../connection/dial.ts';
import { bastionFailed, dialRefusalCode, notForwarded, ofClient } from './bastion-failed.ts';
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
}

/** The time that a bastion has to close after `end`, before its socket is destroyed. */
const endMs = 2_000;

/** A login at a bastion, with the connections through it. */
export class BastionSession {
  readonly #options: BastionSessionOptions;
  readonly #wires = new Set<ForwardedWire>();
  #opening = 0;
  #broken: FleetError | null = null;
  #ended = false;
  /** True if the bastion refused a channel for lack of resources. Another login may have channels left. */
  full = false;

  constructor(options: BastionSessionOptions) {
    this.#options = options;
    const { ssh, socket } = options.session;
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

  /** True while a connection through the bastion is open or being opened. */
  get busy(): boolean {
    return this.#wires.size + this.#opening > 0;
  }

  /**
   * Opens a connection to a machine behind the bastion. Sets `full` if the bastion has no channel left. Throws
   * FleetError `bastion-failed` if the bastion is at fault, otherwise the errors of `dial`.
   */
  async forward(options: ForwardOptions): Promise<Wire> {
    const { client, signal } = options;
    if (this.#broken !== null) throw ofClient(this.#broken, client);
    if (signal.aborted) throw abortedError(signal, 'connect', client);
    this.#opening += 1;
    try {
      const wire = new ForwardedWire(await this.#open(options), client);
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

  async #open({ client, host, port, timeoutMs, signal }: ForwardOptions): Promise<ClientChannel> {
    const { session, name } = this.#options;
    const { ssh, socket } = session;
    let onClose = (): void => undefined;
    const opened = new Promise<ClientChannel>((resolve, reject) => {
      const fail = (why: FleetError): void => reject(ofClient(why, client));
      onClose = () => fail(this.#broken ?? this.#fault('it closed the connection'));
      socket.once('close', onClose);
      try {
        ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
          if (error === undefined) resolve(channel);
          else reject(this.#refusal(client, `${host} port ${port}`, error));
        });
      } catch (thrown) {
        fail(this.#fault(messageOf(thrown)));
      }
    });
    const late = (): FleetError => {
      const message = `no answer from ${host} port ${port} through bastion ${name} within ${timeoutMs} ms`;
      return new FleetError({ client, code: 'connect-timeout', stage: 'connect', message });
    };
    const aborted = (): FleetError => abortedError(signal, 'connect', client);
    try {
      return await withDeadline({ timeoutMs, signal, late, aborted }, () => opened);
    } catch (thrown) {
      // The channel may open after the deadline or the abort: its data is dropped.
      opened.then((channel) => new ForwardedWire(channel, client).destroy()).catch(() => undefined);
      throw thrown;
    } finally {
      socket.removeListener('close', onClose);
    }
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
