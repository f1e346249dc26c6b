import { passOverHostKeys } from './announced-host-keys.ts';
import { boundGroupExchanges } from './group-exchange.ts';
import { offeredKeyExchanges } from '../route/offered-key-exchanges.ts';
import { quickenKeyExchanges } from './quick-key-exchange.ts';
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
  ssh.connect({
    ...options,
    readyTimeout: 0,
    algorithms: { kex: [...offeredKeyExchanges(kex)], serverHostKey: hostKeyAlgorithms, compress: ['none'] },
    hostVerifier: (blob: Buffer) => {
      for (const change of [quickenKeyExchanges, passOverHostKeys, boundRequests]) change(ssh);
      return judgeHostKey(blob);
    },
  });
  boundGroupExchanges(ssh);
}
