import { setMaxListeners } from 'node:events';

import { FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { bastionFailed, ofClient } from './bastion-failed.ts';
import { ForwardedWire } from './forwarded-wire.ts';
import type { SshSession } from '../ssh2/ssh-connection.ts';
import type { ClientChannel } from '../connection/ssh2.ts';
import type { Wire } from '../connection/wire.ts';

export interface ForwardOptions {
  /** The name in errors. */
  readonly client: string;
  /** The host name or address, which the bastion resolves. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
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
      const channel = await this.#open(options);
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

  #open({ client, host, port, timeoutMs, signal }: ForwardOptions): Promise<ClientChannel> {
    const { session, name } = this.#options;
    const { ssh, socket } = session;
    return new Promise((resolve, reject) => {
      let waiting = true;
      const finish = (outcome: ClientChannel | FleetError): void => {
        if (!waiting) {
          // The channel opened after the deadline or the abort: its data is dropped.
          if (!(outcome instanceof FleetError)) new ForwardedWire(outcome, client).destroy();
          return;
        }
        waiting = false;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.removeListener('close', onClose);
        if (outcome instanceof FleetError) reject(outcome);
        else resolve(outcome);
      };
      const onAbort = (): void => finish(abortedError(signal, 'connect', client));
      const onClose = (): void => finish(ofClient(this.#broken ?? this.#fault('it closed the connection'), client));
      const timer = setTimeout(() => {
        const message = `no answer from ${host} port ${port} through bastion ${name} within ${timeoutMs} ms`;
        finish(new FleetError({ client, code: 'connect-timeout', stage: 'connect', message }));
      }, timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('close', onClose);
      try {
        ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
          finish(error === undefined ? channel : this.#refusal(client, `${host} port ${port}`, error)),
        );
      } catch (thrown) {
        finish(ofClient(this.#fault(messageOf(thrown)), client));
      }
    });
  }

  /**
   * Returns the error of a refused channel. The reasons of RFC 4254, section 5.1: 1 prohibited, 2 connect failed, 4
   * resource shortage.
   */
  #refusal(client: string, place: string, error: Error & { readonly reason?: unknown }): FleetError {
    const { name } = this.#options;
    const said = messageOf(error).replace(/^\(SSH\) Channel open failure: /, '');
    if (error.reason === 2) {
      const message = `${place}, dialled by bastion ${name}: ${said}`;
      return new FleetError({ client, code: dialRefusalCode(said), stage: 'connect', message, cause: error });
    }
    if (error.reason === 4) this.full = true;
    const prohibited = error.reason === 1;
    const fault = new FleetError({
      code: 'channel-failed',
      stage: 'connect',
      message: prohibited ? `it does not forward to ${place}: ${said}` : `no connection to ${place}: ${said}`,
      retryable: !prohibited,
      advice: prohibited
        ? `Allow it in sshd_config of ${name}: AllowTcpForwarding, PermitOpen, and the key's restrict option.`
        : `Check the load of ${name}.`,
      cause: error,
    });
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

/** Returns the error code for sshd's message about a failed connect, which contains the system's error text. */
export function dialRefusalCode(said: string): ErrorCode {
  if (/refused/i.test(said)) return 'connect-refused';
  if (/timed? ?out/i.test(said)) return 'connect-timeout';
  if (/not known|name resolution|no address|nodename|resolve/i.test(said)) return 'dns';
  return 'connect-failed';
}
