import { connect } from 'node:net';

import { listen, type Listener } from './free-port.ts';

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

/** Listens on a port that the kernel chooses, and passes all bytes on to a port of this machine. */
export async function startFickleProxy(to: number): Promise<FickleProxy> {
  const listener = await listen((near) => {
    if (proxy.mode === 'refuse') {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
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
    far.on('error', () => undefined);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  }, '127.0.0.1');
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
