import type { HostKeyQuestion } from '../known-hosts/host-key-check.ts';
import type { ConnectOptions } from '../transport.ts';
import type { Wire } from '../connection/wire.ts';
import type { Credentials } from '../credentials/credentials.ts';

/** Everything about the way to one client. */
export interface SshTarget extends HostKeyQuestion {
  /** Host name or IP address. */
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** The key exchanges to offer, as `kex` says it; default: the usual ones. */
  readonly kex?: string | null;
  /** Called once for each connection, when it begins; may throw FleetError. */
  readonly credentials: () => Credentials;
  /** What SSH is spoken over; default: TCP, dialled from here. Throws FleetError. */
  readonly dial?: (options: ConnectOptions) => Promise<Wire>;
  /** Of the address, where it is dialled from here; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** How often the machine is asked whether it still lives, three times at most; default: never. */
  readonly keepaliveMs?: number;
}
