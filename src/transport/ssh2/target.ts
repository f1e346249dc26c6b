import type { HostKeyQuestion } from '../known-hosts/host-key-check.ts';
import type { ConnectOptions } from '../transport.ts';
import type { NameMemory } from '../connection/name-memory.ts';
import type { Wire } from '../connection/wire.ts';
import type { Credentials } from '../credentials/credentials.ts';

/** The data that a connection to one client needs. */
export interface SshTarget extends HostKeyQuestion {
  /** A host name or an IP address. */
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** The value of the `kex` setting; default: the usual key exchanges. */
  readonly kex?: string | null;
  /** Returns the credentials. Called once at the start of each connection. May throw FleetError. */
  readonly credentials: () => Credentials;
  /** Opens the connection that carries SSH; default: a direct TCP connection. Throws FleetError. */
  readonly dial?: (options: ConnectOptions) => Promise<Wire>;
  /** The names that earlier runs looked up, for a direct TCP connection. */
  readonly names?: NameMemory;
  /** The address family, for a direct TCP connection; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** The interval of the keepalives in ms, of which three may stay unanswered; default: no keepalives. */
  readonly keepaliveMs?: number;
}
