import type { Hop } from './hop.ts';

/** The way to a client. */
export interface Route {
  /** Nearest to the collector first; the last one is the client. */
  readonly hops: readonly Hop[];
  /** What is asked for and ssh2 cannot do; `transport="openssh"` can. */
  readonly unsupported: readonly Unsupported[];
  /** What is passed over or taken otherwise than it is written, one sentence each, with its place. */
  readonly notes: readonly string[];
  /** Options of ssh_config that are not followed (the built-in transport has no use for most), or that nobody knows. */
  readonly passedOver: readonly PassedOver[];
  /** The ssh_config files that count for the client, whether they exist or not; empty: none is read. */
  readonly sshConfigFiles: readonly string[];
}

/** Something that ssh2 cannot do, for one machine on the way. */
export interface Unsupported {
  /** As it is written: `ProxyCommand`, `CertificateFile`, `Match exec` ... */
  readonly option: string;
  /** `FILE:LINE`. */
  readonly place: string;
  /** Name of the machine it is said of. */
  readonly hop: string;
  /**
   * True: without it the client is not what is reached, or not safely, so ssh2 refuses. False: it is one way to log in
   * among others, so ssh2 goes on without; `transport="auto"` takes OpenSSH in both cases.
   */
  readonly needed: boolean;
}

export interface PassedOver {
  readonly option: string;
  /** `FILE:LINE`. */
  readonly place: string;
  /** Name of the machine it is said of. */
  readonly hop: string;
  /** False: no version of OpenSSH has it. */
  readonly known: boolean;
}
