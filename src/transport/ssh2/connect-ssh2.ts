import { groupExchange } from '../../config/values/key-exchanges.ts';
import { boundGroupExchanges } from './group-exchange.ts';
import { offeredKeyExchanges } from '../route/offered-key-exchanges.ts';
import { privatePartsFit } from './private-parts.ts';
import { boundRequests } from './request-bound.ts';
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from '../connection/ssh2.ts';

export interface Ssh2Options extends Pick<ConnectConfig, 'sock' | 'username' | 'keepaliveInterval' | 'authHandler'> {
  /** The value of the `kex` setting; default: the usual key exchanges. */
  readonly kex?: string | null | undefined;
  readonly hostKeyAlgorithms: ServerHostKeyAlgorithm[];
  /** Returns false if the server's host key is to be rejected. */
  readonly judgeHostKey: (blob: Buffer) => boolean;
}

/** Starts a connection of ssh2 with the bounds of this folder, without deadlines and without compression. */
export function connectSsh2(
  ssh: Client,
  { kex = null, hostKeyAlgorithms, judgeHostKey, ...options }: Ssh2Options,
): void {
  // Only private parts of ssh2 allow a check of the group that the server chooses.
  const exchanges = offeredKeyExchanges(kex).filter((name) => name !== groupExchange || privatePartsFit());
  // ssh2 would offer all its key exchanges for an empty list.
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
