import { connect, type Socket } from 'node:net';

import { listen, type Listener } from './free-port.ts';

export interface TcpProxyOptions {
  /** The address to listen on. Default: every address of this machine. */
  readonly host?: string;
  /** Called with each connection. Returns true if it is closed at once. */
  readonly refuses?: () => boolean;
  /** The time for which one end stays open after the other one was closed. Default: 0. */
  readonly lingerMs?: number;
}

/**
 * Listens on a port that the kernel chooses, and connects each connection to a port of this machine. `relay` passes the
 * bytes of a connection (near) on to the server (far), and back. Errors are ignored; an end of one is an end of both.
 */
export async function startTcpProxy(
  to: number,
  relay: (near: Socket, far: Socket) => void = (near, far) => void near.pipe(far).pipe(near),
  { host = '0.0.0.0', refuses = () => false, lingerMs = 0 }: TcpProxyOptions = {},
): Promise<Listener> {
  return await listen((near) => {
    if (refuses()) {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1').on('error', () => undefined);
    relay(near, far);
    const destroy = (socket: Socket): void => {
      if (lingerMs === 0) socket.destroy();
      else setTimeout(() => socket.destroy(), lingerMs);
    };
    near.once('close', () => destroy(far));
    far.once('close', () => destroy(near));
  }, host);
}

/** A proxy to a server that can be disconnected or slowed down. */
export interface FickleProxy extends Listener {
  /**
   * `refuse`: closes connections as soon as they are made; `silent`: passes nothing on; `unanswered`: passes no answers
   * on; `half`: passes half of the next answer on, and nothing after it.
   */
  mode: 'pass' | 'refuse' | 'silent' | 'unanswered' | 'half';
  /** The delay before the server's answers are passed on. */
  answerDelayMs: number;
  /** Called with a client's bytes before they are passed on. They wait for a returned promise. */
  onRequest: (bytes: Buffer) => void | Promise<void>;
  /** Ends all current connections. */
  cut(): void;
}

export async function startFickleProxy(to: number): Promise<FickleProxy> {
  const relay = (near: Socket, far: Socket): void => {
    let handedOn: Promise<void> | null = null;
    near.on('data', (bytes: Buffer) => {
      const looked = handedOn === null ? proxy.onRequest(bytes) : handedOn.then(() => proxy.onRequest(bytes));
      const handOn = (): void => {
        if (proxy.mode !== 'silent') far.write(bytes);
      };
      if (looked === undefined) {
        handOn();
        return;
      }
      const turn = looked.then(handOn).finally(() => {
        if (handedOn === turn) handedOn = null;
      });
      handedOn = turn;
    });
    far.on('data', (bytes: Buffer) => {
      const answer = (): void => {
        if (proxy.mode === 'half') near.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
        if (proxy.mode === 'half') proxy.mode = 'unanswered';
        else if (proxy.mode === 'pass') near.write(bytes);
      };
      if (proxy.answerDelayMs === 0) answer();
      else setTimeout(answer, proxy.answerDelayMs);
    });
  };
  const refuses = (): boolean => proxy.mode === 'refuse';
  const listener = await startTcpProxy(to, relay, { host: '127.0.0.1', refuses });
  const proxy: FickleProxy = {
    ...listener,
    mode: 'pass',
    answerDelayMs: 0,
    onRequest: () => undefined,
    cut: () => {
      for (const socket of listener.sockets) socket.destroy();
    },
  };
  return proxy;
}
