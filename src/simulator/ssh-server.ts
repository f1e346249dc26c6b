/** The only importer of ssh2's server side, which only the demo and the simulator use. */
import ssh2 from 'ssh2';
import type { AuthContext, Connection, ParsedKey, ServerChannel, ServerConfig } from 'ssh2';

export type { AuthContext, Connection as ServerConnection, ParsedKey, ServerChannel };

/**
 * Creates a server without a listener: `injectSocket` passes it each socket. Calls `onConnection` for every socket
 * whose peer has sent its version line.
 */
export function newSshServer(
  hostKey: ParsedKey,
  onConnection: (client: Connection) => void,
  config: Omit<ServerConfig, 'hostKeys'> = {},
): Pick<ssh2.Server, 'injectSocket'> {
  // ssh2 accepts a parsed key, but its type declaration lacks that.
  return new ssh2.Server({ ...config, hostKeys: [{ key: hostKey as unknown as Buffer }] }, onConnection);
}
