/** The only importer of ssh2's server side, which only the demo and the simulator use. */
import ssh2 from 'ssh2';
import type { AuthContext, Connection, ParsedKey, ServerChannel, ServerConfig } from 'ssh2';

export type { AuthContext, Connection as ServerConnection, ParsedKey, ServerChannel };

/** An SSH server without a listener: `injectSocket` passes it each socket. */
export type SshServer = Pick<ssh2.Server, 'injectSocket'>;

export interface SshServerOptions {
  /** The private host key. The server signs by the key's own `sign`. */
  readonly hostKey: ParsedKey;
  /** The algorithms; default: those of ssh2. */
  readonly algorithms?: ServerConfig['algorithms'];
  /** The text of the version line after `SSH-2.0-`; default: ssh2's name. */
  readonly ident?: string;
  /** The keepalive interval of a client after its login; default: ssh2's 15 s. */
  readonly keepaliveMs?: number;
}

/** Creates a server. Calls `onConnection` for every socket whose peer has sent its version line. */
export function newSshServer(options: SshServerOptions, onConnection: (client: Connection) => void): SshServer {
  const { hostKey, algorithms, ident, keepaliveMs } = options;
  const config = {
    // ssh2 accepts a parsed key, but its type declaration lacks that.
    hostKeys: [{ key: hostKey as unknown as Buffer }],
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(ident === undefined ? {} : { ident }),
    ...(keepaliveMs === undefined ? {} : { keepaliveInterval: keepaliveMs }),
  };
  return new ssh2.Server(config, onConnection);
}
