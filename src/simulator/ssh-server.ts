/** The one importer of ssh2's server side, which serves the demo and the simulator alone. */
import ssh2 from 'ssh2';
import type { AuthContext, Connection, ParsedKey, ServerChannel, ServerConfig } from 'ssh2';

export type { AuthContext, Connection as ServerConnection, ParsedKey, ServerChannel };

/** An SSH server that listens nowhere: it is given the sockets that it is to serve. */
export type SshServer = Pick<ssh2.Server, 'injectSocket'>;

export interface SshServerOptions {
  /** With its private half. What it signs with is its own `sign`. */
  readonly hostKey: ParsedKey;
  /** Default: those of ssh2. */
  readonly algorithms?: ServerConfig['algorithms'];
  /** What the version line says after `SSH-2.0-`; default: ssh2's name. */
  readonly ident?: string;
  /** How often a client that is logged in is asked whether it still lives; default: ssh2's 15 s. */
  readonly keepaliveMs?: number;
}

/** `onConnection` is called for every socket whose other end has sent its version line. */
export function newSshServer(options: SshServerOptions, onConnection: (client: Connection) => void): SshServer {
  const { hostKey, algorithms, ident, keepaliveMs } = options;
  const config = {
    // ssh2 takes a key that it has parsed already, which its declaration does not know.
    hostKeys: [{ key: hostKey as unknown as Buffer }],
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(ident === undefined ? {} : { ident }),
    ...(keepaliveMs === undefined ? {} : { keepaliveInterval: keepaliveMs }),
  };
  return new ssh2.Server(config, onConnection);
}
