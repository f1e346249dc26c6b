import { groupExchange } from '../../config/values/key-exchanges.ts';
import { boundGroupExchanges } from './group-exchange.ts';
import { offeredKeyExchanges } from '../route/offered-key-exchanges.ts';
import { privatePartsFit } from './private-parts.ts';
import { boundRequests } from './request-bound.ts';
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from '../connection/ssh2.ts';

export interface Ssh2Options extends Pick<ConnectConfig, 'sock' | 'username' | 'keepaliveInterval' | 'authHandler'> {
  /** The key exchanges to offer, as `kex` says it; default: the usual ones. */
  readonly kex?: string | null | undefined;
  readonly hostKeyAlgorithms: ServerHostKeyAlgorithm[];
  /** False: the key that the server shows is not taken. */
  readonly judgeHostKey: (blob: Buffer) => boolean;
}

/** Begins a connection of ssh2 with what is changed of ssh2 here, without deadlines and compression. */
export function connectSsh2(
  ssh: Client,
  { kex = null, hostKeyAlgorithms, judgeHostKey, ...options }: Ssh2Options,
): void {
  // Groups of the server's choice are checked through private parts.
  const exchanges = offeredKeyExchanges(kex).filter((name) => name !== groupExchange || privatePartsFit());
  // For an empty list ssh2 would offer all it has.
  if (exchanges.length === 0) throw new Error('none of the key exchanges of `kex` can be offered');
  ssh.connect({
    ...options,
    readyTimeout: 0,
    algorithms: { kex: exchanges, serverHostKey: hostKeyAlgorithms, compress: ['none'] },
    hostVerifier: (blob: Buffer) => {
      boundRequests(ssh);
      return judgeHostKey(blob);
    },
  });
  boundGroupExchanges(ssh);
}
